import { Environment, Optional, type ParseResult } from '@marcbachmann/cel-js';
import { invalidValue, requiredValue, type Cause } from './errors.ts';
import {
  isList,
  isObject,
  listAt,
  objectAt,
  same,
  textAt,
  type Json,
  type JsonObject,
} from './json.ts';

/** What a schema asks of a value beyond what OpenAPI can say. */
export interface RuleChecker {
  /** Whether any of it is CEL. */
  readonly hasRules: boolean;
  /** Items of a list that repeat another's key. */
  duplicates(value: Json): readonly Cause[];
  /** Rules of `x-kubernetes-validations` that do not hold; `old` is absent on a create. */
  broken(value: Json, old: Json | undefined): readonly Cause[];
}

/** Compiled rules of one schema node and, below it, of those parts only that have any. */
interface RuleNode {
  readonly schema: JsonObject;
  readonly rules: readonly Rule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly others: RuleNode | undefined;
  readonly items: RuleNode | undefined;
  readonly unique: readonly string[] | undefined;
}

interface Rule {
  readonly text: string;
  readonly evaluate: ParseResult;
  readonly message: string;
  readonly messageExpression: ParseResult | undefined;
  readonly reason: string;
  readonly fieldPath: string;
  /** It compares with the object before the update, so it holds trivially where there is none. */
  readonly transition: boolean;
  readonly optionalOld: boolean;
}

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
});

/** Throws a ParseError of the CEL library if a rule is not an expression that it knows. */
export function ruleChecker(schema: JsonObject): RuleChecker {
  const root = compile(schema);
  if (root === undefined) return { hasRules: false, duplicates: () => [], broken: () => [] };
  return {
    hasRules: containsRules(root),
    duplicates: (value) => [...walk(root, { value, old: undefined, path: '' }, repeated)],
    broken: (value, old) => [...walk(root, { value, old, path: '' }, brokenHere)],
  };
}

function compile(schema: JsonObject): RuleNode | undefined {
  const rules = listAt(schema, 'x-kubernetes-validations').filter(isObject).map(rule);
  const properties = new Map<string, RuleNode>();
  for (const [key, of] of Object.entries(objectAt(schema, 'properties'))) {
    const node = isObject(of) ? compile(of) : undefined;
    if (node !== undefined) properties.set(key, node);
  }
  const others = inner(schema['additionalProperties']);
  const items = inner(schema['items']);
  const unique = uniqueKeys(schema);
  const empty =
    rules.length === 0 && properties.size === 0 && others === undefined && items === undefined;
  return empty && unique === undefined
    ? undefined
    : { schema, rules, properties, others, items, unique };
}

function inner(schema: Json | undefined): RuleNode | undefined {
  return isObject(schema) ? compile(schema) : undefined;
}

/** What items of the list must differ in: the keys of a map, everything of a set. */
function uniqueKeys(schema: JsonObject): readonly string[] | undefined {
  if (schema['x-kubernetes-list-type'] === 'set') return [];
  if (schema['x-kubernetes-list-type'] !== 'map') return undefined;
  return listAt(schema, 'x-kubernetes-list-map-keys').map(String);
}

function containsRules(node: RuleNode): boolean {
  const below = [...node.properties.values(), node.others, node.items];
  return node.rules.length > 0 || below.some((one) => one !== undefined && containsRules(one));
}

function rule(given: JsonObject): Rule {
  const text = textAt(given, 'rule');
  const expression = textAt(given, 'messageExpression');
  return {
    text,
    evaluate: environment.parse(text),
    message: textAt(given, 'message') === '' ? `failed rule: ${text}` : textAt(given, 'message'),
    messageExpression: expression === '' ? undefined : environment.parse(expression),
    reason: textAt(given, 'reason') === '' ? 'FieldValueInvalid' : textAt(given, 'reason'),
    fieldPath: textAt(given, 'fieldPath'),
    transition: /\boldSelf\b/.test(text),
    optionalOld: given['optionalOldSelf'] === true,
  };
}

interface At {
  readonly value: Json;
  readonly old: Json | undefined;
  readonly path: string;
}

type Look = (node: RuleNode, at: At) => Iterable<Cause>;

function* walk(node: RuleNode, at: At, look: Look): Generator<Cause> {
  yield* look(node, at);
  for (const [below, inside] of parts(node, at)) yield* walk(below, inside, look);
}

function* parts(node: RuleNode, at: At): Generator<[RuleNode, At]> {
  if (isObject(at.value)) yield* fieldsOf(node, at.value, at);
  const { value, old, path } = at;
  if (!isList(value) || node.items === undefined) return;
  for (const [i, item] of value.entries()) {
    yield [node.items, { value: item, old: counterpart(node, item, old), path: `${path}[${i}]` }];
  }
}

function* fieldsOf(
  node: RuleNode,
  value: JsonObject,
  { old, path }: At,
): Generator<[RuleNode, At]> {
  for (const [name, field] of Object.entries(value)) {
    const below = node.properties.get(name) ?? node.others;
    if (below === undefined || field === undefined) continue;
    const before = isObject(old) ? old[name] : undefined;
    yield [below, { value: field, old: before, path: path === '' ? name : `${path}.${name}` }];
  }
}

function* repeated({ unique }: RuleNode, { value, path }: At): Generator<Cause> {
  if (unique === undefined || !isList(value)) return;
  for (const [i, item] of value.entries()) {
    if (!value.slice(0, i).some((earlier) => same(key(earlier, unique), key(item, unique))))
      continue;
    yield {
      reason: 'FieldValueDuplicate',
      message: `Duplicate value: ${JSON.stringify(key(item, unique))}`,
      field: `${path}[${i}]`,
    };
  }
}

function* brokenHere(node: RuleNode, at: At): Generator<Cause> {
  for (const one of node.rules) yield* applied(one, node.schema, at);
}

/** Only items of a map list can be told from each other over time. */
function counterpart({ unique }: RuleNode, item: Json, old: Json | undefined): Json | undefined {
  if (unique === undefined || unique.length === 0 || !isList(old)) return undefined;
  return old.find((earlier) => same(key(earlier, unique), key(item, unique)));
}

function key(item: Json, keys: readonly string[]): Json {
  if (keys.length === 0 || !isObject(item)) return item;
  return Object.fromEntries(keys.map((name) => [name, item[name]]));
}

function* applied(one: Rule, schema: JsonObject, { value, old, path }: At): Generator<Cause> {
  if (one.transition && old === undefined && !one.optionalOld) return;
  const variables = { self: celValue(schema, value), oldSelf: oldSelf(one, schema, old) };
  const field = `${path}${one.fieldPath}`;
  try {
    if (one.evaluate(variables) !== true)
      yield failure(one, field, { schema, message: messageOf(one, variables) });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    yield invalidValue(field, typeOf(schema), `rule evaluation error: ${text}`);
  }
}

function oldSelf(one: Rule, schema: JsonObject, old: Json | undefined): unknown {
  const value = old === undefined ? undefined : celValue(schema, old);
  if (!one.optionalOld) return value;
  return value === undefined ? Optional.none() : Optional.of(value);
}

function messageOf(one: Rule, variables: Record<string, unknown>): string {
  const said: unknown = one.messageExpression?.(variables);
  return typeof said === 'string' && said.trim() !== '' ? said : one.message;
}

function failure(
  one: Rule,
  field: string,
  { schema, message }: { schema: JsonObject; message: string },
): Cause {
  switch (one.reason) {
    case 'FieldValueForbidden':
      return { reason: one.reason, message: `Forbidden: ${message}`, field };
    case 'FieldValueRequired':
      return requiredValue(field, message);
    case 'FieldValueDuplicate':
      return {
        reason: one.reason,
        message: `Duplicate value: ${JSON.stringify(typeOf(schema))}`,
        field,
      };
    default:
      return invalidValue(field, typeOf(schema), message);
  }
}

/** The server names the type instead of showing the value. */
function typeOf(schema: JsonObject): string {
  return textAt(schema, 'type') === '' ? 'string' : textAt(schema, 'type');
}

/**
 * JSON with the types that CEL tells apart: whole numbers are BigInts, times are Dates. Objects are Maps: the library asks a plain one for its
 * `constructor`, which may be a key of a user's.
 */
function celValue(schema: JsonObject, value: Json): unknown {
  if (typeof value === 'number') return celNumber(schema, value);
  if (typeof value === 'string') return schema['format'] === 'date-time' ? new Date(value) : value;
  if (isList(value)) return value.map((item) => celValue(objectAt(schema, 'items'), item));
  if (!isObject(value)) return value;
  const properties = objectAt(schema, 'properties');
  const others = objectAt(schema, 'additionalProperties');
  return new Map(
    Object.entries(value).map(([name, field]) => {
      const of = properties[name];
      return [name, field === undefined ? null : celValue(isObject(of) ? of : others, field)];
    }),
  );
}

function celNumber(schema: JsonObject, value: number): bigint | number {
  return schema['type'] !== 'number' && Number.isInteger(value) ? BigInt(value) : value;
}
