import {
  endSessions,
  executeSync,
  outcomeOf,
  runningSession,
  shared,
  tidyUp,
  type Code,
} from '../fixtures.ts';
import { get, post } from '../target.ts';

afterEach(endSessions);
afterAll(tidyUp);

const session = shared(() => runningSession());
const handler = (...lines: string[]): string =>
  ['def handler(event):', ...lines.map((line) => `    ${line}`)].join('\n');

/** Runs it and expects the transport to have gone well. */
async function bodyOf(code: Code, query = ''): Promise<Readonly<Record<string, unknown>>> {
  const { status, body } = await executeSync(await session(), code, query);
  expect(status).toBe(200);
  return body;
}

test('77. a handler’s result is in the answer', async () => {
  const code = handler('return {"message": "Hello, World!"}');
  const body = await bodyOf({ code }, '?poll_interval=0.5&sync_timeout=30');
  expect(body).toMatchObject({ status: 'completed', return_value: { message: 'Hello, World!' } });
});

test('78. no query is needed', async () => {
  expect(await bodyOf({ code: 'print(1)' })).toMatchObject({ status: 'completed' });
});

test('79. the event is given', async () => {
  const code = handler(
    'return {"greeting": f"Hello, {event[\'name\']}!", "age_doubled": event["age"] * 2}',
  );
  const body = await bodyOf({ code, event: { name: 'Alice', age: 25 } });
  expect(body['return_value']).toEqual({ greeting: 'Hello, Alice!', age_doubled: 50 });
});

test.each([
  ['0.1', 200],
  ['10.0', 200],
  ['0.05', 422],
  ['15.0', 422],
])('80. poll_interval %s is %d, and makes nobody wait', async (interval, expected) => {
  const startedAt = Date.now();
  const query = `?poll_interval=${interval}&sync_timeout=30`;
  expect((await executeSync(await session(), { code: 'print(1)' }, query)).status).toBe(expected);
  expect(Date.now() - startedAt).toBeLessThan(30_000);
});

test.each([['5'], ['4000']])('81. sync_timeout %s is 422', async (seconds) => {
  const query = `?sync_timeout=${seconds}`;
  expect((await executeSync(await session(), { code: 'print(1)' }, query)).status).toBe(422);
});

test.each([
  ['no code', { language: 'python' }],
  ['no language', { code: 'print(1)' }],
  ['an unknown language', { code: 'print(1)', language: 'cobol' }],
  ['timeout 0', { code: 'print(1)', language: 'python', timeout: 0 }],
  ['timeout 4000', { code: 'print(1)', language: 'python', timeout: 4000 }],
])('82. %s is 422', async (_what, body) => {
  const path = `/executions/sessions/${await session()}/execute-sync`;
  expect((await post(path, body)).status).toBe(422);
});

test('83. an unknown session is 404', async () => {
  expect((await executeSync('unknown-session-xyz', { code: 'print(1)' })).status).toBe(404);
});

test('84. prints and result do not get into each other', async () => {
  const code = handler('print("first")', 'print("second")', 'return {"result": 4}');
  expect(await bodyOf({ code })).toMatchObject({
    stdout: 'first\nsecond\n',
    return_value: { result: 4 },
    exit_code: 0,
  });
});

test('85. a handler that returns nothing completes', async () => {
  expect(await bodyOf({ code: handler('return None') })).toMatchObject({
    status: 'completed',
    exit_code: 0,
  });
});

test.each([
  ['ZeroDivisionError', handler('return 1 / 0')],
  ['TypeError', handler('return "a" + 1')],
  ['AttributeError', handler('return None.missing')],
  [
    'CustomError',
    `class CustomError(Exception): pass\n${handler('raise CustomError("custom error")')}`,
  ],
])('86. %s is a failed run with its name in stderr', async (name, code) => {
  const body = await bodyOf({ code });
  expect(body['status']).toBe('failed');
  expect(body['exit_code']).not.toBe(0);
  expect(body['stderr']).toContain(name);
  if (name === 'CustomError') expect(body['stderr']).toContain('custom error');
});

test('87. stdout and stderr are apart', async () => {
  const code =
    'import sys, warnings\nprint("out")\nprint("err", file=sys.stderr)\nwarnings.warn("careful")';
  const body = await bodyOf({ code });
  expect(body).toMatchObject({ status: 'completed', stdout: 'out\n' });
  expect(body['stderr']).toMatch(/^err\n[\s\S]*careful/);
});

test.each([
  ['[1, 2, 3, 4, 5]', [1, 2, 3, 4, 5]],
  ['"Hello, World!"', 'Hello, World!'],
  ['42.195', 42.195],
  ['{"a": {"b": [1, {"c": None}]}}', { a: { b: [1, { c: null }] } }],
])('88. the return value %s arrives as it is', async (value, expected) => {
  expect((await bodyOf({ code: handler(`return ${value}`) }))['return_value']).toEqual(expected);
});

test.each([
  ['0', 0],
  ['False', false],
  ['""', ''],
  ['[]', []],
  ['{}', {}],
])('89. the return value %s is not taken for none', async (value, expected) => {
  expect((await bodyOf({ code: handler(`return ${value}`) }))['return_value']).toEqual(expected);
});

test('90. the standard library is there', async () => {
  const code = handler(
    'import json, datetime, re, math',
    'from collections import Counter',
    'counted = Counter(["apple", "banana", "apple", "apple"])',
    'return {"json": json.loads(json.dumps({"a": 1})), "year": datetime.date(2024, 1, 2).year,',
    '        "count": len(re.findall(r"\\d+", "1 and 22")), "apple": counted["apple"],',
    '        "pi": math.pi, "sqrt": math.sqrt(2)}',
  );
  expect((await bodyOf({ code }))['return_value']).toEqual({
    json: { a: 1 },
    year: 2024,
    count: 2,
    apple: 3,
    pi: Math.PI,
    sqrt: Math.SQRT2,
  });
});

test('92. a run that is too slow is 200 with its status', async () => {
  const body = await bodyOf(
    { code: 'import time; time.sleep(15)', timeout: 5 },
    '?sync_timeout=20',
  );
  expect(['timeout', 'failed']).toContain(body['status']);
});

test('93. a return value of 40 KB is intact', async () => {
  const code = handler('return [{"index": n, "text": "x" * 80} for n in range(400)]');
  const expected = Array.from({ length: 400 }, (_, index) => ({ index, text: 'x'.repeat(80) }));
  expect((await bodyOf({ code }))['return_value']).toEqual(expected);
});

test('94. every script and emoji is intact', async () => {
  const texts = ['Hello', '你好', 'こんにちは', 'Привет', '🚀'];
  const code = handler('return {"texts": event["texts"], "count": len(event["texts"])}');
  const body = await bodyOf({ code, event: { texts } });
  expect(body['return_value']).toEqual({ texts, count: 5 });
});

test('95. one run after the other', async () => {
  const results: unknown[] = [];
  for (const counter of [1, 2, 3]) {
    const code = handler('return event["counter"]');
    results.push((await bodyOf({ code, event: { counter } }))['return_value']);
  }
  expect(results).toEqual([1, 2, 3]);
});

test('96. after sync_timeout it is 408, and the run goes on', async () => {
  const code = 'import time; time.sleep(13); print("went on")';
  const { status, body } = await executeSync(
    await session(),
    { code, timeout: 60 },
    '?sync_timeout=10',
  );
  expect(status).toBe(408);
  expect(String(body['detail'])).toContain('10s');
  const { body: seen } = await outcomeOf({ status: 200, body, text: '', headers: new Headers() });
  expect(seen).toMatchObject({ status: 'completed', stdout: 'went on\n' });
  expect((await get(`/executions/${String(body['execution_id'])}/result`)).status).toBe(200);
});

test('97. failed and killed runs are 200: the status is that of the transport', async () => {
  expect(await bodyOf({ code: 'raise SystemExit(9)' })).toMatchObject({
    status: 'failed',
    exit_code: 9,
  });
  const killed = await bodyOf({ code: 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)' });
  expect(['failed', 'crashed']).toContain(killed['status']);
});
