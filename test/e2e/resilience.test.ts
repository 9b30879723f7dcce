import { jest } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { eventually, kubectl, kubectlJson } from './cluster.ts';
import {
  IS_FROM_SOURCE,
  killProcessesOf,
  restartApiServer,
  writesIn,
  type Write,
} from './nodes.ts';
import {
  createSandbox,
  createTemplate,
  inSandboxes,
  inSystem,
  installRelease,
  object,
  outcomeOf,
  removeRelease,
  run,
  SANDBOXES,
  startSandbox,
  submit,
  untilReady,
  withRest,
} from './release.ts';

// A failover after a crash takes up to 17 s by itself.
jest.setTimeout(150_000);
beforeAll(installRelease, 180_000);
afterAll(removeRelease, 180_000);

const lease = z.object({ spec: z.object({ holderIdentity: z.string() }) });
async function holder(): Promise<string> {
  const { spec } = await kubectlJson(lease, inSystem('get', 'lease', 'sandbox-operator'));
  return spec.holderIdentity;
}

const pods = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string(), uid: z.string() }) })),
});

/** The pod whose operator leads. */
async function leader(): Promise<{ readonly name: string; readonly uid: string }> {
  const selector = ['--selector', 'app.kubernetes.io/name=sandbox-operator'];
  const { items } = await kubectlJson(pods, inSystem('get', 'pods', ...selector));
  const identity = await holder();
  const pod = items.find(({ metadata }) => identity.startsWith(metadata.name));
  if (pod === undefined) throw new Error(`no pod of leader "${identity}"`);
  return pod.metadata;
}

async function untilOperatorsAreBack(): Promise<void> {
  await kubectl(inSystem('rollout', 'status', 'deployment/sandbox-operator', '--timeout=60s'));
  await eventually(leader);
}

async function untilRunning(execution: string): Promise<void> {
  const phase = inSandboxes('get', 'execution', execution, '-o', 'jsonpath={.status.phase}');
  await eventually(async () => {
    expect(await kubectl(phase)).toBe('Running');
  });
}

/** What the client and our service accounts wrote for the object of a name, its pod and its events included; not what Kubernetes itself did. */
function writesFor(writes: readonly Write[], name: string): readonly string[] {
  return writes
    .filter(({ user }) => !/^system:(node|kube|serviceaccount:kube-system)/.test(user.username))
    .filter(
      ({ objectRef: { name: written = '' } }) => written === name || written.startsWith(`${name}.`),
    )
    .map(({ verb, objectRef: { resource, subresource } }) =>
      [verb, resource, subresource].filter((word) => word !== undefined).join(' '),
    );
}

/** Leaves a line in the workspace each time that it runs, takes its time, and returns a word. */
function traced(name: string, seconds: number): string {
  return [
    'import time',
    'def handler(event):',
    `    open("/workspace/${name}", "a").write("ran\\n")`,
    `    time.sleep(${String(seconds)})`,
    '    return "done"',
  ].join('\n');
}

async function timesRun(sandbox: string, name: string): Promise<unknown> {
  const count = `def handler(event):\n    return open("/workspace/${name}").read().count("ran")`;
  return (await run(sandbox, `${name}-count`, count)).returnValue;
}

/** How long a fresh execution waits for its outcome while something happens to the leader. */
async function gap(sandbox: string, name: string, happen: () => Promise<void>): Promise<number> {
  const before = await holder();
  await happen();
  const begun = performance.now();
  await submit(sandbox, name, traced(name, 0));
  expect(await outcomeOf(name)).toMatchObject({ phase: 'Completed' });
  const seconds = (performance.now() - begun) / 1_000;
  expect(await holder()).not.toBe(before);
  return seconds;
}

describe('the leader', () => {
  beforeAll(async () => {
    await startSandbox('led');
  });

  test('stops in the middle of a run: the result arrives, and it ran once', async () => {
    await submit('led', 'stopped', traced('stopped', 6));
    await untilRunning('stopped');
    const { name } = await leader();
    const seconds = await gap('led', 'after-stop', async () => {
      await kubectl(inSystem('delete', 'pod', name, '--wait=false'));
      await eventually(async () => {
        expect(await holder()).not.toContain(name);
      });
    });
    console.log(`a run right after a graceful failover: ${seconds.toFixed(1)} s`);
    expect(await outcomeOf('stopped')).toMatchObject({ returnValue: 'done' });
    expect(await timesRun('led', 'stopped')).toBe(1);
    expect(await timesRun('led', 'after-stop')).toBe(1);
    await untilOperatorsAreBack();
  });

  test('is killed in the middle of a run: the result arrives, and it ran once', async () => {
    await submit('led', 'killed', traced('killed', 6));
    await untilRunning('killed');
    const { uid } = await leader();
    const seconds = await gap('led', 'after-kill', () => killProcessesOf(uid));
    console.log(`a run submitted when the leader was killed: ${seconds.toFixed(1)} s`);
    expect(await outcomeOf('killed')).toMatchObject({ returnValue: 'done' });
    expect(await timesRun('led', 'killed')).toBe(1);
    expect(await timesRun('led', 'after-kill')).toBe(1);
    await untilOperatorsAreBack();
  });

  test('changes while sandboxes start: each gets one pod and runs its code once', async () => {
    const names = Array.from({ length: 5 }, (_, index) => `amid-${String(index)}`);
    await Promise.all(names.map((name) => createSandbox(name)));
    await Promise.all(names.map((name) => submit(name, `run-${name}`, traced('once', 0))));
    await kubectl(inSystem('delete', 'pod', (await leader()).name, '--wait=false'));
    await untilReady(...names);
    for (const name of names) {
      expect(await outcomeOf(`run-${name}`)).toMatchObject({ phase: 'Completed' });
      const count = 'def handler(event):\n    return open("/workspace/once").read().count("ran")';
      expect((await run(name, `count-${name}`, count)).returnValue).toBe(1);
    }
    const { items } = await kubectlJson(pods, inSandboxes('get', 'pods'));
    const amid = items.filter(({ metadata }) => metadata.name.startsWith('amid-'));
    expect(amid).toHaveLength(names.length);
    await untilOperatorsAreBack();
  });
});

describe('the REST API', () => {
  const submitted = z.object({ execution_id: z.string() });

  test('restarts in the middle of a run: the result is there afterwards', async () => {
    await startSandbox('rested');
    const code = traced('rested', 5);
    const path = '/executions/sessions/rested/execute';
    const { execution_id: id } = await withRest(async (rest) =>
      submitted.parse(await rest('POST', path, { language: 'python', code })),
    );
    await kubectl(inSystem('rollout', 'restart', 'deployment/sandbox-api'));
    await kubectl(inSystem('rollout', 'status', 'deployment/sandbox-api', '--timeout=60s'));
    await eventually(() =>
      withRest(async (rest) => {
        const result = await rest('GET', `/executions/${id}/result`);
        expect(result).toMatchObject({ status: 'completed', return_value: 'done' });
      }),
    );
    expect(await timesRun('rested', 'rested')).toBe(1);
  });
});

describe('many', () => {
  const COUNT = 50;
  const names = Array.from({ length: COUNT }, (_, index) => `many-${String(index)}`);

  afterAll(async () => {
    const all = ['delete', 'sandbox', ...names, '--ignore-not-found', '--timeout=90s'];
    await kubectl(inSandboxes(...all));
  }, 100_000);

  test(`${String(COUNT)} sandboxes at once become ready and run their own code`, async () => {
    // As many as fit on a node of two cores beside everything else there: a sandbox requests what it may use.
    await createTemplate('tiny', { resources: { cpu: '20m', memory: '128Mi', disk: '64Mi' } });
    const sandbox = { templateRef: { name: 'tiny' } };
    const items = names.flatMap((name) => [
      object('Sandbox', name, sandbox),
      object('Execution', name, {
        sandboxRef: { name },
        language: 'python',
        code: `def handler(event):\n    return "${name}"`,
      }),
    ]);
    const begun = performance.now();
    await kubectl(['create', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
    const sandboxes = names.map((name) => `sandbox/${name}`);
    await kubectl(inSandboxes('wait', '--for=condition=Ready', ...sandboxes, '--timeout=150s'));
    const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
    console.log(`${String(COUNT)} sandboxes at once were ready after ${seconds} s`);
    const finished = '--for=condition=Finished';
    const executions = names.map((name) => `execution/${name}`);
    await kubectl(inSandboxes('wait', finished, ...executions, '--timeout=60s'));
    const values = 'jsonpath={.items[*].status.returnValue}';
    const returned = await kubectl(inSandboxes('get', ...executions, '-o', values));
    expect(returned.split(' ').sort()).toEqual([...names].sort());
  }, 240_000);
});

if (IS_FROM_SOURCE) {
  describe('the API server', () => {
    test('crashes in the middle of a run: the result arrives, and it ran once', async () => {
      await startSandbox('outlasts');
      await submit('outlasts', 'outlasting', traced('outlasting', 6));
      await untilRunning('outlasting');
      await restartApiServer();
      expect(await outcomeOf('outlasting')).toMatchObject({ returnValue: 'done' });
      expect(await timesRun('outlasts', 'outlasting')).toBe(1);
    }, 120_000);
  });

  describe('writes', () => {
    test('are at most 6 for a cold sandbox and 3 for an execution, with those of the client', async () => {
      // Names that no earlier run has left in the log.
      const names = [0, 1, 2].map((index) => `counted-${Date.now().toString(36)}-${String(index)}`);
      for (const name of names) {
        await startSandbox(name);
        await run(name, `${name}-run`, 'def handler(event):\n    return 1');
      }
      await pause(1_000); // Events are written behind what they tell.
      const writes = await writesIn(SANDBOXES);
      for (const name of names) {
        const sandbox = writesFor(writes, name);
        const execution = writesFor(writes, `${name}-run`);
        console.log(`cold sandbox: ${sandbox.join(', ')}; execution: ${execution.join(', ')}`);
        expect(execution.length).toBeGreaterThan(1);
        expect(execution.length).toBeLessThanOrEqual(3);
        expect(sandbox.length).toBeGreaterThan(2);
        expect(sandbox.length).toBeLessThanOrEqual(6);
      }
    });
  });
}
