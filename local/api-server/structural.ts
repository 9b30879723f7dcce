import { isList, isObject, objectAt, type Json, type JsonObject } from './json.ts';
import type { ApiObject } from './objects.ts';
import type { Decoded } from './kinds.ts';

/**
 * Pruning and defaulting by a structural schema
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
 */
export function decodeBy(schema: JsonObject, object: ApiObject): Decoded {
  const unknown: string[] = [];
  const { apiVersion, kind, metadata, ...rest } = object;
  const fields = fitObject(schema, rest, { path: '', unknown });
  return { object: { ...fields, apiVersion, kind, metadata }, unknown: unknown.sort() };
}

interface Walk {
  readonly path: string;
  readonly unknown: string[];
}

function fit(schema: JsonObject, value: Json, walk: Walk): Json {
  if (isObject(value)) return fitObject(schema, value, walk);
  const { items } = schema;
  if (isList(value) && isObject(items)) {
    return value.map((item, i) => fit(items, item, { ...walk, path: `${walk.path}[${i}]` }));
  }
  return value;
}

function fitObject(schema: JsonObject, value: JsonObject, walk: Walk): JsonObject {
  const known = objectAt(schema, 'properties');
  const fitted: Record<string, Json | undefined> = {};
  for (const [key, field] of Object.entries(value)) {
    const path = walk.path === '' ? key : `${walk.path}.${key}`;
    const of = schemaOf(schema, known, key);
    if (of === undefined) walk.unknown.push(path);
    else if (field !== undefined && !isForbiddenNull(of, field))
      fitted[key] = fit(of, field, { ...walk, path });
  }
  for (const [key, of] of Object.entries(known)) {
    if (fitted[key] === undefined && isObject(of) && of['default'] !== undefined)
      fitted[key] = of['default'];
  }
  return fitted;
}

/** The schema of a field; an empty one keeps whatever is there, undefined drops it. */
function schemaOf(schema: JsonObject, known: JsonObject, key: string): JsonObject | undefined {
  const named = Object.hasOwn(known, key) ? known[key] : undefined;
  if (isObject(named)) return named;
  const { additionalProperties } = schema;
  if (isObject(additionalProperties)) return additionalProperties;
  return keepsUnknown(schema) || additionalProperties === true ? KEEP : undefined;
}

const KEEP: JsonObject = { 'x-kubernetes-preserve-unknown-fields': true };

function keepsUnknown(schema: JsonObject): boolean {
  return (
    schema['x-kubernetes-preserve-unknown-fields'] === true ||
    schema['x-kubernetes-embedded-resource'] === true
  );
}

/** A null where none may be is as good as nothing, so that a default can take its place. */
function isForbiddenNull(schema: JsonObject, value: Json): boolean {
  return value === null && schema['nullable'] !== true && schema !== KEEP;
}

/** `schema` with its defaults complete in themselves, so that filling one in needs no second look. */
export function withWholeDefaults(schema: JsonObject): JsonObject {
  const whole: Record<string, Json | undefined> = { ...schema };
  if (isObject(schema['properties'])) {
    whole['properties'] = Object.fromEntries(
      Object.entries(schema['properties']).map(([key, of]) => [
        key,
        isObject(of) ? withWholeDefaults(of) : of,
      ]),
    );
  }
  for (const key of ['items', 'additionalProperties']) {
    const of = schema[key];
    if (isObject(of)) whole[key] = withWholeDefaults(of);
  }
  if (schema['default'] !== undefined)
    whole['default'] = fit(whole, schema['default'], { path: '', unknown: [] });
  return whole;
}
