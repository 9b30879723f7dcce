import { isList, isObject, objectAt, same, type Json, type JsonObject } from './json.ts';
import { mergeKeysOf } from './strategic-merge.ts';

/**
 * Sets of fields in the form of `managedFields[].fieldsV1`: `f:name` is a field, `k:{...}` an item of a list with keys,
 * `v:...` a value of a set and `.` the thing itself (https://kubernetes.io/docs/reference/using-api/server-side-apply/).
 */
export type FieldSet = JsonObject;
/** From the root of an object to one of its fields. */
export type FieldPath = readonly string[];

/** How the part of an object at hand is made. */
export interface Shape {
  readonly schema: JsonObject;
  /** Its lists are known by name (built-in kinds, metadata), not by schema. */
  readonly byName: boolean;
}

export function shapeOf({ schema, byName }: Shape, key: string): Shape {
  if (byName || key === 'metadata') return { schema: {}, byName: true };
  const known = objectAt(schema, 'properties')[key];
  const others = schema['additionalProperties'];
  return { schema: isObject(known) ? known : isObject(others) ? others : {}, byName: false };
}

/** The keys of a list's items, none for a set, undefined for a list that is one value. */
export function listKeys({ schema, byName }: Shape, key: string): readonly string[] | undefined {
  if (byName) return mergeKeysOf(key);
  if (schema['x-kubernetes-list-type'] === 'set') return [];
  const keys = schema['x-kubernetes-list-map-keys'];
  return isList(keys) ? keys.map(String) : undefined;
}

export function itemShape({ schema, byName }: Shape): Shape {
  return { schema: objectAt(schema, 'items'), byName };
}

export function isAtomic({ schema }: Shape): boolean {
  return schema['x-kubernetes-map-type'] === 'atomic';
}

/** Every field that `value` has. */
export function fieldsOf(shape: Shape, value: JsonObject): FieldSet {
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      `f:${key}`,
      fieldsBelow(shapeOf(shape, key), key, field),
    ]),
  );
}

function fieldsBelow(shape: Shape, key: string, value: Json | undefined): FieldSet {
  if (isObject(value)) return isAtomic(shape) ? {} : fieldsOf(shape, value);
  const keys = listKeys(shape, key);
  if (!isList(value) || keys === undefined) return {};
  return Object.fromEntries(
    value.map((item) => [
      stepOf(item, keys),
      isObject(item) ? { '.': {}, ...fieldsOf(itemShape(shape), item) } : {},
    ]),
  );
}

/** How an item of a list is named in a field set. */
export function stepOf(item: Json, keys: readonly string[]): string {
  if (keys.length === 0 || !isObject(item)) return `v:${JSON.stringify(item)}`;
  return `k:${JSON.stringify(
    Object.fromEntries(
      [...keys]
        .sort()
        .filter((key) => item[key] !== undefined)
        .map((key) => [key, item[key]]),
    ),
  )}`;
}

/** The paths to all that has nothing below it, and to items as such. */
export function leaves(set: FieldSet, path: FieldPath = []): readonly FieldPath[] {
  const below = Object.entries(set);
  if (below.length === 0) return path.length === 0 ? [] : [path];
  return below.flatMap(([step, inner]) =>
    step === '.' ? [path] : isObject(inner) ? leaves(inner, [...path, step]) : [],
  );
}

/** What a set has at a path; undefined if the path is not in it. */
export function subset(set: FieldSet, path: FieldPath): FieldSet | undefined {
  let found: Json | undefined = set;
  for (const step of path) found = isObject(found) ? found[step] : undefined;
  return isObject(found) ? found : undefined;
}

export function withoutPath(set: FieldSet, [step, ...rest]: FieldPath): FieldSet {
  const inner = step === undefined ? undefined : set[step];
  if (step === undefined || !isObject(inner)) return set;
  const smaller = rest.length === 0 ? {} : withoutPath(inner, rest);
  const others = Object.entries(set).filter(([key]) => key !== step);
  return Object.fromEntries(
    Object.keys(smaller).length === 0 ? others : [...others, [step, smaller]],
  );
}

function matches(step: string, item: Json): boolean {
  const wanted: unknown = JSON.parse(step.slice(2));
  if (step.startsWith('v:')) return same(item, wanted as Json);
  return (
    isObject(wanted) &&
    isObject(item) &&
    Object.entries(wanted).every(([key, value]) => same(item[key], value))
  );
}

/** The value at a path of an object. */
export function read(value: Json | undefined, path: FieldPath): Json | undefined {
  let found = value;
  for (const step of path) {
    if (step.startsWith('f:')) found = isObject(found) ? found[step.slice(2)] : undefined;
    else found = isList(found) ? found.find((item) => matches(step, item)) : undefined;
  }
  return found;
}

/** The object without what is at a path. */
export function removed(value: Json | undefined, path: FieldPath): Json | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return undefined;
  if (step.startsWith('f:')) return isObject(value) ? withField(value, step.slice(2), rest) : value;
  if (!isList(value)) return value;
  return value.flatMap((item) => {
    const kept = matches(step, item) ? removed(item, rest) : item;
    return kept === undefined ? [] : [kept];
  });
}

function withField(value: JsonObject, key: string, rest: FieldPath): JsonObject {
  const field = removed(value[key], rest);
  const others = Object.entries(value).filter(([other]) => other !== key);
  return Object.fromEntries(field === undefined ? others : [...others, [key, field]]);
}

/** As error messages show it: `.spec.env[name="X"].value`. */
export function pathText(path: FieldPath): string {
  return path
    .map((step) => {
      if (step.startsWith('f:')) return `.${step.slice(2)}`;
      const value: unknown = JSON.parse(step.slice(2));
      if (!isObject(value)) return `[=${JSON.stringify(value)}]`;
      return `[${Object.entries(value)
        .map(([key, one]) => `${key}=${JSON.stringify(one)}`)
        .join(',')}]`;
    })
    .join('');
}
