import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { z } from 'zod';
import { openApiDocument } from './open-api.ts';
import { RestApi } from '../test/fakes/rest-api.ts';

const media = z.object({
  schema: z.looseObject({}),
  example: z.unknown().optional(),
  examples: z.record(z.string(), z.object({ value: z.unknown() })).optional(),
});
const content = z.object({ content: z.record(z.string(), media).default({}) });
const operation = z.object({
  operationId: z.string(),
  summary: z.string().min(1),
  tags: z.array(z.string()).length(1),
  requestBody: content.optional(),
  responses: z.record(z.string(), content),
});
const openApi = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});

let served: object;
let document: z.output<typeof openApi>;
beforeAll(async () => {
  const api = await RestApi.start();
  served = (await api.client.get('//openapi.json')).body;
  document = openApi.parse(served);
  await api.stop();
});

test('every endpoint of this version is in the document, under both spellings', () => {
  const endpoints = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`),
  );
  expect(endpoints.sort()).toEqual([
    'DELETE /sessions/{session_id}',
    'DELETE /sessions/{session_id}/files/{file_path}',
    'DELETE /templates/{template_id}',
    'GET /',
    'GET /containers',
    'GET /containers/{container_id}',
    'GET /containers/{container_id}/logs',
    'GET /executions/sessions/{session_id}/executions',
    'GET /executions/{execution_id}',
    'GET /executions/{execution_id}/result',
    'GET /executions/{execution_id}/status',
    'GET /executions/{execution_id}/stream',
    'GET /health',
    'GET /health/detailed',
    'GET /metrics',
    'GET /runtimes',
    'GET /sessions',
    'GET /sessions/{session_id}',
    'GET /sessions/{session_id}/executions',
    'GET /sessions/{session_id}/files',
    'GET /sessions/{session_id}/files/{file_path}',
    'GET /sessions/{session_id}/metrics',
    'GET /templates',
    'GET /templates/{template_id}',
    'PATCH /sessions/{session_id}',
    'POST /executions/sessions/{session_id}/execute',
    'POST /executions/sessions/{session_id}/execute-batch',
    'POST /executions/sessions/{session_id}/execute-batch-sync',
    'POST /executions/sessions/{session_id}/execute-stream',
    'POST /executions/sessions/{session_id}/execute-sync',
    'POST /executions/{execution_id}/cancel',
    'POST /health/sync',
    'POST /sessions',
    'POST /sessions/{session_id}/dependencies/install',
    'POST /sessions/{session_id}/execute',
    'POST /sessions/{session_id}/execute-batch',
    'POST /sessions/{session_id}/execute-batch-sync',
    'POST /sessions/{session_id}/execute-stream',
    'POST /sessions/{session_id}/execute-sync',
    'POST /sessions/{session_id}/files/upload',
    'POST /sessions/{session_id}/resume',
    'POST /sessions/{session_id}/suspend',
    'POST /sessions/{session_id}/terminate',
    'POST /templates',
    'PUT /sessions/{session_id}/files/{file_path}',
    'PUT /templates/{template_id}',
  ]);
});

test('every operation has an id of its own', () => {
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

test('every example is what its schema says, and every request and every answer with a body has one', () => {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema(served, 'openapi');
  for (const one of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
    for (const message of [...Object.values(one.responses), one.requestBody]) {
      const hasJson = message?.content['application/json'] !== undefined;
      if (hasJson)
        expect({ id: one.operationId, examples: examplesOf(message) }).not.toMatchObject({
          examples: [],
        });
    }
    for (const { schema, value } of [...Object.values(one.responses), one.requestBody].flatMap(
      examplesOf,
    )) {
      const ref = String(schema['$ref']).replace('#', 'openapi#');
      expect({ ref, value, ok: ajv.validate(ref, value) }).toMatchObject({ ok: true });
    }
  }
});

test('what needs a key says so, and what everybody can be told too', async () => {
  const statuses = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ responses }) => Object.keys(responses)),
  );
  for (const known of statuses)
    expect(known).toEqual(expect.arrayContaining(['401', '403', '429', '503']));
  const routes = [
    { access: 'open', id: 'a', paths: ['/a'] },
    { id: 'b', paths: ['/b'] },
  ] as const;
  const common = { method: 'get', tag: 'health', summary: 's', input: {}, errors: [] } as const;
  const success = { status: 200, description: 'd' };
  const run = (): Promise<undefined> => Promise.resolve(undefined);
  const made = openApiDocument(
    routes.map((route) => ({ ...route, ...common, success, run })),
    { version: '1', authenticates: true },
  );
  expect(made).toMatchObject({
    security: [{ bearer: [] }, { apiKey: [] }],
    paths: {
      '/a': { get: { security: [] } },
      '/b': { get: expect.not.objectContaining({ security: [] }) },
    },
  });
});

test('defaults and bounds of inputs are for the reader to see', () => {
  expect(document.components.schemas['CreateSession']).toMatchObject({
    required: ['template_id'],
    properties: { install_timeout: { minimum: 30, maximum: 1800, default: 300 } },
  });
  expect(document.components.schemas['Execute']).toMatchObject({
    properties: { code: { maxLength: 102_400 }, timeout: { default: 30 } },
  });
});

function examplesOf(
  message: z.output<typeof content> | undefined,
): { schema: Record<string, unknown>; value: unknown }[] {
  return Object.values(message?.content ?? {}).flatMap(({ schema, example, examples }) => [
    ...(example === undefined ? [] : [{ schema, value: example }]),
    ...Object.values(examples ?? {}).map(({ value }) => ({ schema, value })),
  ]);
}
