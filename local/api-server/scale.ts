import { badRequest, methodNotAllowed, StatusError, unsupportedMediaType } from './errors.ts';
import { isObject, valueAt, type Json, type JsonObject } from './json.ts';
import type { Kind, ScalePaths } from './kinds.ts';
import { parseObject, withMeta, type ApiObject, type Meta, type StoredObject } from './objects.ts';
import { isPatchType, patched, PATCH_TYPES } from './patch.ts';
import type { Resources } from './resources.ts';
import { received, writeOptions, type Write } from './writes.ts';

/**
 * autoscaling/v1 Scale: what `kubectl scale` and autoscalers see and change of a custom object, whose definition says where its numbers are.
 * It has no state of its own, so a write of it is an update of the object, with all that holds for one.
 */
const API_VERSION = 'autoscaling/v1';
const KIND = 'Scale';

/** The Scale of an object; throws a StatusError where its number is not there. */
export function scaleOf(kind: Kind, object: StoredObject): JsonObject {
  const paths = pathsOf(kind);
  if (numberAt(object, paths.specReplicas) === undefined) throw noReplicas(paths);
  return shown(paths, object);
}

/** The Scale after a PUT or PATCH of it. */
export function rescaled(resources: Resources, method: string, write: Write): JsonObject {
  const { kind, ref } = write;
  const paths = pathsOf(kind);
  const wish =
    method === 'PUT' ? replacement(write) : method === 'PATCH' ? patching(write) : undefined;
  if (wish === undefined) throw methodNotAllowed();
  const change = (current: StoredObject | undefined): ApiObject => {
    if (current === undefined) throw methodNotAllowed();
    return withReplicas({ paths, current }, wish(shown(paths, current)));
  };
  const { entry } = resources.update(
    { kind, ref },
    { change, replaces: true, creates: false, subresource: '' },
    writeOptions(write),
  );
  return shown(paths, entry.object);
}

/** Of a kind that is routed here only if it has them. */
function pathsOf({ scale }: Kind): ScalePaths {
  if (scale === undefined) throw methodNotAllowed();
  return scale;
}

/** As Go writes it: a zero is left out where the field may be absent. */
function shown(paths: ScalePaths, object: StoredObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = numberAt(object, paths.specReplicas) ?? 0;
  const selector = paths.labelSelector.length === 0 ? '' : valueAt(object, paths.labelSelector);
  return {
    kind: KIND,
    apiVersion: API_VERSION,
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: numberAt(object, paths.statusReplicas) ?? 0,
      ...(typeof selector === 'string' && selector !== '' ? { selector } : {}),
    },
  };
}

function numberAt(object: JsonObject, path: readonly string[]): number | undefined {
  const found = valueAt(object, path);
  return typeof found === 'number' ? found : undefined;
}

type Wish = (current: JsonObject) => ApiObject;

function replacement(write: Write): Wish {
  const scale = received({ ...write, kind: { kind: KIND } }, write.body, writeOptions(write));
  return () => scale;
}

function patching({ type, body }: Write): Wish {
  if (!isPatchType(type) || type.includes('strategic'))
    throw unsupportedMediaType(PATCH_TYPES.filter((one) => !/apply|strategic/.test(one)));
  return (current) => parseObject(patched(type, body, current)).object;
}

interface Target {
  readonly paths: ScalePaths;
  readonly current: StoredObject;
}

/** The object as the Scale would have it; one that names a version of it holds only for that. */
function withReplicas({ paths, current }: Target, scale: ApiObject): ApiObject {
  checkScale(scale);
  const replicas = numberAt(scale, ['spec', 'replicas']) ?? 0;
  return {
    ...(withValue(current, paths.specReplicas, replicas) as ApiObject),
    metadata: withMeta(current, claimed(scale.metadata)).metadata,
  };
}

/** What a Scale says of the object that it means; what it does not say is not checked. */
function claimed({ name, namespace, uid, resourceVersion }: Meta): JsonObject {
  const given = Object.entries({ name, namespace, uid, resourceVersion });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

const LARGEST_INT32 = 2 ** 31 - 1;

function checkScale(scale: ApiObject): void {
  if (scale.apiVersion !== API_VERSION || scale.kind !== KIND) {
    throw badRequest(
      `the API version in the data (${scale.apiVersion}, Kind=${scale.kind}) does not match the expected API version (${API_VERSION})`,
    );
  }
  const replicas = valueAt(scale, ['spec', 'replicas']) ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas > LARGEST_INT32) {
    throw badRequest(
      `Scale in version "v1" cannot be handled as a Scale: spec.replicas: ${JSON.stringify(replicas)} is not of type int32`,
    );
  }
}

function withValue(value: Json | undefined, path: readonly string[], to: Json): Json {
  const [field, ...below] = path;
  if (field === undefined) return to;
  const here = isObject(value) ? value : {};
  return { ...here, [field]: withValue(here[field], below, to) };
}

function noReplicas({ specReplicas }: ScalePaths): StatusError {
  const message = `Internal error occurred: the spec replicas field ".${specReplicas.join('.')}" does not exist`;
  const details = {
    causes: [{ message: `the spec replicas field ".${specReplicas.join('.')}" does not exist` }],
  };
  return new StatusError({ code: 500, reason: 'InternalError', message, details });
}
