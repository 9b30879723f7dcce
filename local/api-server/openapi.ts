import { createHash } from 'node:crypto';
import { isObject, objectAt, type Json, type JsonObject } from './json.ts';
import { apiVersionOf, type Kind } from './kinds.ts';

/** Path of a group version below /openapi/v3, such as `apis/sandbox.ai/v1alpha1`. */
function pathOf({ group, version }: Kind): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

/** What /openapi/v3 lists; the hash changes with the content, because kubectl caches by it. */
export function openApiIndex(kinds: readonly Kind[]): JsonObject {
  const paths = [...new Set(kinds.map(pathOf))].map((path) => {
    const hash = createHash('sha256')
      .update(JSON.stringify(openApiV3(kinds, path)))
      .digest('hex');
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
  });
  return { paths: Object.fromEntries(paths) };
}

/** OpenAPI v3 of one group version; undefined if nothing is served there. */
export function openApiV3(kinds: readonly Kind[], path: string): JsonObject | undefined {
  const served = kinds.filter((kind) => pathOf(kind) === path);
  if (served.length === 0) return undefined;
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.34.0' },
    paths: allPaths(served, v3Operation),
    components: {
      schemas: { ...models(served, model), [OBJECT_META]: metaModel() },
    },
  };
}

/** OpenAPI v2 of everything, for clients that know no other. */
export function openApiV2(kinds: readonly Kind[]): JsonObject {
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'v1.34.0' },
    paths: allPaths(kinds, v2Operation),
    definitions: models(kinds, v2Model),
  };
}

function models(kinds: readonly Kind[], of: (kind: Kind) => JsonObject): JsonObject {
  return Object.fromEntries(kinds.map((kind) => [modelName(kind), of(kind)]));
}

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** `ai.sandbox.v1alpha1.Execution`. */
function modelName({ group, version, kind }: Kind): string {
  return group === ''
    ? `io.k8s.api.core.${version}.${kind}`
    : `${group.split('.').reverse().join('.')}.${version}.${kind}`;
}

function groupVersionKind({ group, version, kind }: Kind): JsonObject {
  return { group, version, kind };
}

function model(kind: Kind): JsonObject {
  const { schema } = kind;
  const properties = {
    apiVersion: { type: 'string', description: 'Version of the schema of this object.' },
    kind: { type: 'string', description: 'Kind of this object.' },
    ...objectAt(schema, 'properties'),
    metadata: {
      description: 'Standard object metadata.',
      allOf: [{ $ref: `#/components/schemas/${OBJECT_META}` }],
      default: {},
    },
  };
  return {
    ...schema,
    type: 'object',
    properties,
    'x-kubernetes-group-version-kind': [groupVersionKind(kind)],
  };
}

/** The old form knows neither nullable nor a choice of types, and metadata is left open. */
function v2Model(kind: Kind): JsonObject {
  const { properties, ...rest } = model(kind);
  const fields = { ...(isObject(properties) ? properties : {}), metadata: { type: 'object' } };
  const plain = v2Schema({ ...rest, properties: fields });
  return isObject(plain) ? plain : {};
}

function v2Schema(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((item: Json) => v2Schema(item) ?? null);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(
    ([key, one]) => !['nullable', 'anyOf', 'oneOf', 'allOf', 'not'].includes(key) || isObject(one),
  );
  return Object.fromEntries(kept.map(([key, one]) => [key, v2Schema(one)]));
}

function metaModel(): JsonObject {
  const text = (description: string): JsonObject => ({ type: 'string', description });
  const texts = (description: string): JsonObject => ({
    type: 'object',
    description,
    additionalProperties: { type: 'string', default: '' },
  });
  return {
    description: 'ObjectMeta is metadata that all persisted resources must have.',
    type: 'object',
    properties: {
      name: text('Unique within a namespace.'),
      generateName: text('Prefix of a name that the server makes unique.'),
      namespace: text('The space within which the name is unique.'),
      labels: texts('Keys and values by which objects are selected.'),
      annotations: texts('Keys and values that nothing selects by.'),
      finalizers: {
        type: 'array',
        description: 'What has to be done before the object goes.',
        items: { type: 'string', default: '' },
      },
      ownerReferences: {
        type: 'array',
        description: 'Objects on which the life of this one depends.',
        items: { type: 'object' },
      },
      uid: text('Unique in time and space.'),
      resourceVersion: text('Changes with every write.'),
      generation: {
        type: 'integer',
        format: 'int64',
        description: 'Counts changes of what is desired.',
      },
      creationTimestamp: text('When the object was created.'),
      deletionTimestamp: text('When the object will be, or should have been, gone.'),
    },
  };
}

type Operation = (kind: Kind, verb: string) => JsonObject;

function allPaths(kinds: readonly Kind[], operation: Operation): JsonObject {
  return Object.fromEntries(kinds.flatMap((kind) => Object.entries(pathsOf(kind, operation))));
}

function pathsOf(kind: Kind, operation: Operation): JsonObject {
  const root = `/${pathOf(kind)}`;
  const collection = kind.namespaced
    ? `${root}/namespaces/{namespace}/${kind.plural}`
    : `${root}/${kind.plural}`;
  const verbs = (...names: readonly string[]): JsonObject =>
    Object.fromEntries(names.map((verb) => [verb, operation(kind, verb)]));
  const object = verbs('get', 'put', 'patch', 'delete');
  return {
    [collection]: verbs('get', 'post', 'delete'),
    [`${collection}/{name}`]: object,
    ...(kind.hasStatus ? { [`${collection}/{name}/status`]: verbs('get', 'put', 'patch') } : {}),
    ...(kind.namespaced ? { [`${root}/${kind.plural}`]: verbs('get') } : {}),
  };
}

/** kubectl looks here for what the server can do: `--dry-run=server` and `--validate` depend on it. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  get: [
    'labelSelector',
    'fieldSelector',
    'limit',
    'continue',
    'watch',
    'resourceVersion',
    'timeoutSeconds',
  ],
  post: ['dryRun', 'fieldManager', 'fieldValidation'],
  put: ['dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
  delete: ['dryRun', 'gracePeriodSeconds', 'propagationPolicy'],
};

function v3Operation(kind: Kind, verb: string): JsonObject {
  const schema = { $ref: `#/components/schemas/${modelName(kind)}` };
  return {
    ...operation(kind, verb),
    parameters: (PARAMETERS[verb] ?? []).map((name) => ({
      name,
      in: 'query',
      schema: { type: 'string' },
    })),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
  };
}

function v2Operation(kind: Kind, verb: string): JsonObject {
  return {
    ...operation(kind, verb),
    consumes: ['application/json'],
    produces: ['application/json'],
    parameters: (PARAMETERS[verb] ?? []).map((name) => ({ name, in: 'query', type: 'string' })),
    responses: { 200: { description: 'OK', schema: { $ref: `#/definitions/${modelName(kind)}` } } },
  };
}

function operation(kind: Kind, verb: string): JsonObject {
  return {
    description: `${verb} ${apiVersionOf(kind)} ${kind.kind}`,
    'x-kubernetes-action': verb,
    'x-kubernetes-group-version-kind': groupVersionKind(kind),
  };
}
