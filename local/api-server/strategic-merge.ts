import { isList, isObject, same, type Json, type JsonObject } from './json.ts';

/** By which key the items of the built-in kinds' lists are told apart; a list that is not here is replaced as a whole. */
const MERGE_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  volumeMounts: ['mountPath'],
  ports: ['containerPort', 'protocol'],
  imagePullSecrets: ['name'],
  ownerReferences: ['uid'],
  conditions: ['type'],
  podIPs: ['ip'],
};
const SETS: ReadonlySet<string> = new Set(['finalizers']);

export function mergeKeysOf(field: string): readonly string[] | undefined {
  return SETS.has(field) ? [] : MERGE_KEYS[field];
}

/** Strategic merge patch, as far as kubectl uses it on the built-in kinds served here. */
export function strategicMerge(current: JsonObject, patch: JsonObject): JsonObject {
  if (patch['$patch'] === 'replace') return plain(patch);
  const result: Record<string, Json | undefined> = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, key);
    else if (key.startsWith(REMOVE))
      result[key.slice(REMOVE.length)] = withoutItems(result[key.slice(REMOVE.length)], value);
    else if (value !== undefined && !key.startsWith('$'))
      result[key] = mergedField(key, result[key], value);
  }
  return result;
}

const REMOVE = '$deleteFromPrimitiveList/';

function mergedField(key: string, current: Json | undefined, patch: Json): Json {
  if (isObject(patch)) return strategicMerge(isObject(current) ? current : {}, patch);
  const keys = mergeKeysOf(key);
  if (!isList(patch) || keys === undefined) return patch;
  return mergedList(isList(current) ? current : [], patch, keys);
}

function mergedList(
  current: readonly Json[],
  patch: readonly Json[],
  keys: readonly string[],
): readonly Json[] {
  if (patch.some((item) => isObject(item) && item['$patch'] === 'replace')) {
    return patch.filter((item) => !isObject(item) || item['$patch'] === undefined);
  }
  const result = [...current];
  for (const item of patch) {
    const at = result.findIndex((one) => sameItem(one, item, keys));
    const old = result[at];
    if (isObject(item) && item['$patch'] === 'delete') result.splice(at, at < 0 ? 0 : 1);
    else if (old === undefined) result.push(isObject(item) ? plain(item) : item);
    else result[at] = isObject(item) && isObject(old) ? strategicMerge(old, item) : item;
  }
  return result;
}

/** Without keys they are values of a set. */
function sameItem(left: Json, right: Json, keys: readonly string[]): boolean {
  if (keys.length === 0 || !isObject(left) || !isObject(right)) return same(left, right);
  return keys.every(
    (key) => same(left[key], right[key]) || left[key] === undefined || right[key] === undefined,
  );
}

function withoutItems(current: Json | undefined, removed: Json | undefined): Json {
  const gone = isList(removed) ? removed : [];
  return (isList(current) ? current : []).filter((item) => !gone.some((one) => same(one, item)));
}

/** A patch that meets nothing, as the object that it makes. */
function plain(patch: JsonObject): JsonObject {
  return strategicMerge(
    {},
    Object.fromEntries(Object.entries(patch).filter(([key]) => key !== '$patch')),
  );
}
