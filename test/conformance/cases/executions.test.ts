import {
  createSession,
  endSessions,
  execute,
  outcomeOf,
  run,
  runningSession,
  shared,
  tidyUp,
} from '../fixtures.ts';
import { eventually, get, pause } from '../target.ts';

afterEach(endSessions);
afterAll(tidyUp);

const session = shared(() => runningSession({ env_vars: { CUSTOM_VAR: 'of the session' } }));
const handler = (...lines: string[]): string =>
  ['def handler(event):', ...lines.map((line) => `    ${line}`)].join('\n');

test('51. a run is accepted as pending and completes with what it printed', async () => {
  const id = await session();
  const submitted = await execute(id, { code: handler('print("Hello, World!")', 'return {}') });
  expect(submitted.status).toBe(201);
  expect(submitted.body).toMatchObject({
    execution_id: expect.any(String),
    session_id: id,
    status: 'pending',
  });
  const { body } = await outcomeOf(submitted);
  expect(body['status']).toBe('completed');
  expect(body['stdout']).toContain('Hello, World!');
});

test('52. the handler is given the event', async () => {
  const code = handler('return {"message": f"Hello, {event[\'name\']}!"}');
  const { body } = await run(await session(), { code, event: { name: 'Integration Test' } });
  expect(body['return_value']).toEqual({ message: 'Hello, Integration Test!' });
});

test('53. env vars of the session and of the run are there', async () => {
  const code = 'import os\nprint(os.environ.get("CUSTOM_VAR"), os.environ.get("TEST_VAR"))';
  const { body } = await run(await session(), { code, env_vars: { TEST_VAR: 'of the run' } });
  expect(body).toMatchObject({ status: 'completed', stdout: 'of the session of the run\n' });
});

test('54. the status of an execution has its id', async () => {
  const { body } = await execute(await session(), { code: 'print(1)' });
  const id = String(body['execution_id']);
  const { status, body: seen } = await get(`/executions/${id}/status`);
  expect(status).toBe(200);
  expect(seen).toMatchObject({ id, status: expect.any(String) });
});

test('55. the result has status, output and execution_time', async () => {
  const { status, body } = await run(await session(), { code: 'print("done")' });
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: 'completed', stdout: 'done\n' });
  expect(body).toHaveProperty('execution_time');
});

test('56. an unknown execution is 404 in both spellings', async () => {
  expect((await get('/executions/exec_unknown/status')).status).toBe(404);
  expect((await get('/executions/exec_unknown/result')).status).toBe(404);
});

test('57. a syntax error fails and is told', async () => {
  const { body } = await run(await session(), { code: 'def handler(event)\n    return 1' });
  expect(body['status']).toBe('failed');
  expect(body['stderr']).toContain('SyntaxError');
});

test('58. what the handler returns is the return value', async () => {
  const code = handler('return {"statusCode": 200, "body": "Success"}');
  const { body } = await run(await session(), { code });
  expect(body['return_value']).toEqual({ statusCode: 200, body: 'Success' });
});

test('59. executions of a session are listed', async () => {
  const id = await runningSession();
  for (let n = 0; n < 3; n += 1) await run(id, { code: `print(${String(n)})` });
  const { status, body } = await get(`/executions/sessions/${id}/executions`);
  expect(status).toBe(200);
  expect(body['items']).toHaveLength(3);
});

test('60. a run in an unknown session is 404', async () => {
  expect((await execute('unknown-session-xyz', { code: 'print(1)' })).status).toBe(404);
});

test.each([
  ['timeout 5000', { code: 'x', timeout: 5000 }],
  ['timeout 0', { code: 'x', timeout: 0 }],
  ['no code', { code: '' }],
  ['an unknown language', { code: 'x', language: 'invalid_language' }],
  ['an event that is a list', { code: 'x', event: [1] }],
  ['code of 102,401 characters', { code: 'x'.repeat(102_401) }],
])('61. %s is 422', async (_what, body) => {
  expect((await execute(await session(), body)).status).toBe(422);
});

test('62. a long output is complete', async () => {
  const code = 'for n in range(1000): print(f"Line {n:04d}: " + "x" * 50)';
  const { body } = await run(await session(), { code });
  expect(body['status']).toBe('completed');
  const lines = String(body['stdout']).trimEnd().split('\n');
  expect(lines).toHaveLength(1000);
  expect(lines[999]).toBe(`Line 0999: ${'x'.repeat(50)}`);
});

describe('63. 70,000 bytes', () => {
  const big = 70_000;

  test('63. of stdout and stderr are kept', async () => {
    const code = `import sys\nprint("o" * ${String(big)}, end="")\nprint("e" * ${String(big)}, end="", file=sys.stderr)`;
    const { body } = await run(await session(), { code });
    expect(String(body['stdout'])).toHaveLength(big);
    expect(String(body['stderr'])).toHaveLength(big);
  });

  test('63. of event come in and of return value go out', async () => {
    const code = handler('return event["text"]');
    const { body } = await run(await session(), { code, event: { text: 'v'.repeat(big) } });
    expect(String(body['return_value'])).toHaveLength(big);
  });

  test('63. of code run', async () => {
    const { body } = await run(await session(), { code: `#${'c'.repeat(big)}\nprint("ran")` });
    expect(body).toMatchObject({ status: 'completed', stdout: 'ran\n' });
  });
});

test('64. files in /tmp are there for the next run', async () => {
  const id = await session();
  await run(id, { code: 'open("/tmp/kept.txt", "w").write("kept")' });
  const { body } = await run(id, { code: 'print(open("/tmp/kept.txt").read())' });
  expect(body['stdout']).toBe('kept\n');
});

test('65. a handler writes and reads files where it runs', async () => {
  const code = handler(
    'open("test.txt", "w").write("Hello from file!")',
    'print(open("test.txt").read())',
  );
  expect((await run(await session(), { code })).body['stdout']).toContain('Hello from file!');
});

test('66. several runs of a session have one container', async () => {
  const id = await session();
  const before = (await get(`/sessions/${id}`)).body['container_id'];
  for (let n = 0; n < 3; n += 1)
    expect((await run(id, { code: `print(${String(n)})` })).body['status']).toBe('completed');
  expect((await get(`/sessions/${id}`)).body['container_id']).toBe(before);
});

test('67. code that is none fails', async () => {
  const { body } = await run(await session(), { code: 'this is not python at all !!!' });
  expect(body['status']).toBe('failed');
});

test('68. a name that is not there fails with exit code 1, and what was printed before stays', async () => {
  const { body } = await run(await session(), { code: 'print("before")\nhandler({})' });
  expect(body).toMatchObject({ status: 'failed', exit_code: 1, stdout: 'before\n' });
  expect(body['stderr']).toContain('NameError');
});

test('68. without a handler the script is the run', async () => {
  const { body } = await run(await session(), { code: 'print("script")' });
  expect(body).toMatchObject({ status: 'completed', stdout: 'script\n', return_value: null });
});

test('69. the exit code is that of sys.exit', async () => {
  const { body } = await run(await session(), { code: handler('import sys', 'sys.exit(3)') });
  expect(body).toMatchObject({ status: 'failed', exit_code: 3 });
});

test('70. an exception has its traceback in stderr, and stdout is kept', async () => {
  const code = handler('print("before")', 'raise ValueError("boom")');
  const { body } = await run(await session(), { code });
  expect(body).toMatchObject({ status: 'failed', stdout: 'before\n' });
  expect(body['stderr']).toMatch(/Traceback[\s\S]*ValueError: boom/);
});

describe('71. shell', () => {
  test('71. has its exit code and both streams', async () => {
    const code = 'echo out; echo err >&2; exit 7';
    const { body } = await run(await session(), { code, language: 'shell' });
    expect(body).toMatchObject({
      status: 'failed',
      exit_code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('71. without a fault completes and returns nothing', async () => {
    const { body } = await run(await session(), { code: 'true', language: 'shell' });
    expect(body).toMatchObject({ status: 'completed', exit_code: 0, return_value: null });
  });
});

test('72. a JavaScript handler is given an object and returns one', async () => {
  const code = 'exports.handler = async (event) => ({ doubled: event.n * 2 });';
  const { body } = await run(await session(), { code, language: 'javascript', event: { n: 21 } });
  expect(body).toMatchObject({ status: 'completed', return_value: { doubled: 42 } });
});

test('73. a run that is sent while the session is created does not stay pending', async () => {
  const { body } = await createSession();
  const submitted = await execute(String(body['id']), { code: 'print("early")' });
  const { body: seen } = await outcomeOf(submitted);
  expect(seen).toMatchObject({ status: 'completed', stdout: 'early\n' });
});

test('74. NUL and emoji survive, what is no UTF-8 is replaced', async () => {
  const code = 'import sys\nsys.stdout.buffer.write(b"a\\0b " + "🚀".encode() + b" \\xff")';
  const { body } = await run(await session(), { code });
  expect(body['stdout']).toBe('a\0b 🚀 \ufffd');
});

test('75. five runs of two seconds run side by side', async () => {
  const id = await session();
  const startedAt = Date.now();
  const runs = Array.from({ length: 5 }, () => run(id, { code: 'import time; time.sleep(2)' }));
  const statuses = (await Promise.all(runs)).map(({ body }) => body['status']);
  expect(statuses).toEqual(runs.map(() => 'completed'));
  // One after the other they would take ten.
  expect(Date.now() - startedAt).toBeLessThan(9_000);
});

test('76. of an unknown session there are none; pages have an offset, and no negative limit', async () => {
  const unknown = await get('/executions/sessions/unknown-session-xyz/executions');
  expect(unknown).toMatchObject({ status: 200, body: { items: [] } });
  const id = await runningSession();
  const ids: unknown[] = [];
  for (let n = 0; n < 3; n += 1) ids.unshift((await run(id, { code: 'print(1)' })).body['id']);
  const { body } = await get(`/executions/sessions/${id}/executions?limit=1&offset=1`);
  expect(body).toMatchObject({ items: [{ id: ids[1] }], total: 3, limit: 1, offset: 1 });
  expect((await get(`/executions/sessions/${id}/executions?limit=-1`)).status).toBe(422);
});

test('170. a timeout kills the whole process tree and keeps what was printed', async () => {
  const id = await session();
  const code = [
    'import subprocess, time',
    'subprocess.Popen(["sh", "-c", "setsid sh -c \'sleep 4; touch /tmp/survived\'"])',
    'print("before", flush=True)',
    'time.sleep(30)',
  ].join('\n');
  const { body } = await run(id, { code, timeout: 2 });
  expect(body).toMatchObject({ status: 'timeout', stdout: 'before\n' });
  expect(body['exit_code']).not.toBe(0);
  await pause(4_000);
  const look = await run(id, { code: 'import os; print(os.path.exists("/tmp/survived"))' });
  expect(look.body['stdout']).toBe('False\n');
});

test('173. a sandbox has no secrets, nothing of another one, and no way out', async () => {
  const id = await session();
  const other = await runningSession();
  await run(other, { code: 'open("/workspace/secret.txt", "w").write("theirs")' });
  const code = handler(
    'import os, socket, glob',
    'names = [n for n in os.environ if any(w in n for w in ("AWS", "S3_", "TOKEN", "SECRET", "PASSWORD"))]',
    'def reach(host, port):',
    '    try:',
    '        socket.create_connection((host, port), timeout=2).close()',
    '        return True',
    '    except OSError:',
    '        return False',
    'return {"names": names, "mnt": glob.glob("/mnt/*"),',
    '        "theirs": os.path.exists("/workspace/secret.txt"),',
    '        "token": os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token"),',
    '        "out": reach("1.1.1.1", 53) or reach("169.254.169.254", 80)}',
  );
  const { body } = await run(id, { code });
  expect(body['return_value']).toEqual({
    names: [],
    mnt: [],
    theirs: false,
    token: false,
    out: false,
  });
});

test('168. a run that kills whatever it can ends in bounded time, and the session goes on', async () => {
  const id = await runningSession();
  const code =
    'import os, signal\ntry:\n    os.kill(1, signal.SIGKILL)\nexcept OSError: pass\nos.kill(-1, signal.SIGKILL)';
  const { body } = await run(id, { code });
  expect(['failed', 'crashed', 'completed']).toContain(body['status']);
  const next = await eventually(
    async () => {
      const seen = await run(id, { code: 'print("alive")' });
      return seen.body['status'] === 'completed' ? seen : undefined;
    },
    { what: 'a run after the attack', withinMs: 60_000 },
  );
  expect(next.body['stdout']).toBe('alive\n');
});
