import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { invalidValue, requiredValue, type Cause } from './errors.ts';
import { isList, isObject, type Json, type JsonObject } from './json.ts';

/** Checks a value against the OpenAPI part of a structural schema, in the words of the API server. */
export function schemaValidator(schema: JsonObject): (value: Json) => readonly Cause[] {
  const validate = compile(schema);
  return (value) =>
    validate(value)
      ? []
      : (validate.errors ?? []).map(causeOf).filter((cause) => cause !== undefined);
}

function compile(schema: JsonObject): ValidateFunction {
  const ajv = new Ajv({
    allErrors: true,
    strict: false,
    verbose: true,
    unicodeRegExp: false,
    validateSchema: false,
  });
  // ajv-formats is CommonJS: its callable is a property of what an ES module imports.
  addFormats.default(ajv);
  return ajv.compile(jsonSchema(schema));
}

const SCHEMA_LISTS: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf']);
const SCHEMAS: ReadonlySet<string> = new Set(['items', 'additionalProperties', 'not']);
const FORMATS: ReadonlySet<Json | undefined> = new Set([
  'date-time',
  'date',
  'email',
  'ipv4',
  'ipv6',
  'uri',
  'uuid',
  'byte',
  'int32',
  'int64',
  'float',
  'double',
  'hostname',
]);

/** OpenAPI v3 as Kubernetes has it, as JSON schema. */
function jsonSchema(schema: JsonObject): JsonObject {
  const known = Object.entries(schema).filter(([key]) => isKnown(schema, key));
  const plain = Object.fromEntries(known.map(([key, value]) => [key, inner(key, value)]));
  return schema['x-kubernetes-int-or-string'] === true
    ? { ...plain, type: ['integer', 'string'] }
    : plain;
}

function isKnown(schema: JsonObject, key: string): boolean {
  if (key === 'format') return FORMATS.has(schema['format']);
  // Without a type everything may be null anyway, and ajv wants a type beside it.
  if (key === 'nullable') return schema['type'] !== undefined;
  return !key.startsWith('x-') && key !== 'default' && key !== 'example';
}

function inner(key: string, value: Json | undefined): Json | undefined {
  if (isObject(value) && SCHEMAS.has(key)) return jsonSchema(value);
  if (isList(value) && SCHEMA_LISTS.has(key))
    return value.map((one) => (isObject(one) ? jsonSchema(one) : one));
  if (!isObject(value) || key !== 'properties') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, isObject(one) ? jsonSchema(one) : one]),
  );
}

/** What one failure of ajv is called in Kubernetes; undefined for those that only sum up others. */
function causeOf(error: ErrorObject): Cause | undefined {
  const field = fieldOf(error.instancePath);
  const limit = shownParameter(error, 'limit');
  const word = WORDS[error.keyword];
  if (word !== undefined) return word(field, error, limit);
  return error.keyword === 'if'
    ? undefined
    : invalidValue(field, error.data, `${field} in body ${error.message ?? 'is not valid'}`);
}

type Wording = (field: string, error: ErrorObject, limit: string) => Cause;

const inBody =
  (text: string): Wording =>
  (field, error, limit) =>
    invalidValue(field, error.data, `${field} in body ${text.replace('%', limit)}`);

const WORDS: Readonly<Record<string, Wording>> = {
  required: (field, error) => requiredValue(join(field, shownParameter(error, 'missingProperty'))),
  type: (field, error) => typeInvalid(field, typeName(error.data), typeNames(error.schema)),
  format: (field, error) => typeInvalid(field, error.data, String(error.schema)),
  enum: (field, error) => ({
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${JSON.stringify(error.data)}: supported values: ${quotedValues(error.schema)}`,
    field,
  }),
  maxLength: (field, _error, limit) => ({
    reason: 'FieldValueTooLong',
    message: `Too long: may not be more than ${limit} bytes`,
    field,
  }),
  maxItems: (field, error, limit) => ({
    reason: 'FieldValueTooMany',
    message: `Too many: ${sizeOf(error.data)}: must have at most ${limit} items`,
    field,
  }),
  minItems: (field, error, limit) =>
    invalidValue(field, sizeOf(error.data), `${field} in body should have at least ${limit} items`),
  minLength: inBody('should be at least % chars long'),
  minimum: inBody('should be greater than or equal to %'),
  maximum: inBody('should be less than or equal to %'),
  exclusiveMinimum: inBody('should be greater than %'),
  exclusiveMaximum: inBody('should be less than %'),
  multipleOf: (field, error) =>
    invalidValue(
      field,
      error.data,
      `${field} in body should be a multiple of ${String(error.schema)}`,
    ),
  pattern: (field, error) =>
    invalidValue(field, error.data, `${field} in body should match '${String(error.schema)}'`),
};

function typeInvalid(field: string, value: unknown, wanted: string): Cause {
  const shown = JSON.stringify(value);
  return {
    reason: 'FieldValueTypeInvalid',
    message: `Invalid value: ${shown}: ${field} in body must be of type ${wanted}: ${shown}`,
    field,
  };
}

/** What ajv found to be wrong, as text: a limit, or the name of what is missing. */
function shownParameter(error: ErrorObject, name: string): string {
  const params: unknown = error.params;
  const value = isObject(params) ? params[name] : undefined;
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function quotedValues(schema: unknown): string {
  return isList(schema) ? schema.map((value) => JSON.stringify(value)).join(', ') : '';
}

function typeNames(schema: unknown): string {
  return isList(schema)
    ? schema.filter((one) => typeof one === 'string').join(',')
    : String(schema);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value !== 'number') return typeof value;
  return Number.isInteger(value) ? 'integer' : 'number';
}

function sizeOf(value: unknown): number {
  return isList(value) ? value.length : 0;
}

/** `/spec/env/0/name` as `spec.env[0].name`. */
function fieldOf(pointer: string): string {
  const keys = pointer.split('/').slice(1);
  return keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')).reduce(join, '');
}

function join(path: string, key: string): string {
  if (/^\d+$/.test(key)) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}
