import { z } from 'zod';
import { createHttpClient } from '../../kube/http-client.ts';
import { loadKubeConfig } from '../../kube/kube-config.ts';
import { EventStream, type Told } from '../fakes/event-stream.ts';
import type { LocalRun } from './local-run.ts';
import type { RestSession } from './rest-session.ts';

const usage = z.object({
  cpu: z.object({ used_seconds: z.number() }),
  memory: z.object({ used_bytes: z.number() }),
  processes: z.int(),
});

/** Prints, and goes on when it is told to. */
const STEPS = [
  'import os, time',
  'def step(n):',
  '    while not os.path.exists(f"/tmp/step-{n}"): time.sleep(0.01)',
  'for n in range(3):',
  '    print(f"line {n}", flush=True)',
  '    step(n)',
  'print("last words", end="")',
  'def handler(event): return event["n"]',
].join('\n');

async function open(local: LocalRun, route: string, init: RequestInit = {}): Promise<EventStream> {
  return EventStream.open(`${local.running.api}/api/v1${route}`, init);
}

/** Reads on until `text` was printed; what came meanwhile is added to `seen`. */
async function readTo(stream: EventStream, text: string, seen: Told[]): Promise<void> {
  while (!textOf(seen).includes(text)) {
    const told = await stream.next();
    if (told === undefined) throw new Error(`the stream ended after ${JSON.stringify(seen)}`);
    seen.push(told);
  }
}

function textOf(seen: readonly Told[]): string {
  return seen.map(({ data }) => (typeof data['text'] === 'string' ? data['text'] : '')).join('');
}

/** Streaming as a client meets it, on real executors. */
export function testStreaming(
  runner: 'docker' | 'process',
  local: () => LocalRun,
  session: () => RestSession,
): void {
  const touch = (n: number): Promise<unknown> =>
    session().execute(`touch /tmp/step-${String(n)}`, { language: 'shell' });

  test('output is streamed while the run goes on, also across kill -9 of the control plane, and nothing is lost or told twice', async () => {
    const body = { code: STEPS, language: 'python', timeout: 120, event: { n: 7 } };
    const seen: Told[] = [];
    const first = await open(local(), `/sessions/${session().id}/execute-stream`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    await readTo(first, 'line 0\n', seen);
    const id = String(seen[0]?.data['execution_id']);
    await touch(0);
    await readTo(first, 'line 1\n', seen);
    first.close();

    await touch(1);
    local().kill();
    await local().up();
    const last = seen.findLast((told) => told.id !== undefined)?.id ?? '';
    const headers = { 'last-event-id': last };
    const second = await open(local(), `/executions/${id}/stream`, { headers });
    // Sandboxes that are processes end with the control plane, containers do not.
    const survives = runner === 'docker';
    if (survives) {
      await readTo(second, 'line 2\n', seen);
      await touch(2);
    }
    seen.push(...(await second.rest()));

    const { body: result } = await local().call('GET', `/executions/${id}/result`);
    expect(seen.at(-1)).toEqual({ event: 'result', id: 'end', data: result });
    if (!survives) {
      expect(result).toMatchObject({ status: 'crashed', reason: 'ExecutorLost' });
      return;
    }
    expect(textOf(seen)).toBe('line 0\nline 1\nline 2\nlast words');
    expect(result).toMatchObject({ status: 'completed', return_value: 7 });
    const numbers = seen.flatMap((told) => (/^\d+$/.test(told.id ?? '') ? [Number(told.id)] : []));
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  test('both streams of a short run, its last bytes included, come before its result', async () => {
    const code = 'printf out; printf err >&2; head -c 100000 /dev/zero | tr "\\0" x; printf end';
    const body = JSON.stringify({ code, language: 'shell' });
    const headers = { 'content-type': 'application/json' };
    const route = `/sessions/${session().id}/execute-stream`;
    const told = await (await open(local(), route, { method: 'POST', body, headers })).rest();
    const stdout = told.filter(({ event }) => event === 'stdout');
    expect(textOf(stdout)).toBe(`out${'x'.repeat(100_000)}end`);
    expect(textOf(told.filter(({ event }) => event === 'stderr'))).toBe('err');
    expect(told.at(-1)).toMatchObject({ event: 'result', data: { status: 'completed' } });
  });

  test('a live session tells what it uses, within its limits', async () => {
    await session().execute('open("/workspace/big", "wb").write(bytes(2_000_000))');
    const use = async (): Promise<Readonly<Record<string, unknown>>> =>
      (await local().call('GET', `/sessions/${session().id}/metrics`)).body;
    expect(await use()).toMatchObject({
      session_id: session().id,
      cpu: { limit_cores: 1 },
      memory: { limit_bytes: 268_435_456 },
      disk: { limit_bytes: 1_073_741_824, complete: true },
    });
    const { cpu, memory, processes } = usage.parse(await use());
    expect(cpu.used_seconds).toBeGreaterThan(0);
    expect(memory.used_bytes).toBeGreaterThan(1_000_000);
    expect(memory.used_bytes).toBeLessThan(268_435_456);
    expect(processes).toBeGreaterThanOrEqual(2);
  });

  test('a cancelled run ends with what it had printed', async () => {
    const code = 'import time\nprint("begun", flush=True)\ntime.sleep(60)';
    const id = await session().submit(code);
    const stream = await open(local(), `/executions/${id}/stream`);
    await readTo(stream, 'begun\n', []);
    const { body } = await local().call('POST', `/executions/${id}/cancel`);
    expect(body).toMatchObject({ status: 'cancelled', reason: 'Cancelled', stdout: 'begun\n' });
    expect((await stream.rest()).at(-1)).toMatchObject({ event: 'result', data: { id } });
    await session().expectToWork();
  });

  test('a changed variable counts for the next run, in the same sandbox', async () => {
    const route = `/sessions/${session().id}`;
    const before = await local().call('GET', route);
    const changed = await local().call('PATCH', route, {
      env_vars: { CHANGED: 'yes' },
      timeout: 900,
    });
    expect(changed).toMatchObject({
      status: 200,
      body: { timeout: 900, env_vars: { CHANGED: 'yes' } },
    });
    const run = await session().execute('echo $CHANGED', { language: 'shell' });
    expect(run.stdout).toBe('yes\n');
    const after = await local().call('GET', route);
    expect(after.body['container_id']).toBe(before.body['container_id']);
  });

  test('the log of the container is read over REST and over the Kubernetes API', async () => {
    // The log's first line says that it listens; one follows for every run.
    await session().execute('echo logged', { language: 'shell' });
    const { body } = await local().call('GET', `/sessions/${session().id}`);
    const id = String(body['container_id']);
    const container = await local().call('GET', `/containers/${id}`);
    expect(container.body).toMatchObject({
      session_id: session().id,
      status: 'running',
      runtime_type: runner,
      resources: { memory: '256Mi' },
    });
    const logs = `${local().running.api}/api/v1/containers/${id}/logs`;
    const whole = await fetch(`${logs}?tail=1000`);
    expect(await whole.text()).toMatch(/"message":"listening"/);
    const tail = await fetch(`${logs}?tail=1`);
    expect((await tail.text()).trimEnd().split('\n')).toHaveLength(1);

    const client = createHttpClient(loadKubeConfig({ path: local().kubeconfig }));
    const { signal } = new AbortController();
    const ref = { namespace: 'default', name: id };
    for await (const piece of await client.podLog(ref, {
      follow: true,
      timestamps: true,
      signal,
    })) {
      expect(piece.toString()).toMatch(/^\d{4}-\d\d-\d\dT\S+Z \{/);
      break;
    }
    await client.close();
  });
}
