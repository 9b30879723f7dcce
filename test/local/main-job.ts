import { readFileSync, readdirSync } from 'node:fs';
import { jest } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { EXECUTIONS, isFinished } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import { NotFoundError } from '../../kube/errors.ts';
import { createHttpClient } from '../../kube/http-client.ts';
import { loadKubeConfig } from '../../kube/kube-config.ts';
import type { KubeObject, ResourceType } from '../../kube/objects.ts';
import { PODS } from '../../kube/pod.ts';
import { BAD_INPUT } from './bad-input.ts';
import { HOSTILE_CODE } from './hostile-code.ts';
import { LocalRun } from './local-run.ts';
import { eventually, RestSession } from './rest-session.ts';
import { testStreaming } from './streaming.ts';

/** Starting everything, with images to build, takes its time on a busy machine. */
jest.setTimeout(300_000);

const NAMESPACE = 'default';
const manifest = z.looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) });

/** The main job and everything that may go wrong with it, the same for each runner. */
export function describeMainJob(runner: 'docker' | 'process'): void {
  describe(`the main job on the ${runner} runner`, () => {
    let local: LocalRun;
    let session: RestSession;

    beforeAll(async () => {
      local = await LocalRun.create(runner);
      await local.up();
      session = await RestSession.create(local);
    });

    afterAll(async () => {
      await local.remove();
    });

    test('the two commands of the readme lead to the result', async () => {
      const id = await session.submit('def handler(event):\n    return {"result": "hello world"}');
      expect(await session.outcome(id)).toMatchObject({
        status: 'completed',
        exit_code: 0,
        return_value: { result: 'hello world' },
      });
    });

    test.each([
      ['javascript', 'export async function handler(event) { return event.a + event.b }', 5],
      ['javascript', 'const handler = (event, context) => typeof context;', 'object'],
      ['python', 'async def handler(event, context):\n    return event["a"] * event["b"]', 6],
      ['python', 'def handler(event):\n    return 0', 0],
      ['python', 'def handler(event):\n    return []', []],
    ])('a %s handler returns what it returns: %s', async (language, code, value) => {
      const run = await session.execute(code, { language, event: { a: 2, b: 3 } });
      expect(run).toMatchObject({ status: 'completed', exit_code: 0, return_value: value });
    });

    test('a shell script has its exit code and both streams', async () => {
      const code = 'echo out; echo err > /dev/stderr; exit 7';
      const run = await session.execute(code, { language: 'shell' });
      expect(run).toMatchObject({ exit_code: 7, stdout: 'out\n', stderr: 'err\n' });
      expect(run.status).toBe('failed');
    });

    test('files in the workspace and in /tmp are there for the next run', async () => {
      const write = 'open("kept", "w").write("a"); open("/tmp/kept", "w").write("b")';
      await session.execute(write);
      const read = 'print(open("/workspace/kept").read() + open("/tmp/kept").read())';
      expect((await session.execute(read)).stdout).toBe('ab\n');
    });

    test('five runs of a session run side by side', async () => {
      const meet = [
        'import os, pathlib, time',
        'pathlib.Path(f"/tmp/side-{os.getpid()}").touch()',
        'while len(list(pathlib.Path("/tmp").glob("side-*"))) < 5: time.sleep(0.02)',
      ].join('\n');
      const runs = await Promise.all(Array.from({ length: 5 }, () => session.execute(meet)));
      expect(runs.map((run) => run.status)).toEqual(runs.map(() => 'completed'));
    });

    test.each(BAD_INPUT)('$what is refused, and creates nothing', async (bad) => {
      const [method, route, body] = bad.call;
      const before = await counts();
      const answer = await local.call(method, route.replace('SESSION', session.id), body);
      expect(answer).toMatchObject({
        status: bad.status,
        body: { code: expect.any(String), request_id: answer.headers.get('x-request-id') },
      });
      expect(JSON.stringify(answer.body)).toMatch(bad.about);
      expect(await counts()).toEqual(before);
    });

    async function counts(): Promise<unknown[]> {
      const sessions = await local.call('GET', '/sessions');
      const executions = await local.call('GET', `/sessions/${session.id}/executions`);
      return [sessions.body['total'], executions.body['total']];
    }

    test.each(HOSTILE_CODE)(
      'code that $what ends with the right reason, and the next run works',
      async ({ code, timeout = 30, expected }) => {
        expect(await session.execute(code, { timeout })).toMatchObject(expected);
        await session.expectToWork();
      },
    );

    test('a daemon that escapes by double fork and setsid is gone when its run is over', async () => {
      const escape = [
        'import os',
        'r, w = os.pipe()',
        'if os.fork() == 0:',
        '    os.setsid()',
        '    if os.fork() == 0:',
        '        os.write(w, b"x")',
        '        os.execvp("sleep", ["sleep", "123456"])',
        '    os._exit(0)',
        'os.read(r, 1)',
        'print("escaped")',
      ].join('\n');
      expect(await session.execute(escape)).toMatchObject({ stdout: 'escaped\n' });
      const look = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 12345[6]' || true";
      expect(await session.execute(look, { language: 'shell' })).toMatchObject({ stdout: '0\n' });
    });

    testStreaming(
      runner,
      () => local,
      () => session,
    );

    test('after kill -9 of the control plane in mid-run the run ends with a result or a reason, and the session works', async () => {
      await session.expectToWork();
      const id = await session.submit(
        'import time\ntime.sleep(3)\ndef handler(event): return "survived"',
      );
      local.kill();
      await local.up();
      const run = await session.outcome(id);
      expect(run).toMatchObject(
        run.status === 'completed'
          ? { return_value: 'survived' }
          : { status: 'crashed', reason: 'ExecutorLost' },
      );
      await session.expectToWork();
    });

    test('a terminated session refuses runs, a deleted one is gone', async () => {
      const { id } = await RestSession.create(local);
      const run = { code: 'print(1)', language: 'python' };
      expect(await local.call('POST', `/sessions/${id}/terminate`)).toMatchObject({ status: 200 });
      expect(await local.call('POST', `/sessions/${id}/execute`, run)).toMatchObject({
        status: 409,
      });
      expect(await local.call('DELETE', `/sessions/${id}`)).toMatchObject({ status: 204 });
      expect(await local.call('GET', `/sessions/${id}`)).toMatchObject({ status: 404 });
    });

    test('the examples run as kubectl applies them, and deleting the sandbox removes its pod and its executions', async () => {
      const client = createHttpClient(loadKubeConfig({ path: local.kubeconfig }));
      const types: readonly ResourceType<KubeObject>[] = [SANDBOX_TEMPLATES, SANDBOXES, EXECUTIONS];
      for (const file of readdirSync('examples').filter((name) => name.endsWith('.yaml'))) {
        const body = manifest.parse(parse(readFileSync(`examples/${file}`, 'utf8')));
        const type = types.find(({ kind }) => kind === body.kind);
        if (type === undefined) throw new Error(`${file} is of an unknown kind`);
        const ref = { namespace: NAMESPACE, name: body.metadata.name };
        await client.patch(type, ref, {
          kind: 'apply',
          body,
          fieldManager: 'kubectl',
          force: true,
        });
      }
      const hello = await eventually(async () => {
        const seen = await client.get(EXECUTIONS, { namespace: NAMESPACE, name: 'hello' });
        return isFinished(seen) ? seen : undefined;
      }, 'the end of the example');
      expect(hello.status).toMatchObject({ phase: 'Completed', reason: 'Completed', exitCode: 0 });

      const sandbox = { namespace: NAMESPACE, name: hello.spec.sandboxRef.name };
      await client.delete(SANDBOXES, sandbox);
      await eventually(async () => {
        const pods = await client.list(PODS, { namespace: NAMESPACE });
        const isLeft = pods.items.some(({ metadata }) => metadata.name.startsWith(sandbox.name));
        return isLeft ? undefined : true;
      }, 'the end of the pod');
      await eventually(
        () =>
          client.get(EXECUTIONS, { namespace: NAMESPACE, name: 'hello' }).then(
            () => undefined,
            (error: unknown) => error instanceof NotFoundError || undefined,
          ),
        'the end of the execution',
      );
      await client.close();
    });

    test('a port that is taken is named, with the variable that moves it', async () => {
      const { port } = new URL(local.running.api);
      const other = await LocalRun.create(runner);
      const { code, output } = await other.tryUp({ SANDBOX_PORT: port });
      await other.remove();
      expect(code).toBe(1);
      expect(output).toContain(`Port ${port} is taken`);
      expect(output).toContain('SANDBOX_PORT');
    });
  });
}
