import { spawn } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { z } from 'zod';
import { serveApi, type ServedApi } from './served-api.ts';

jest.setTimeout(300_000);

const SCHEMATHESIS = path.resolve('.cache/schemathesis/bin/schemathesis');

/**
 * Not among the checks: whether what a schema forbids is refused, because clients of the reference rely on unknown fields and numeric text being
 * accepted; and whether what it allows is accepted, because a session needs a template that exists.
 */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'allow_header_conformance',
  'use_after_free',
  'ignored_auth',
];

/** It reads the schema of an event stream as OpenAPI 3.2 does, as that of one event; ours is of 3.1, that of the text. */
const STREAMS = '[sS]tream';
const CHECKS_OF_STREAMS = CHECKS.filter((check) => check !== 'response_schema_conformance');

/** These end what the others need. */
const ENDING = ['deleteSession', 'terminateSession', 'deleteTemplate', 'updateTemplate'];

let api: ServedApi;
let folder: string;
beforeAll(async () => {
  api = await serveApi();
  folder = await mkdtemp(path.join(os.tmpdir(), 'fuzz-'));
  await configure();
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

async function post(route: string, body: object): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await fetch(`${api.url}/api/v1${route}`, init);
  expect(response.status).toBe(201);
  return z.record(z.string(), z.unknown()).parse(await response.json());
}

/** Objects that random names would never find, and a file that makes the tool use them where nothing ends them. */
async function configure(): Promise<void> {
  const runtime = { image_url: 'python:latest', runtime_type: 'python3.11' };
  await post('/templates', { id: 'python-basic', name: 'Python', ...runtime });
  await post('/sessions', { id: 'kept', template_id: 'python-basic' });
  const run = await post('/sessions/kept/execute', { code: 'x', language: 'python' });
  const lines = [
    '[[operations]]',
    `exclude-operation-id = [${ENDING.map((id) => `"${id}"`).join(', ')}]`,
    '[operations.parameters]',
    'session_id = "kept"',
    'template_id = "python-basic"',
    `execution_id = "${String(run['execution_id'])}"`,
  ];
  await writeFile(path.join(folder, 'schemathesis.toml'), `${lines.join('\n')}\n`);
}

/** Without the tool each test fails at once, and says why. */
async function requireTool(): Promise<void> {
  await access(SCHEMATHESIS).catch((cause: unknown) => {
    const remedy = 'test/fuzz/provide-schemathesis installs it';
    throw new Error(`there is no ${SCHEMATHESIS}; ${remedy}`, { cause });
  });
}

/** How it ended. */
async function fuzz(checks: readonly string[], ...more: string[]): Promise<number | null> {
  await requireTool();
  const args = [
    ...['--config-file', path.join(folder, 'schemathesis.toml')],
    ...['run', `${api.url}/openapi.json`, '--header', `Authorization:Bearer ${api.key}`],
    ...['--checks', checks.join(','), '--no-color', '--warnings', 'off', '--request-timeout', '30'],
    ...['--max-examples', process.env['FUZZ_EXAMPLES'] ?? '20'],
    ...['--seed', process.env['FUZZ_SEED'] ?? '1', ...more],
  ];
  const child = spawn(SCHEMATHESIS, args, {
    cwd: folder,
    env: { ...process.env, SCHEMATHESIS_HOOKS: path.join(import.meta.dirname, 'hooks.py') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve).once('error', reject);
  });
  if (code !== 0) process.stderr.write(output);
  return code;
}

test('no request, well-formed or not, is answered by a 5xx or by anything that the document does not know', async () => {
  expect(await fuzz(CHECKS, '--exclude-operation-id-regex', STREAMS)).toBe(0);
  expect(api.errors()).toEqual([]);
});

test('nor is one for a stream', async () => {
  expect(await fuzz(CHECKS_OF_STREAMS, '--include-operation-id-regex', STREAMS)).toBe(0);
  expect(api.errors()).toEqual([]);
});
