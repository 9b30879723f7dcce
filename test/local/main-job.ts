import { jest } from '@jest/globals';
import { z } from 'zod';
import { LocalRun, type Answer } from './local-run.ts';

/** Starting everything, with images to build, takes its time on a busy machine. */
jest.setTimeout(300_000);

const execution = z.looseObject({
  id: z.string(),
  status: z.string(),
  exit_code: z.int().nullable(),
  error_message: z.string().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  return_value: z.unknown(),
});
type Run = z.infer<typeof execution>;

const FINAL = new Set(['completed', 'failed', 'timeout', 'crashed', 'cancelled']);

/** The main job and everything that may go wrong with it, the same for each runner (issue "The main job, end to end"). */
export function describeMainJob(runner: 'docker' | 'process'): void {
  describe(`the main job on the ${runner} runner`, () => {
    let local: LocalRun;
    let session: string;

    beforeAll(async () => {
      local = await LocalRun.create(runner);
      await local.up();
      session = await createSession();
    });

    afterAll(async () => {
      await local.remove();
    });

    async function createSession(): Promise<string> {
      const created = await local.call('POST', '/sessions', {
        template_id: 'python-basic',
        timeout: 300,
        resources: { cpu: '1', memory: '256Mi', disk: '1Gi' },
      });
      expect(created).toMatchObject({ status: 201 });
      return String(created.body['id']);
    }

    async function execute(code: string, more: object = {}): Promise<Run> {
      const answer = await local.call(
        'POST',
        `/sessions/${session}/execute-sync?sync_timeout=120`,
        {
          code,
          language: 'python',
          timeout: 30,
          ...more,
        },
      );
      expect(answer).toMatchObject({ status: 200 });
      return execution.parse(answer.body);
    }

    async function submit(code: string, more: object = {}): Promise<string> {
      const answer = await local.call('POST', `/sessions/${session}/execute`, {
        code,
        language: 'python',
        timeout: 60,
        ...more,
      });
      expect(answer).toMatchObject({ status: 201 });
      return String(answer.body['execution_id']);
    }

    /** What is being waited for crosses processes, so looking again is all that can be done. */
    async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
      for (let tries = 0; tries < 600; tries += 1) {
        const seen = await look();
        if (seen !== undefined) return seen;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(`${what}: not seen within a minute`);
    }

    async function outcome(id: string): Promise<Run> {
      return eventually(async () => {
        const answer = await local.call('GET', `/executions/${id}/result`);
        if (answer.status !== 200) return undefined;
        const seen = execution.parse(answer.body);
        return FINAL.has(seen.status) ? seen : undefined;
      }, `the outcome of ${id}`);
    }

    async function stillWorks(): Promise<void> {
      const next = await execute('def handler(event):\n    return {"next": event["n"]}', {
        event: { n: 7 },
      });
      expect(next).toMatchObject({ status: 'completed', return_value: { next: 7 } });
    }

    test('the two commands of the readme lead to the result', async () => {
      const id = await submit('def handler(event):\n    return {"result": "hello world"}');
      expect(await outcome(id)).toMatchObject({
        status: 'completed',
        exit_code: 0,
        return_value: { result: 'hello world' },
      });
    });

    test.each([
      [
        'javascript',
        'export async function handler(event) { return { sum: event.a + event.b } }',
        { sum: 5 },
      ],
      ['javascript', 'const handler = (event, context) => typeof context;', 'object'],
      ['python', 'async def handler(event, context):\n    return event["a"] * event["b"]', 6],
      ['python', 'def handler(event):\n    return 0', 0],
      ['python', 'def handler(event):\n    return []', []],
    ])('a %s handler returns what it returns: %s', async (language, code, value) => {
      const run = await execute(code, { language, event: { a: 2, b: 3 } });
      expect(run).toMatchObject({ status: 'completed', exit_code: 0, return_value: value });
    });

    test('a shell script has its exit code and both streams', async () => {
      const run = await execute('echo out; echo err > /dev/stderr; exit 7', { language: 'shell' });
      expect(run).toMatchObject({
        status: 'failed',
        exit_code: 7,
        stdout: 'out\n',
        stderr: 'err\n',
      });
    });

    test('files in the workspace and in /tmp are there for the next run', async () => {
      await execute('open("kept.txt", "w").write("a"); open("/tmp/kept.txt", "w").write("b")');
      const run = await execute(
        'print(open("/workspace/kept.txt").read() + open("/tmp/kept.txt").read())',
      );
      expect(run.stdout).toBe('ab\n');
    });

    test('five runs of a session run side by side', async () => {
      const code =
        'import time, pathlib\npathlib.Path(f"/tmp/side-{__import__(\'os\').getpid()}").touch()\n' +
        'while len(list(pathlib.Path("/tmp").glob("side-*"))) < 5: time.sleep(0.02)';
      const runs = await Promise.all([1, 2, 3, 4, 5].map(() => execute(code)));
      expect(runs.map((run) => run.status)).toEqual(Array(5).fill('completed'));
    });

    describe('bad input is refused with a message that says what to do, and creates nothing', () => {
      const code = 'print(1)';
      const cases: readonly [string, () => Promise<Answer>, number | readonly number[], RegExp][] =
        [
          [
            'unknown template',
            () => local.call('POST', '/sessions', { template_id: 'no-such' }),
            400,
            /template/i,
          ],
          [
            'bad memory',
            () => local.call('POST', '/sessions', { template_id: 'python-basic', memory: '1G' }),
            [400, 422],
            /memory/i,
          ],
          [
            'bad nested cpu',
            () =>
              local.call('POST', '/sessions', {
                template_id: 'python-basic',
                resources: { cpu: 'abc' },
              }),
            [400, 422],
            /cpu/i,
          ],
          [
            'over-long id',
            () =>
              local.call('POST', '/sessions', { template_id: 'python-basic', id: 'x'.repeat(65) }),
            422,
            /id/,
          ],
          [
            'id with a slash',
            () => local.call('POST', '/sessions', { template_id: 'python-basic', id: 'a/b' }),
            422,
            /id/,
          ],
          [
            'id of two dots',
            () => local.call('POST', '/sessions', { template_id: 'python-basic', id: '..' }),
            422,
            /id/,
          ],
          [
            'bad language',
            () => local.call('POST', `/sessions/${session}/execute`, { code, language: 'cobol' }),
            422,
            /language/,
          ],
          [
            'too much code',
            () =>
              local.call('POST', `/sessions/${session}/execute`, {
                code: 'x'.repeat(102_401),
                language: 'python',
              }),
            422,
            /code/,
          ],
          [
            'event that is no object',
            () =>
              local.call('POST', `/sessions/${session}/execute`, {
                code,
                language: 'python',
                event: [1],
              }),
            422,
            /event/,
          ],
          [
            'broken JSON',
            () => local.call('POST', `/sessions/${session}/execute`, '{"code": '),
            422,
            /JSON/,
          ],
          ['wrong verb', () => local.call('PUT', '/sessions'), 405, /method|verb/i],
          [
            'unknown session',
            () => local.call('POST', '/sessions/nobody/execute', { code, language: 'python' }),
            404,
            /session/i,
          ],
        ];

      test.each(cases)('%s', async (_name, act, status, text) => {
        const sessionsBefore = (await local.call('GET', '/sessions')).body['total'];
        const runsBefore = (await local.call('GET', `/sessions/${session}/executions`)).body[
          'total'
        ];
        const answer = await act();
        expect([status].flat()).toContain(answer.status);
        expect(JSON.stringify(answer.body)).toMatch(text);
        expect(answer.body).toMatchObject({
          code: expect.any(String),
          request_id: answer.headers.get('x-request-id'),
        });
        expect((await local.call('GET', '/sessions')).body['total']).toBe(sessionsBefore);
        expect((await local.call('GET', `/sessions/${session}/executions`)).body['total']).toBe(
          runsBefore,
        );
      });
    });

    describe('code that misbehaves fails with the right reason, and the next run works', () => {
      const forkBomb = 'import os\nwhile True:\n    try: os.fork()\n    except OSError: pass';
      const cases: readonly [string, string, object, object][] = [
        ['forks endlessly', forkBomb, { timeout: 3 }, { status: 'timeout', exit_code: 124 }],
        [
          'eats all memory',
          'x = []\nwhile True: x.append(bytearray(16 << 20))',
          {},
          { status: 'failed', reason: 'OOMKilled' },
        ],
        [
          'writes 1 GB to stdout',
          'import sys\nb = "x" * (1 << 20)\nfor _ in range(1024): sys.stdout.write(b)',
          { timeout: 60 },
          { status: 'completed', exit_code: 0 },
        ],
        [
          'closes every descriptor',
          'import os\nos.closerange(0, 4096)\nos._exit(5)',
          {},
          { status: 'failed', exit_code: 5 },
        ],
        [
          'prints binary',
          'import os\nos.write(1, bytes(range(256)))',
          {},
          { status: 'completed', exit_code: 0 },
        ],
        [
          'kills its parent',
          'import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(20)',
          {},
          { exit_code: 137 },
        ],
        [
          'kills everything',
          'import os, signal\nos.kill(-1, signal.SIGKILL)\nimport time\ntime.sleep(20)',
          {},
          { exit_code: 137 },
        ],
        [
          'kills itself',
          'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)',
          {},
          { status: 'failed', reason: 'Signal', exit_code: 137 },
        ],
        [
          'sleeps too long',
          'print("before", flush=True)\nimport time\ntime.sleep(60)',
          { timeout: 1 },
          { status: 'timeout', reason: 'Timeout', stdout: 'before\n' },
        ],
      ];

      test.each(cases)('%s', async (_name, code, more, expected) => {
        expect(await execute(code, more)).toMatchObject(expected);
        await stillWorks();
      });
    });

    test('a daemon that escapes by double fork and setsid is gone when its run is over', async () => {
      const escape =
        'import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(300)\n    os._exit(0)';
      await execute(escape);
      const look =
        'import os\nprint(sum(open(f"/proc/{p}/cmdline").read() != "" for p in os.listdir("/proc") if p.isdigit() and os.path.exists(f"/proc/{p}/cmdline")))';
      const processes = Number((await execute(look)).stdout);
      await execute(escape);
      expect(Number((await execute(look)).stdout)).toBe(processes);
    });

    test('kill -9 of the control plane in mid-run: the run ends with a result or a reason, and the session works', async () => {
      const id = await submit(
        'import time\ntime.sleep(3)\ndef handler(event):\n    return "survived"',
      );
      await eventually(
        async () =>
          (await local.call('GET', `/sessions/${session}`)).body['status'] === 'running'
            ? true
            : undefined,
        'running',
      );
      local.kill();
      await local.up();
      const run = await outcome(id);
      expect(run).toMatchObject(
        run.status === 'completed'
          ? { return_value: 'survived' }
          : { status: 'crashed', reason: 'ExecutorLost' },
      );
      await stillWorks();
    });

    test('a terminated session refuses runs, a deleted one is gone', async () => {
      const other = await createSession();
      expect(await local.call('POST', `/sessions/${other}/terminate`)).toMatchObject({
        status: 200,
      });
      expect(
        await local.call('POST', `/sessions/${other}/execute`, {
          code: 'print(1)',
          language: 'python',
        }),
      ).toMatchObject({ status: 409 });
      expect(await local.call('DELETE', `/sessions/${other}`)).toMatchObject({ status: 204 });
      expect(await local.call('GET', `/sessions/${other}`)).toMatchObject({ status: 404 });
    });

    test('a port that is taken is named, with the variable that moves it', async () => {
      const port = new URL(local.running.api).port;
      const other = await LocalRun.create(runner);
      const { code, output } = await other.tryUp({ SANDBOX_PORT: port });
      await other.remove();
      expect(code).not.toBe(0);
      expect(output).toContain(port);
      expect(output).toContain('SANDBOX_PORT');
    });
  });
}
