import jsonPatch from 'fast-json-patch';
import { badRequest, StatusError } from './errors.ts';
import { isList, isObject, type Json, type JsonObject } from './json.ts';
import { strategicMerge } from './strategic-merge.ts';

export const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
] as const;

type PatchType = Exclude<(typeof PATCH_TYPES)[number], 'application/apply-patch+yaml'>;

export function isPatchType(type: string): type is PatchType {
  return PATCH_TYPES.some((known) => known === type);
}

/** `current` after the patch in `body`; throws a StatusError if the body is not a patch or does not fit. */
export function patched(type: PatchType, body: string, current: JsonObject): JsonObject {
  const patch = parse(body);
  if (type === 'application/json-patch+json') return jsonPatched(patch, current);
  if (!isObject(patch)) throw badRequest('error decoding patch: it must be an object');
  return type === 'application/merge-patch+json'
    ? mergeObject(current, patch)
    : strategicMerge(current, patch);
}

function parse(body: string): Json {
  try {
    const value: Json = JSON.parse(body) as Json;
    return value;
  } catch (error) {
    throw badRequest(
      `error decoding patch: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** RFC 7386. */
export function merge(current: Json | undefined, patch: Json): Json {
  return isObject(patch) ? mergeObject(isObject(current) ? current : {}, patch) : patch;
}

function mergeObject(current: JsonObject, patch: JsonObject): JsonObject {
  const result: Record<string, Json | undefined> = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined) Reflect.deleteProperty(result, key);
    else result[key] = merge(result[key], value);
  }
  return result;
}

/** RFC 6902. */
function jsonPatched(patch: Json, current: JsonObject): JsonObject {
  if (!isList(patch))
    throw badRequest('error decoding patch: a JSON patch is a list of operations');
  try {
    if (!isOperations(patch)) throw unfitting(undefined);
    const document = structuredClone(current);
    const result: unknown = jsonPatch.applyPatch(
      document,
      structuredClone(patch),
      true,
    ).newDocument;
    if (isObject(result)) return result;
  } catch (cause) {
    throw unfitting(cause);
  }
  throw unfitting(undefined);
}

/** Of a form that the library takes; whether they fit the document it says itself. */
function isOperations(patch: readonly unknown[]): patch is readonly jsonPatch.Operation[] {
  return patch.every(
    (one) => isObject(one) && typeof one['op'] === 'string' && typeof one['path'] === 'string',
  );
}

function unfitting(cause: unknown): StatusError {
  const error = new StatusError({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
    details: {},
  });
  error.cause = cause;
  return error;
}
