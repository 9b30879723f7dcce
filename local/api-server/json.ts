/** JSON that is never changed in place: writes share what did not change with the history they replace. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** What is at `path`, or undefined where the way there ends early. */
export function valueAt(value: Json | undefined, path: readonly string[]): Json | undefined {
  let found = value;
  for (const key of path) {
    if (!isObject(found)) return undefined;
    found = found[key];
  }
  return found;
}

/** The string at a dotted path; empty where there is none, as an absent field reads in Go. */
export function textAt(value: Json | undefined, path: string): string {
  const found = valueAt(value, path.split('.'));
  return typeof found === 'string' ? found : '';
}

export function objectAt(value: Json | undefined, path: string): JsonObject {
  const found = valueAt(value, path.split('.'));
  return isObject(found) ? found : {};
}

export function listAt(value: Json | undefined, path: string): readonly Json[] {
  const found = valueAt(value, path.split('.'));
  return isList(found) ? found : [];
}

/** `object` less some of its fields. */
export function without(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** Same type and same content, whatever the order of keys. */
export function same(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (isList(left)) {
    return (
      isList(right) && left.length === right.length && left.every((item, i) => same(item, right[i]))
    );
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && same(left[key], right[key]))
  );
}
