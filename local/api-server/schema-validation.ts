import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { invalidValue, requiredValue, type Cause } from './errors.ts';
import { isList, isObject, type Json, type JsonObject } from './json.ts';

/** Checks a value against the OpenAPI part of a structural schema, in the words of the API server. */
export function schemaValidator(schema: JsonObject): (value: Json) => readonly Cause[] {
  const validate = compile(schema);
  return (value) => (validate(value) ? [] : (validate.errors ?? []).map(causeOf).filter((cause) => cause !== undefined));
}

function compile(schema: JsonObject): ValidateFunction {
  const ajv = new Ajv({ allErrors: true, strict: false, verbose: true, unicodeRegExp: false, validateSchema: false });
  // ajv-formats is CommonJS: its callable is a property of what an ES module imports.
  addFormats.default(ajv);
  return ajv.compile(jsonSchema(schema));
}

const SCHEMA_LISTS = ['allOf', 'anyOf', 'oneOf'] as const;
const SCHEMAS = ['items', 'additionalProperties', 'not'] as const;
const FORMATS: ReadonlySet<Json | undefined> = new Set([
  'date-time', 'date', 'email', 'ipv4', 'ipv6', 'uri', 'uuid', 'byte', 'int32', 'int64', 'float', 'double', 'hostname',
]);

/** OpenAPI v3 as Kubernetes has it, as JSON schema. */
function jsonSchema(schema: JsonObject): JsonObject {
  const plain: Record<string, Json | undefined> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (!key.startsWith('x-') && key !== 'default' && key !== 'example') plain[key] = value;
  }
  if (!FORMATS.has(plain['format'])) Reflect.deleteProperty(plain, 'format');
  if (schema['x-kubernetes-int-or-string'] === true) plain['type'] = ['integer', 'string'];
  // Without a type everything may be null anyway, and ajv wants a type beside it.
  if (plain['type'] === undefined) Reflect.deleteProperty(plain, 'nullable');
  for (const key of SCHEMAS) {
    const inner = plain[key];
    if (isObject(inner)) plain[key] = jsonSchema(inner);
  }
  for (const key of SCHEMA_LISTS) {
    const inner = plain[key];
    if (isList(inner)) plain[key] = inner.map((one) => (isObject(one) ? jsonSchema(one) : one));
  }
  const { properties } = plain;
  if (isObject(properties)) {
    plain['properties'] = Object.fromEntries(
      Object.entries(properties).map(([key, one]) => [key, isObject(one) ? jsonSchema(one) : one]),
    );
  }
  return plain;
}

/** What one failure of ajv is called in Kubernetes; undefined for those that only sum up others. */
function causeOf(error: ErrorObject): Cause | undefined {
  const field = fieldOf(error.instancePath);
  const params: unknown = error.params;
  const limit = isObject(params) ? params['limit'] : undefined;
  const word = WORDS[error.keyword];
  if (word !== undefined) return word(field, error, limit);
  return error.keyword === 'if' ? undefined : invalidValue(field, error.data, `${field} in body ${error.message ?? 'is not valid'}`);
}

type Wording = (field: string, error: ErrorObject, limit: Json | undefined) => Cause;

const inBody =
  (text: string): Wording =>
  (field, error, limit) =>
    invalidValue(field, error.data, `${field} in body ${text.replace('%', String(limit))}`);

const WORDS: Readonly<Record<string, Wording>> = {
  required: (field, error) => requiredValue(join(field, String(missingProperty(error)))),
  type: (field, error) => typeInvalid(field, typeName(error.data), typeNames(error.schema)),
  format: (field, error) => typeInvalid(field, error.data, String(error.schema)),
  enum: (field, error) => ({
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${JSON.stringify(error.data)}: supported values: ${quotedValues(error.schema)}`,
    field,
  }),
  maxLength: (field, _error, limit) => ({
    reason: 'FieldValueTooLong',
    message: `Too long: may not be more than ${String(limit)} bytes`,
    field,
  }),
  maxItems: (field, error, limit) => ({
    reason: 'FieldValueTooMany',
    message: `Too many: ${sizeOf(error.data)}: must have at most ${String(limit)} items`,
    field,
  }),
  minItems: (field, error, limit) =>
    invalidValue(field, sizeOf(error.data), `${field} in body should have at least ${String(limit)} items`),
  minLength: inBody('should be at least % chars long'),
  minimum: inBody('should be greater than or equal to %'),
  maximum: inBody('should be less than or equal to %'),
  exclusiveMinimum: inBody('should be greater than %'),
  exclusiveMaximum: inBody('should be less than %'),
  multipleOf: (field, error) => invalidValue(field, error.data, `${field} in body should be a multiple of ${String(error.schema)}`),
  pattern: (field, error) => invalidValue(field, error.data, `${field} in body should match '${String(error.schema)}'`),
};

function typeInvalid(field: string, value: unknown, wanted: string): Cause {
  const shown = JSON.stringify(value);
  return {
    reason: 'FieldValueTypeInvalid',
    message: `Invalid value: ${shown}: ${field} in body must be of type ${wanted}: ${shown}`,
    field,
  };
}

function missingProperty(error: ErrorObject): unknown {
  const params: unknown = error.params;
  return isObject(params) ? params['missingProperty'] : undefined;
}

function quotedValues(schema: unknown): string {
  return isList(schema) ? schema.map((value) => JSON.stringify(value)).join(', ') : '';
}

function typeNames(schema: unknown): string {
  return isList(schema) ? schema.join(',') : String(schema);
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
