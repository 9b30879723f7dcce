import { readFile, readdir, symlink, watch, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { activity } from '../../executor/contract.ts';
import { TokenSigner } from '../../executor/token.ts';
import { generateKeyPairSync } from 'node:crypto';
import { systemClock } from '../../kube/clock.ts';
import { call } from './calls.ts';
import { type TestSandbox, startSandbox } from './sandbox.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

/** Resolves when a file of that name appears. */
async function fileIn(folder: string, name: string): Promise<void> {
  for await (const { filename } of watch(folder)) if (filename === name) return;
}

const run = (code: string): string =>
  JSON.stringify({ language: 'shell', code, timeoutMs: 20_000 });
const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

describe('a refusal', () => {
  it('reaches whoever sends the body only now', async () => {
    const socket = connect(sandbox.socket);
    await once(socket, 'connect');
    socket.write('PUT /v1/files/a HTTP/1.1\r\nhost: executor\r\ncontent-length: 64\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 401 /);
    const ended = once(socket, 'end');
    // A connection that the other side is about to close breaks under one of these.
    for (let sent = 0; sent < 64; sent += 1) {
      socket.write('x');
      await nextTurn();
    }
    await ended;
    expect(socket.errored).toBeNull();
    socket.destroy();
  });
});

describe('a refusal in the middle of a body', () => {
  it('reaches whoever goes on sending', async () => {
    const socket = connect(sandbox.socket);
    await once(socket, 'connect');
    const { authorization } = await sandbox.headers();
    const [before, after] = [Buffer.alloc(4_300_000, ' '), Buffer.alloc(1_700_000, ' ')];
    const head = `content-length: ${String(before.length + after.length)}`;
    socket.write(
      `PUT /v1/executions/large HTTP/1.1\r\nhost: executor\r\nauthorization: ${authorization ?? ''}\r\n${head}\r\n\r\n`,
    );
    socket.write(before);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 413 /);
    const ended = once(socket, 'end');
    socket.write(after);
    await ended;
    expect(socket.errored).toBeNull();
    socket.destroy();
  });
});

describe('tokens', () => {
  it('are needed for everything but health', async () => {
    for (const path of ['/v1/activity', '/v1/executions/a', '/v1/files', '/v1/nothing']) {
      expect(await call(sandbox, 'GET', { path, headers: {} })).toMatchObject({ status: 401 });
    }
    expect(await call(sandbox, 'GET', { path: '/v1/health', headers: {} })).toMatchObject({
      status: 200,
    });
  });

  it('of another pod or another key are refused, and nothing runs', async () => {
    const stranger = new TokenSigner(generateKeyPairSync('ed25519').privateKey, systemClock);
    for (const token of [
      await sandbox.signer.tokenFor('other-pod'),
      await stranger.tokenFor(sandbox.target.podUID),
    ]) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      expect(
        await call(sandbox, 'PUT', {
          path: '/v1/executions/forged',
          body: run('touch forged'),
          headers,
        }),
      ).toMatchObject({ status: 401 });
    }
    expect(await readdir(sandbox.workspace)).not.toContain('forged');
  });
});

describe('starting an execution', () => {
  it('happens once, however often it is sent, at the same time and later', async () => {
    const body = run('echo run >> times; sleep 0.2; echo out');
    const path = '/v1/executions/once?wait=10000';
    const answers = await Promise.all([1, 2, 3].map(() => call(sandbox, 'PUT', { path, body })));
    answers.push(await call(sandbox, 'PUT', { path, body }), await call(sandbox, 'GET', { path }));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(json(answers[0]?.text ?? '')).toMatchObject({
      id: 'once',
      phase: 'Completed',
      stdout: { text: 'out\n' },
    });
    expect(await readFile(join(sandbox.workspace, 'times'), 'utf8')).toBe('run\n');
  });

  it('answers at once without wait, and when its time is up with it', async () => {
    const first = await call(sandbox, 'PUT', {
      path: '/v1/executions/waiting',
      body: run('sleep 1'),
    });
    expect(json(first.text)).toMatchObject({ id: 'waiting', phase: 'Running' });
    expect(
      json((await call(sandbox, 'GET', { path: '/v1/executions/waiting?wait=50' })).text),
    ).toMatchObject({ phase: 'Running' });
    expect(
      json((await call(sandbox, 'GET', { path: '/v1/executions/waiting?wait=10000' })).text),
    ).toMatchObject({ phase: 'Completed' });
  });

  it('goes on when the caller hangs up', async () => {
    const controller = new AbortController();
    const input = {
      language: 'shell',
      code: 'touch begun; until [ -e go-on ]; do sleep 0.01; done; echo on',
      event: {},
      timeoutMs: 20_000,
      env: {},
    } as const;
    const begun = fileIn(sandbox.workspace, 'begun');
    const given = sandbox.client.run(sandbox.target, 'left', input, {
      waitMs: 10_000,
      signal: controller.signal,
    });
    void begun.then(() => {
      controller.abort();
    });
    await expect(given).rejects.toMatchObject({ code: 'Aborted' });
    await writeFile(join(sandbox.workspace, 'go-on'), '');
    expect(await sandbox.client.state(sandbox.target, 'left', { waitMs: 10_000 })).toMatchObject({
      phase: 'Completed',
      stdout: { text: 'on\n' },
    });
  });

  it.each<[string, string, string | undefined, number]>([
    ['an id with a slash', '/v1/executions/a%2Fb', run('true'), 400],
    ['an id that is too long', `/v1/executions/${'a'.repeat(65)}`, run('true'), 400],
    ['no body', '/v1/executions/bad', undefined, 400],
    ['broken JSON', '/v1/executions/bad', '{', 400],
    [
      'an unknown language',
      '/v1/executions/bad',
      JSON.stringify({ language: 'perl', code: 'x', timeoutMs: 1 }),
      400,
    ],
    [
      'no code',
      '/v1/executions/bad',
      JSON.stringify({ language: 'shell', code: '', timeoutMs: 1 }),
      400,
    ],
    [
      'an event that is a list',
      '/v1/executions/bad',
      JSON.stringify({ language: 'shell', code: 'x', timeoutMs: 1, event: [] }),
      400,
    ],
    [
      'a variable whose name has =',
      '/v1/executions/bad',
      JSON.stringify({ language: 'shell', code: 'x', timeoutMs: 1, env: { 'A=B': '' } }),
      400,
    ],
    [
      'a variable with NUL',
      '/v1/executions/bad',
      JSON.stringify({ language: 'shell', code: 'x', timeoutMs: 1, env: { A: '\0' } }),
      400,
    ],
    ['a body without end', '/v1/executions/bad', 'x'.repeat(5_000_000), 413],
  ])('is refused with %s', async (_, path, body, status) => {
    const answer = await call(sandbox, 'PUT', { path, ...(body !== undefined && { body }) });
    expect(answer.status).toBe(status);
    expect(json(answer.text)).toEqual({ code: expect.any(String), message: expect.any(String) });
  });

  it('takes code, event and variables at their largest', async () => {
    const env = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`V${String(i)}`, 'v'.repeat(32_768)]),
    );
    const code = `def handler(event): return [len(event["a"]), len(SIZE)]\nSIZE = "${'語'.repeat(102_000)}"`;
    const state = await sandbox.run({ code, event: { a: 'e'.repeat(262_000) }, env });
    expect(state.returnValue).toEqual([262_000, 102_000]);
    const script = await sandbox.run({
      language: 'shell',
      code: `x='${'語'.repeat(102_000)}'; echo \${#x}`,
    });
    expect(script.stdout.text).toBe('102000\n');
    const js = await sandbox.run({
      language: 'javascript',
      code: `const x = '${'語'.repeat(102_000)}'; exports.handler = () => x.length`,
    });
    expect(js.returnValue).toBe(102_000);
  });
});

describe('what is not there', () => {
  it.each(['GET', 'DELETE'] as const)(
    'is not found: %s of an unknown execution',
    async (method) => {
      expect(await call(sandbox, method, { path: '/v1/executions/unknown' })).toMatchObject({
        status: 404,
      });
    },
  );

  it.each([
    ['GET', '/'],
    ['POST', '/v1/executions/a'],
    ['GET', '/v1/executions/'],
    ['GET', '/V1/health'],
  ] as const)('is not found: %s %s', async (method, path) => {
    expect(await call(sandbox, method, { path })).toMatchObject({ status: 404 });
  });
});

describe('activity', () => {
  it('is now while something runs, and stays where it was while nothing does', async () => {
    const read = async (): Promise<ReturnType<typeof activity.parse>> =>
      activity.parse(json((await call(sandbox, 'GET', { path: '/v1/activity' })).text));
    const first = await read();
    expect(first.runningExecutions).toBe(0);
    expect(await read()).toEqual(first);
    const over = sandbox.run({ language: 'shell', code: 'sleep 0.3' });
    await sandbox.client.health(sandbox.target);
    let during = await read();
    while (during.runningExecutions === 0) during = await read();
    expect(Date.parse(during.lastActivityAt)).toBeGreaterThan(Date.parse(first.lastActivityAt));
    await over;
    const after = await read();
    expect(after.runningExecutions).toBe(0);
    expect(Date.parse(after.lastActivityAt)).toBeGreaterThanOrEqual(
      Date.parse(during.lastActivityAt),
    );
  });
});

describe('usage', () => {
  it('tells what runs have used, and asking is no activity', async () => {
    const before = await sandbox.client.usage(sandbox.target);
    await sandbox.run({
      code: 'sum(range(20_000_000)); open("big", "wb").write(bytes(3_000_000))',
    });
    const { lastActivityAt } = await sandbox.client.activity(sandbox.target);
    let after = before;
    while (after.workspace.bytes < 3_000_000) after = await sandbox.client.usage(sandbox.target);
    expect(after.cpuMs).toBeGreaterThan(before.cpuMs + 50);
    expect(after.memoryBytes).toBeGreaterThan(10_000_000);
    expect(after.memoryBytes).toBeLessThan(2_000_000_000);
    expect(after.processes).toBeGreaterThanOrEqual(2);
    expect(after.workspace.complete).toBe(true);
    expect((await sandbox.client.activity(sandbox.target)).lastActivityAt).toBe(lastActivityAt);
  });
});

describe('files', () => {
  const file = (path: string): string => `/v1/files/${path}`;

  it('come back as they were put, byte for byte, folders on their way made', async () => {
    const body = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 256));
    expect(await call(sandbox, 'PUT', { path: file('deep/er/bytes.bin'), body })).toMatchObject({
      status: 204,
    });
    expect(await readFile(join(sandbox.workspace, 'deep/er/bytes.bin'))).toEqual(body);
    expect(
      (await sandbox.run({ language: 'shell', code: 'wc -c < deep/er/bytes.bin' })).stdout.text,
    ).toBe('200000\n');
    await call(sandbox, 'PUT', { path: file('text%20%F0%9F%9A%80.txt'), body: 'first' });
    await call(sandbox, 'PUT', { path: file('text%20%F0%9F%9A%80.txt'), body: 'second' });
    expect(await call(sandbox, 'GET', { path: file('text%20%F0%9F%9A%80.txt') })).toEqual({
      status: 200,
      text: 'second',
    });
    expect((await readdir(sandbox.workspace)).filter((name) => name.startsWith('.upload'))).toEqual(
      [],
    );
  });

  it('are listed folder by folder', async () => {
    await sandbox.run({
      language: 'shell',
      code: 'mkdir -p list/sub; printf 123 > list/a; ln -s /etc/passwd list/link; mkfifo list/pipe',
    });
    const { entries, truncated } = json(
      (await call(sandbox, 'GET', { path: '/v1/files?path=list' })).text,
    );
    expect(truncated).toBe(false);
    expect(entries).toMatchObject([
      { path: 'list/a', type: 'file', size: 3 },
      { path: 'list/link', type: 'symlink' },
      { path: 'list/pipe', type: 'other' },
      { path: 'list/sub', type: 'directory' },
    ]);
    expect((await call(sandbox, 'GET', { path: '/v1/files' })).status).toBe(200);
  });

  it('are removed, folders with all that is in them, links without what they point to', async () => {
    await sandbox.run({
      language: 'shell',
      code: 'mkdir -p gone/sub; touch gone/a kept; ln -s /workspace/kept gone-link',
    });
    expect((await call(sandbox, 'DELETE', { path: file('gone') })).status).toBe(204);
    expect((await call(sandbox, 'DELETE', { path: file('gone-link') })).status).toBe(204);
    expect((await call(sandbox, 'DELETE', { path: file('gone') })).status).toBe(404);
    const names = await readdir(sandbox.workspace);
    expect([names.includes('gone'), names.includes('gone-link'), names.includes('kept')]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it.each([
    '../etc/passwd',
    '..%2Fetc%2Fpasswd',
    'a/../../etc/passwd',
    '/etc/passwd',
    '%2Fetc%2Fpasswd',
    'a%00b',
    '',
    '.',
    '..',
    'a//b',
    '%FF',
  ])('outside of the workspace are refused: %j', async (path) => {
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      expect(
        await call(sandbox, method, { path: file(path), ...(method === 'PUT' && { body: 'x' }) }),
      ).toMatchObject({ status: 400 });
    }
  });

  it('are not reached through links that leave the workspace, by any part of the path', async () => {
    await symlink('/proc/1/environ', join(sandbox.workspace, 'environ'));
    await symlink('/etc', join(sandbox.workspace, 'etc'));
    await symlink('/tmp', join(sandbox.workspace, 'tmp'));
    await symlink('/proc/self', join(sandbox.workspace, 'self'));
    for (const path of ['environ', 'etc/passwd', 'self/environ', 'self/maps']) {
      const { status } = await call(sandbox, 'GET', { path: file(path) });
      expect([400, 409]).toContain(status);
    }
    expect(await call(sandbox, 'GET', { path: '/v1/files?path=etc' })).toMatchObject({
      status: 400,
    });
    expect(await call(sandbox, 'PUT', { path: file('tmp/x'), body: 'x' })).toMatchObject({
      status: 400,
    });
    expect(await call(sandbox, 'DELETE', { path: file('tmp/x') })).toMatchObject({ status: 400 });
    // Put in the place of a link, a file replaces it and leaves alone what it pointed to.
    expect(await call(sandbox, 'PUT', { path: file('environ'), body: 'mine' })).toMatchObject({
      status: 204,
    });
    expect(await call(sandbox, 'GET', { path: file('environ') })).toEqual({
      status: 200,
      text: 'mine',
    });
  });

  it('are reached through links that stay in the workspace', async () => {
    await writeFile(join(sandbox.workspace, 'target'), 'inside');
    await sandbox.run({ language: 'shell', code: 'ln -s target inside' });
    expect(await call(sandbox, 'GET', { path: file('inside') })).toEqual({
      status: 200,
      text: 'inside',
    });
  });

  it('that are none do not keep the caller waiting', async () => {
    await sandbox.run({
      language: 'shell',
      code: 'mkfifo fifo; mkdir folder; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'sock\')"',
    });
    for (const name of ['fifo', 'folder', 'sock'])
      expect(await call(sandbox, 'GET', { path: file(name) })).toMatchObject({ status: 400 });
    expect(await call(sandbox, 'PUT', { path: file('folder'), body: 'x' })).toMatchObject({
      status: 409,
    });
    expect(await call(sandbox, 'GET', { path: file('fifo/x') })).toMatchObject({ status: 404 });
    expect(await call(sandbox, 'GET', { path: file('nothing') })).toMatchObject({ status: 404 });
  });
});

test('the end of a run is a line of the log, with the id of the request that it was for', async () => {
  const requests = [
    ['logged-1', 'req-1'],
    ['logged-2', 'not an id'],
  ] as const;
  for (const [id, requestId] of requests)
    await call(sandbox, 'PUT', {
      path: `/v1/executions/${id}?wait=20000`,
      headers: { ...(await sandbox.headers()), 'x-request-id': requestId },
      body: run('true'),
    });
  const lines = sandbox
    .log()
    .split('\n')
    .filter((line) => line.includes('logged-'));
  const [first, second] = lines.map(json);
  const line = { message: 'execution', execution: 'logged-1', phase: 'Completed' };
  expect(first).toMatchObject({ ...line, requestId: 'req-1' });
  expect(second).not.toHaveProperty('requestId');
});
