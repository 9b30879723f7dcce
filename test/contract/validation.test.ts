import { startEnvironment, type Environment } from './environment.ts';
import { widget, widgetsIn } from './widget-crd.ts';

let env: Environment;
let widgets: string;

beforeAll(async () => {
  env = await startEnvironment();
  widgets = widgetsIn(env.namespace);
});
afterAll(() => env.close());

test('defaults fill what is absent, at every depth', async () => {
  const { body } = await env.api.post(
    widgets,
    widget('defaulted', { nested: {}, env: [{ name: 'a' }] }),
  );
  expect(body.spec).toEqual({
    size: 1,
    color: 'red',
    nested: { text: 'given' },
    settings: { mode: 'quiet' },
    env: [{ name: 'a', value: '' }],
    stopped: false,
  });
});

test('a null is nothing where null is not allowed, and stays where it is', async () => {
  const { body } = await env.api.post(
    widgets,
    widget('nulled', { color: null, code: null, note: null }),
  );
  expect(body.spec).toMatchObject({ color: 'red', note: null });
  expect('code' in body.spec).toBe(false);
});

test('unknown fields are dropped, but for those that the schema preserves', async () => {
  const fields = {
    unknown: 1,
    nested: { unknown: 1 },
    free: { deep: { kept: [1, 'a', null] } },
    anything: [1, { a: 2 }],
  };
  const { code, body, warning } = await env.api.post(widgets, {
    ...widget('pruned', fields),
    top: 1,
  });
  expect([code, 'top' in body]).toEqual([201, false]);
  expect(body.spec).toMatchObject({
    nested: { text: 'given' },
    free: { deep: { kept: [1, 'a', null] } },
    anything: [1, { a: 2 }],
  });
  expect('unknown' in body.spec).toBe(false);
  expect(warning).toContain('unknown field \\"spec.unknown\\"');
});

test('unknown fields are refused where the client wants strictness', async () => {
  const object = { ...widget('strict', { unknown: 1, nested: { odd: 1 } }), top: 1 };
  const { code, body } = await env.api.post(`${widgets}?fieldValidation=Strict`, object);
  expect(code).toBe(400);
  expect(body.message).toBe(
    'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.nested.odd", unknown field "spec.unknown", unknown field "top"',
  );
});

const UNCHECKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

test.each([
  ['a missing field', { size: undefined }, 'spec.size', 'FieldValueRequired', 'Required value'],
  [
    'a string for an integer',
    { size: 'x' },
    'spec.size',
    'FieldValueTypeInvalid',
    'Invalid value: "string": spec.size in body must be of type integer: "string"',
  ],
  [
    'a fraction for an integer',
    { size: 1.5 },
    'spec.size',
    'FieldValueTypeInvalid',
    'Invalid value: "number": spec.size in body must be of type integer: "number"',
  ],
  [
    'too small a number',
    { size: 0 },
    'spec.size',
    'FieldValueInvalid',
    'Invalid value: 0: spec.size in body should be greater than or equal to 1',
  ],
  [
    'too great a number',
    { size: 11 },
    'spec.size',
    'FieldValueInvalid',
    'Invalid value: 11: spec.size in body should be less than or equal to 10',
  ],
  [
    'a value out of an enum',
    { color: 'blue' },
    'spec.color',
    'FieldValueNotSupported',
    'Unsupported value: "blue": supported values: "red", "green"',
  ],
  [
    'too long a string',
    { code: 'abcdef' },
    'spec.code',
    'FieldValueTooLong',
    'Too long: may not be more than 5 bytes',
  ],
  [
    'too short a string',
    { title: 'a' },
    'spec.title',
    'FieldValueInvalid',
    'Invalid value: "a": spec.title in body should be at least 2 chars long',
  ],
  [
    'a string off its pattern',
    { code: 'A' },
    'spec.code',
    'FieldValueInvalid',
    `Invalid value: "A": spec.code in body should match '^[a-z]+$'`,
  ],
  [
    'too many items',
    { tags: ['a', 'b', 'c'] },
    'spec.tags',
    'FieldValueTooMany',
    'Too many: 3: must have at most 2 items',
  ],
  [
    'too few items',
    { tags: [] },
    'spec.tags',
    'FieldValueInvalid',
    'Invalid value: 0: spec.tags in body should have at least 1 items',
  ],
  [
    'a number in a map of strings',
    { labels: { a: 1 } },
    'spec.labels.a',
    'FieldValueTypeInvalid',
    'Invalid value: "integer": spec.labels.a in body must be of type string: "integer"',
  ],
  [
    'neither integer nor string',
    { port: true },
    'spec.port',
    'FieldValueTypeInvalid',
    'Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
  ],
  [
    'a time that is none',
    { when: 'now' },
    'spec.when',
    'FieldValueTypeInvalid',
    'Invalid value: "now": spec.when in body must be of type date-time: "now"',
  ],
  [
    'an item without its key',
    { env: [{ value: 'a' }] },
    'spec.env[0].name',
    'FieldValueRequired',
    'Required value',
  ],
  [
    'two items of one key',
    { env: [{ name: 'a' }, { name: 'a' }] },
    'spec.env[1]',
    'FieldValueDuplicate',
    'Duplicate value: {"name":"a"}',
  ],
])('%s is Invalid', async (_, fields, field, reason, message) => {
  const { code, body } = await env.api.post(widgets, widget('invalid', fields));
  expect(code).toBe(422);
  const unchecked = {
    reason: 'FieldValueInvalid',
    message: `Invalid value: null: ${UNCHECKED}`,
    field: '<nil>',
  };
  const blocks = !['FieldValueInvalid', 'FieldValueDuplicate'].includes(reason);
  expect(body).toMatchObject({
    reason: 'Invalid',
    message: blocks
      ? `Widget.contract.sandbox.test "invalid" is invalid: [${field}: ${message}, <nil>: ${unchecked.message}]`
      : `Widget.contract.sandbox.test "invalid" is invalid: ${field}: ${message}`,
    details: { name: 'invalid', group: 'contract.sandbox.test', kind: 'Widget' },
  });
  expect(body).toMatchObject({
    details: { causes: [{ reason, message, field }, ...(blocks ? [unchecked] : [])] },
  });
});

test('a rule is checked on create and names itself', async () => {
  const { code, body } = await env.api.post(widgets, widget('seven', { size: 7 }));
  expect([code, body.message]).toEqual([
    422,
    'Widget.contract.sandbox.test "seven" is invalid: spec: Invalid value: "object": seven is not a size',
  ]);
});

test.each([
  ['a changed string', { ref: 'b' }, 'spec.ref: Invalid value: "string": ref is immutable'],
  [
    'a changed object',
    { nested: { number: 2 } },
    'spec.nested: Invalid value: "object": nested is immutable',
  ],
  [
    'a step back',
    { stopped: false },
    'spec.stopped: Invalid value: "boolean": stopped cannot be taken back',
  ],
])('a transition rule refuses %s', async (_, fields, message) => {
  const name = `immutable-${Object.keys(fields).join('')}`;
  await env.api.post(widgets, widget(name, { ref: 'a', nested: { number: 1 }, stopped: true }));
  const { code, body } = await env.api.merge(`${widgets}/${name}`, { spec: fields });
  expect([code, body.message]).toEqual([
    422,
    `Widget.contract.sandbox.test "${name}" is invalid: ${message}`,
  ]);
});

test('a transition rule lets through what does not change, and what is set for the first time', async () => {
  await env.api.post(widgets, widget('late', { stopped: true }));
  expect(
    (await env.api.merge(`${widgets}/late`, { spec: { ref: 'a', nested: { number: 1 } } })).code,
  ).toBe(200);
  expect(
    (await env.api.merge(`${widgets}/late`, { spec: { ref: 'a', nested: { number: 1 }, size: 2 } }))
      .code,
  ).toBe(200);
});
