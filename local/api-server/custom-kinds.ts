import { AGE, NAME, printerColumn } from './columns.ts';
import { ruleChecker } from './cel-rules.ts';
import { invalidValue, requiredValue, type Cause } from './errors.ts';
import { isObject, listAt, objectAt, textAt, valueAt, without, type JsonObject } from './json.ts';
import { apiVersionOf, PLAIN_STRATEGY, type Column, type Kind, type Strategy } from './kinds.ts';
import { withFields, type ApiObject } from './objects.ts';
import { replicasCauses, scaleCauses, scalePaths } from './scale-paths.ts';
import { schemaValidator } from './schema-validation.ts';
import { decodeBy, withWholeDefaults } from './structural.ts';

/** Holds a CustomResourceDefinition until its objects are gone. */
export const CRD_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** apiextensions.k8s.io/v1 CustomResourceDefinition: accepted, it is established at once. */
export const CRD_STRATEGY: Strategy = {
  ...PLAIN_STRATEGY,
  decode: (crd) => ({
    object: { ...crd, spec: { conversion: { strategy: 'None' }, ...named(objectAt(crd, 'spec')) } },
    unknown: [],
  }),
  beforeCreate: (crd, now) => ({
    ...crd,
    metadata: { ...crd.metadata, finalizers: [...(crd.metadata.finalizers ?? []), CRD_FINALIZER] },
    status: established(crd, now),
  }),
  validate: (crd) => definitionCauses(crd),
  counted: (crd) => objectAt(crd, 'spec'),
  unconditionalUpdate: false,
};

function named(spec: JsonObject): JsonObject {
  const names = objectAt(spec, 'names');
  const kind = textAt(names, 'kind');
  return { ...spec, names: { singular: kind.toLowerCase(), listKind: `${kind}List`, ...names } };
}

function established(crd: ApiObject, now: string): JsonObject {
  const condition = (type: string, reason: string, message: string): JsonObject => ({
    type,
    status: 'True',
    lastTransitionTime: now,
    reason,
    message,
  });
  return {
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: objectAt(crd, 'spec.names'),
    storedVersions: versions(crd)
      .filter((one) => one['storage'] === true)
      .map((one) => textAt(one, 'name')),
  };
}

function versions(crd: JsonObject): readonly JsonObject[] {
  return listAt(crd, 'spec.versions').filter(isObject);
}

function definitionCauses(crd: ApiObject): readonly Cause[] {
  const name = `${textAt(crd, 'spec.names.plural')}.${textAt(crd, 'spec.group')}`;
  const needed = ['spec.group', 'spec.scope', 'spec.names.plural', 'spec.names.kind'];
  const causes = needed
    .filter((path) => textAt(crd, path) === '')
    .map((path) => requiredValue(path));
  if (crd.metadata.name !== name) {
    causes.push(
      invalidValue(
        'metadata.name',
        crd.metadata.name ?? '',
        `must be spec.names.plural+"."+spec.group`,
      ),
    );
  }
  if (versions(crd).filter((one) => one['storage'] === true).length !== 1) {
    causes.push(
      invalidValue(
        'spec.versions',
        versions(crd).map((one) => textAt(one, 'name')),
        'must have exactly one version marked as storage version',
      ),
    );
  }
  return [...causes, ...versions(crd).flatMap(schemaCauses), ...versions(crd).flatMap(scaleCauses)];
}

function schemaCauses(version: JsonObject, i: number): readonly Cause[] {
  const at = `spec.versions[${String(i)}].schema.openAPIV3Schema`;
  const schema = valueAt(version, ['schema', 'openAPIV3Schema']);
  if (!isObject(schema)) return [requiredValue(at, 'schemas are required')];
  try {
    ruleChecker(schema);
    schemaValidator(schema);
    return [];
  } catch (error) {
    return [invalidValue(at, 'object', error instanceof Error ? error.message : String(error))];
  }
}

/** The kinds that a CustomResourceDefinition defines: one for each served version. */
export function kindsOf(crd: JsonObject): readonly Kind[] {
  return versions(crd)
    .filter((one) => one['served'] === true)
    .map((one) => customKind(crd, one));
}

function customKind(crd: JsonObject, version: JsonObject): Kind {
  const names = objectAt(crd, 'spec.names');
  const group = textAt(crd, 'spec.group');
  const schema = withWholeDefaults(objectAt(version, 'schema.openAPIV3Schema'));
  const identity = { group, version: textAt(version, 'name'), kind: textAt(names, 'kind') };
  const hasStatus = isObject(valueAt(version, ['subresources', 'status']));
  const scale = scalePaths(version);
  const columns = listAt(version, 'additionalPrinterColumns').filter(isObject).map(printerColumn);
  return {
    ...identity,
    listKind: textAt(names, 'listKind'),
    plural: textAt(names, 'plural'),
    singular: textAt(names, 'singular'),
    shortNames: listAt(names, 'shortNames').map(String),
    categories: listAt(names, 'categories').map(String),
    namespaced: textAt(crd, 'spec.scope') === 'Namespaced',
    storage: `${textAt(names, 'plural')}.${group}`,
    hasStatus,
    ...(scale === undefined ? {} : { scale }),
    columns: [NAME, ...(columns.length === 0 ? [AGE] : columns)] satisfies Column[],
    schema,
    strategy: customStrategy(schema, { hasStatus, scale }),
    ...(versions(crd).length > 1 ? { view: versionView(apiVersionOf(identity)) } : {}),
  };
}

/** The conversion strategy None changes nothing but the apiVersion. */
function versionView(apiVersion: string): NonNullable<Kind['view']> {
  return { toStored: (object) => object, fromStored: (object) => ({ ...object, apiVersion }) };
}

function customStrategy(
  schema: JsonObject,
  { hasStatus, scale }: { readonly hasStatus: boolean; readonly scale: Kind['scale'] | undefined },
): Strategy {
  const validate = schemaValidator(schema);
  const rules = ruleChecker(schema);
  return {
    ...PLAIN_STRATEGY,
    decode: (object) => decodeBy(schema, object),
    beforeCreate: (object) => (hasStatus ? withFields(object, { status: undefined }) : object),
    validate: (object, old) => {
      const causes = [...validate(object), ...rules.duplicates(object)];
      const blocked = rules.hasRules && causes.some(({ reason }) => BLOCKING.has(reason));
      const scaling = replicasCauses(scale, object);
      return [...causes, ...scaling, ...(blocked ? [UNCHECKED] : rules.broken(object, old))];
    },
    counted: (object) => without(object, 'metadata', ...(hasStatus ? ['status'] : [])),
    unconditionalUpdate: false,
    strategicPatch: false,
    statusWritesMetadata: false,
  };
}

/** What makes a value so wrong that a rule could trip over it. */
const BLOCKING: ReadonlySet<string> = new Set([
  'FieldValueRequired',
  'FieldValueNotSupported',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
const UNCHECKED = invalidValue(
  '<nil>',
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
);
