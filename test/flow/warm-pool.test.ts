import fc from 'fast-check';
import { Registry } from 'prom-client';
import { EXECUTIONS } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import { controllerOf } from '../../kube/objects.ts';
import { PODS } from '../../kube/pod.ts';
import type { Pod } from '../../kube/pod.ts';
import { anExecution } from '../builders/execution.ts';
import { aSandbox } from '../builders/sandbox.ts';
import { aTemplate } from '../builders/sandbox-template.ts';
import { LaggingClient } from '../fakes/lagging-client.ts';
import { RecordingClient } from '../fakes/recording-client.ts';
import type { Fault } from '../fakes/recording-client.ts';
import { isReady, World } from './world.ts';
import type { RunningOperator } from './world.ts';

/** Pods that wait for sandboxes, with the whole operator against an API server. */

const TEMPLATE = 'python-basic';
/** A pool that is ready says so at once. */
const settings = { countDelayMs: 0 };
let world: World;
let operator: RunningOperator;

beforeEach(async () => {
  world = await World.open();
  operator = await world.startOperator({ settings });
});

afterEach(() => world.close());

async function createPool(size: number, more: object = {}): Promise<void> {
  const { apiVersion, kind, metadata, spec } = aTemplate({ spec: { warmPool: { size }, ...more } });
  const draft = { name: metadata.name, namespace: metadata.namespace ?? '' };
  await world.client.create(SANDBOX_TEMPLATES, { apiVersion, kind, metadata: draft, spec });
}

async function aFullPool(size: number): Promise<void> {
  await createPool(size);
  await world.template(({ status }) => status?.warmPool?.ready === size, TEMPLATE);
}

const livePods = (): readonly Pod[] =>
  world.caches.pods.list().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
const waiting = (): readonly Pod[] =>
  livePods().filter((pod) => controllerOf(pod)?.kind === 'SandboxTemplate');
const podsOf = ({ metadata }: Sandbox): readonly Pod[] =>
  livePods().filter((pod) => controllerOf(pod)?.uid === metadata.uid);

async function start(name = 'box', spec: object = {}): Promise<Sandbox> {
  await world.create(SANDBOXES, aSandbox({ metadata: { name }, spec }));
  return world.sandbox(isReady, name);
}

/** Resolves when `holds` does; it is asked whenever a pod or a sandbox changed. */
async function until(holds: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const look = (): void => {
    if (holds()) resolve(undefined);
  };
  const { pods, sandboxes } = world.caches;
  const unsubscribes = [pods.subscribe(look), sandboxes.subscribe(look)];
  look();
  await promise;
  for (const unsubscribe of unsubscribes) unsubscribe();
}

test('a sandbox gets a pod that waits, at the cost of two writes, and the pool is filled up again', async () => {
  await aFullPool(2);
  const before = new Map(waiting().map(({ metadata }) => [metadata.uid, metadata.labels]));
  const { status } = await start();
  expect(status).toMatchObject({ warmStart: true, reason: 'ExecutorAnswering' });
  // What neither a kubelet nor what enforces NetworkPolicies has to look at again.
  const taken = world.caches.pods.list().find(({ metadata }) => metadata.uid === status?.podUID);
  expect(taken?.metadata.labels).toEqual(before.get(status?.podUID ?? ''));
  const { writes } = operator.recording;
  const claim = writes.findIndex(({ verb, kind }) => verb === 'patch' && kind === 'Pod');
  expect(writes[claim]?.name).toBe(status?.podName);
  expect(operator.recording.writesTo('box')).toEqual(['patch Sandbox']);
  await until(() => waiting().length === 2);
});

test("a run in such a sandbox finds the sandbox's environment", async () => {
  await aFullPool(1);
  let env: Readonly<Record<string, string>> = {};
  world.executors.script = (request) => {
    ({ env } = request);
    return {};
  };
  await start('box', {
    env: [
      { name: 'WHO', value: 'box' },
      { name: 'A', value: '1' },
    ],
  });
  const spec = { env: [{ name: 'A', value: '2' }] };
  await world.create(EXECUTIONS, anExecution({ spec }));
  await world.execution(({ status }) => status?.phase === 'Completed');
  expect(env).toEqual({ WHO: 'box', A: '2' });
});

test('a sandbox that asks for more gets a pod of its own', async () => {
  await aFullPool(1);
  const sandbox = await start('box', { resources: { memory: '1Gi' } });
  expect(sandbox.status).toMatchObject({ podName: 'box' });
  expect(sandbox.status).not.toHaveProperty('warmStart');
  expect(waiting()).toHaveLength(1);
});

test('a sandbox that says what the template says in other words gets one that waits', async () => {
  await aFullPool(1);
  const { status } = await start('box', { resources: { cpu: '1000m', memory: '512Mi' } });
  expect(status?.warmStart).toBe(true);
});

test('more sandboxes than pods wait: the rest start cold, and no pod serves two', async () => {
  await aFullPool(5);
  world.kubelet.holdsStarts = true; // The pool stays as it is.
  const names = Array.from({ length: 12 }, (_, index) => `box-${String(index)}`);
  for (const name of names) await world.create(SANDBOXES, aSandbox({ metadata: { name } }));
  await Promise.all(names.slice(0, 1).map((name) => world.sandbox(isReady, name)));
  world.kubelet.holdsStarts = false;
  for (const pod of livePods()) if (pod.status?.phase !== 'Running') await world.kubelet.start(pod);
  const sandboxes = await Promise.all(names.map((name) => world.sandbox(isReady, name)));
  const serving = sandboxes.map(({ status }) => status?.podUID);
  expect(new Set(serving).size).toBe(names.length);
  expect(sandboxes.filter(({ status }) => status?.warmStart === true).length).toBe(5);
});

test('a claim whose answer is lost is found again instead of a second pod being taken', async () => {
  await aFullPool(3);
  let faults = 1;
  operator.recording.faultFor = ({ verb, kind }) =>
    verb === 'patch' && kind === 'Pod' && faults-- > 0 ? 'answerLost' : undefined;
  const sandbox = await start();
  expect(sandbox.status?.warmStart).toBe(true);
  expect(podsOf(sandbox).map(({ metadata }) => metadata.uid)).toEqual([sandbox.status?.podUID]);
});

test.each<Fault>(['forbidden', 'invalid'])(
  'a claim that is %s costs a cold start, and makes the pool no larger',
  async (refused) => {
    await aFullPool(2);
    operator.recording.faultFor = ({ verb, kind }) =>
      verb === 'patch' && kind === 'Pod' ? refused : undefined;
    const members = waiting().map(({ metadata }) => metadata.uid);
    for (const name of ['box', 'next']) {
      const { status } = await start(name);
      expect(status).not.toHaveProperty('warmStart');
    }
    // The pool was looked at since.
    await world.template(({ status }) => status?.sandboxes === 2, TEMPLATE);
    const created = operator.recording.writes.filter(
      ({ verb, kind }) => `${verb} ${kind}` === 'create Pod',
    );
    // Two of the pool, and one for each sandbox.
    expect(created).toHaveLength(4);
    expect(waiting().map(({ metadata }) => metadata.uid)).toEqual(members);
  },
);

test('an operator that stops right after a claim is followed by one that finishes it', async () => {
  await aFullPool(2);
  operator.recording.faultFor = ({ kind, name }) =>
    kind === 'Sandbox' && name === 'box' ? 'unavailable' : undefined;
  await world.create(SANDBOXES, aSandbox());
  await until(() => livePods().some((pod) => controllerOf(pod)?.kind === 'Sandbox'));
  await operator.stop();
  const { recording } = await world.startOperator({ settings });
  const sandbox = await world.sandbox(isReady);
  expect(podsOf(sandbox).map(({ metadata }) => metadata.uid)).toEqual([sandbox.status?.podUID]);
  expect(sandbox.status?.warmStart).toBe(true);
  expect(recording.writes.filter(({ verb, kind }) => `${verb} ${kind}` === 'patch Pod')).toEqual(
    [],
  );
});

test('an operator that takes over, and that watches tell late, leaves a sandbox the pod that it has', async () => {
  const lease = { namespace: 'default', name: 'sandbox-operator' };
  await operator.stop();
  operator = await world.startOperator({ settings, lease, identity: 'leader' });
  const late = new LaggingClient(world.client);
  const { client, writes } = new RecordingClient(late.client);
  await world.startOperator({ settings, lease, identity: 'standby', client });
  await aFullPool(2);
  late.isLate = (object) =>
    controllerOf(object)?.kind === 'Sandbox' || (object as Sandbox).status?.podUID !== undefined;
  const { status } = await start();
  await operator.stop();
  world.clock.skip(2_500);
  await late.called('get Sandbox', 'create Pod');
  await world.create(EXECUTIONS, anExecution());
  late.release();
  const { status: run } = await world.execution(({ status }) => status?.phase === 'Completed');
  expect(run?.podUID).toBe(status?.podUID);
  expect(
    writes.filter(({ verb, kind, name }) => `${verb} ${kind} ${name}` === 'create Pod box'),
  ).toEqual([]);
  expect(world.caches.sandboxes.list().map((sandbox) => sandbox.status?.podUID)).toEqual([
    status?.podUID,
  ]);
});

test('a pod that its pool gives up goes to no sandbox, and the pool can be filled again', async () => {
  await operator.stop();
  const late = new LaggingClient(world.client);
  const { client, writes } = new RecordingClient(late.client);
  operator = await world.startOperator({ settings, client });
  const resize = (size: number): Promise<SandboxTemplate> => {
    const body = { spec: { warmPool: { size } } };
    const ref = { namespace: 'default', name: TEMPLATE };
    return world.client.patch(SANDBOX_TEMPLATES, ref, { kind: 'merge', body });
  };
  await aFullPool(1);
  const [member] = waiting();
  if (member === undefined) throw new Error('the pool is empty');
  world.kubelet.holdsDeletions = true;
  late.isLate = ({ metadata }) => metadata.deletionTimestamp !== undefined;
  await resize(0);
  await until(() => waiting().length === 0);
  await world.create(SANDBOXES, aSandbox());
  await world.pod(() => true, 'box');
  expect(writes.filter(({ verb, kind }) => `${verb} ${kind}` === 'patch Pod')).toEqual([]);
  const ref = { namespace: 'default', name: member.metadata.name };
  await world.client.delete(PODS, ref, { gracePeriodSeconds: 0 });
  late.release();
  await world.sandbox(isReady);
  await resize(1);
  await world.template(({ status: pool }) => pool?.warmPool?.ready === 1, TEMPLATE);
});

test('a sandbox that takes a pod just as that is deleted takes the next one', async () => {
  await operator.stop();
  const late = new LaggingClient(world.client);
  operator = await world.startOperator({ settings, client: late.client });
  await aFullPool(2);
  const [going] = [...waiting()].sort((one, other) =>
    one.metadata.creationTimestamp.localeCompare(other.metadata.creationTimestamp),
  );
  if (going === undefined) throw new Error('the pool is empty');
  world.kubelet.holdsDeletions = true;
  late.isLate = ({ metadata }) => metadata.deletionTimestamp !== undefined;
  const ref = { namespace: 'default', name: going.metadata.name };
  await world.client.delete(PODS, ref);
  const { status } = await start();
  late.release();
  expect(status?.warmStart).toBe(true);
  expect(status).not.toHaveProperty('restarts');
  expect(status?.podUID).not.toBe(going.metadata.uid);
});

test('a pod of the pool that ended by itself is replaced, but not in a circle', async () => {
  await aFullPool(1);
  const [pod] = waiting();
  if (pod === undefined) throw new Error('the pool is empty');
  await world.kubelet.endContainer(pod, { exitCode: 1, reason: 'Error' });
  await world.gone(world.caches.pods, pod.metadata.name);
  await start();
  // The pool was looked at since.
  await world.template(({ status }) => status?.sandboxes === 1, TEMPLATE);
  expect(waiting()).toEqual([]);
  world.clock.skip(10_000);
  await world.template(({ status }) => status?.warmPool?.ready === 1, TEMPLATE);
});

test('a sandbox whose pod from the pool is lost goes on with one of its own', async () => {
  await aFullPool(1);
  const { status } = await start();
  const pod = await world.pod(() => true, status?.podName);
  await world.kubelet.endContainer(pod, { exitCode: 1, reason: 'Error' });
  const after = await world.sandbox(
    (sandbox) => isReady(sandbox) && sandbox.status?.restarts === 1,
  );
  expect(after.status).toMatchObject({ podName: 'box-1' });
  expect(after.status).not.toHaveProperty('warmStart');
});

test('a template that changes gets pods of the new make, and none of the old is handed out', async () => {
  await aFullPool(2);
  const old = waiting().map(({ metadata }) => metadata.uid);
  const ref = { namespace: 'default', name: TEMPLATE };
  const body = { spec: { env: [{ name: 'A', value: '1' }] } };
  await world.client.patch(SANDBOX_TEMPLATES, ref, { kind: 'merge', body });
  const { status } = await start();
  expect(old).not.toContain(status?.podUID);
  await world.template(({ status: pool }) => pool?.observedGeneration === 2, TEMPLATE);
  await world.template(({ status: pool }) => pool?.warmPool?.ready === 2, TEMPLATE);
  expect(old.filter((uid) => waiting().some(({ metadata }) => metadata.uid === uid))).toEqual([]);
});

test('whatever writes fail and whoever leads, every sandbox ends with one pod and no pod with two sandboxes', async () => {
  await createPool(4);
  let round = 0;
  const fault = fc.constantFrom<Fault | undefined>(
    undefined,
    undefined,
    'unavailable',
    'answerLost',
  );
  const plan = fc.record({
    faults: fc.array(fault, { minLength: 0, maxLength: 12 }),
    sandboxes: fc.integer({ min: 1, max: 6 }),
    hasRival: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ faults, sandboxes, hasRival }) => {
      round += 1;
      const waitingFaults = [...faults];
      operator.recording.faultFor = ({ kind }) =>
        kind === 'SandboxTemplate' ? undefined : waitingFaults.shift();
      // One that has been deposed and does not know it yet.
      const rival = hasRival ? await world.startOperator({ settings }) : undefined;
      const names = Array.from(
        { length: sandboxes },
        (_, index) => `p${String(round)}-${String(index)}`,
      );
      await Promise.all(
        names.map((name) => world.create(SANDBOXES, aSandbox({ metadata: { name } }))),
      );
      await Promise.all(names.map((name) => world.sandbox(isReady, name)));
      await rival?.stop();
      operator.recording.faultFor = () => undefined;
      await until(() => names.every(isSettled));
      const serving = await Promise.all(
        names.map(async (name) => (await world.sandbox(isReady, name)).status?.podUID),
      );
      expect(new Set(serving).size).toBe(names.length);
      for (const name of names) {
        await world.client.delete(SANDBOXES, { namespace: 'default', name });
        await world.gone(world.caches.sandboxes, name);
      }
    }),
    { numRuns: 25 },
  );
}, 120_000);

/** Whether a sandbox is Ready on the one live pod that it has. */
function isSettled(name: string): boolean {
  const sandbox = world.caches.sandboxes.get({ namespace: 'default', name });
  if (sandbox === undefined || !isReady(sandbox)) return false;
  const [pod, ...others] = podsOf(sandbox);
  return others.length === 0 && pod?.metadata.uid === sandbox.status?.podUID;
}

describe("a template's packages", () => {
  const NUMPY = { name: 'numpy', version: '1.26.0' };
  const withNumpy = { dependencies: { packages: [NUMPY] } };
  const isFull = ({ status }: SandboxTemplate): boolean => status?.warmPool?.ready === 1;
  const isInstalled = ({ status }: Sandbox): boolean => status?.dependencies?.state === 'Installed';

  test('are installed in a pod before that counts as ready, and its sandbox has them at once', async () => {
    world.executors.installScript = () => 'hangs';
    await createPool(1, withNumpy);
    await world.executors.until(() => world.executors.installs.length === 1);
    await world.template(({ status }) => status?.warmPool?.replicas === 1, TEMPLATE);
    expect(world.caches.templates.list()[0]?.status?.warmPool?.ready).toBe(0);
    world.executors.finishInstall({ installed: [NUMPY] });
    await world.template(isFull, TEMPLATE);
    const { status } = await start();
    expect(status).toMatchObject({
      warmStart: true,
      dependencies: { state: 'Installed', installed: [{ ...NUMPY, fromTemplate: true }] },
    });
    expect(status?.dependencies?.settledPodUID).toBe(status?.podUID);
    expect(operator.recording.writesTo('box')).toEqual(['patch Sandbox']);
    const ofIt = world.executors.installs.filter(({ podUID }) => podUID === status?.podUID);
    expect(ofIt).toHaveLength(1);
  });

  test('of a pod are part of what its sandbox has installed besides', async () => {
    await createPool(1, withNumpy);
    await world.template(isFull, TEMPLATE);
    const { status } = await start('box', { dependencies: { packages: [{ name: 'six' }] } });
    await world.sandbox(isInstalled);
    const [first, second] = world.executors.installs
      .filter(({ podUID }) => podUID === status?.podUID)
      .map(({ request }) => request);
    expect(first).toMatchObject({ requirements: ['numpy==1.26.0'] });
    expect(second).toMatchObject({ requirements: ['numpy==1.26.0', 'six'] });
    expect(second?.base).toMatch(/^template-/);
  });

  test('are known to be there by an operator that takes over', async () => {
    await createPool(1, withNumpy);
    await world.template(isFull, TEMPLATE);
    await operator.stop();
    operator = await world.startOperator();
    await world.template(({ status }) => status?.warmPool?.ready === 0, TEMPLATE);
    await world.template(isFull, TEMPLATE);
    expect((await start()).status).toMatchObject({
      warmStart: true,
      dependencies: { state: 'Installed' },
    });
    const podUIDs = world.executors.installs.map(({ podUID }) => podUID);
    expect(new Set(podUIDs).size).toBe(podUIDs.length);
  });

  test('that cannot be installed leave the pool empty, which is told, and are tried again later', async () => {
    const message = 'uv could not install numpy==1.26.0';
    world.executors.installScript = () => ({ phase: 'Failed', reason: 'InstallerFailed', message });
    await createPool(1, withNumpy);
    await world.executors.until(() => world.executors.installs.length === 1);
    const { status } = await start();
    expect(status?.warmStart).toBeUndefined();
    await world.sandbox((sandbox) => sandbox.status?.dependencies?.state === 'Failed');
    const told = world.event('DependencyInstallFailed');
    world.executors.installScript = () => ({});
    world.clock.skip(61_000);
    await told;
    await world.template(isFull, TEMPLATE);
  });
});

describe('a sandbox that asks for other cpu or memory than its template', () => {
  const MORE = { cpu: '2', memory: '1Gi' };
  const limitsOf = (pod: Pod | undefined): unknown =>
    pod?.status?.containerStatuses?.[0]?.resources?.limits;

  beforeEach(async () => {
    await world.close();
    world = await World.open({ resizesPods: true });
    operator = await world.startOperator({ settings });
  });

  test('gets a pod that waits, and is ready when the node has given it what it asks for', async () => {
    await aFullPool(1);
    const [member] = waiting();
    const { status } = await start('box', { resources: MORE });
    expect(status).toMatchObject({ warmStart: true, podUID: member?.metadata.uid });
    const pod = await world.pod(() => true, status?.podName);
    expect(limitsOf(pod)).toMatchObject(MORE);
    expect(pod.spec.containers[0]?.resources?.requests).toMatchObject(MORE);
    // The claim, the resize, the status.
    expect(operator.recording.writesTo('box', status?.podName ?? '').slice(-3)).toEqual([
      'patch Pod',
      'patch Pod',
      'patch Sandbox',
    ]);
  });

  test('is not ready while the node has not, and gets a pod of its own when that takes too long', async () => {
    await aFullPool(1);
    const [member] = waiting();
    world.kubelet.onResize = 'ignores';
    await world.create(SANDBOXES, aSandbox({ spec: { resources: MORE } }));
    const asked = await world.pod(
      ({ spec }) => spec.containers[0]?.resources?.limits?.['cpu'] === '2',
      member?.metadata.name,
    );
    expect(asked.metadata.labels?.['sandbox.ai/resize']).toBe('true');
    expect(world.caches.sandboxes.list().some(isReady)).toBe(false);
    world.clock.skip(5_000);
    const { status } = await world.sandbox(isReady);
    expect(status).toMatchObject({ podName: 'box-1' });
    expect(status).not.toHaveProperty('warmStart');
    await until(() => !livePods().some(({ metadata }) => metadata.uid === member?.metadata.uid));
  });

  test('gets a pod of its own at once where the node has no room for more', async () => {
    await aFullPool(1);
    const [member] = waiting();
    world.kubelet.onResize = 'defers';
    const { status } = await start('box', { resources: MORE });
    expect(status).toMatchObject({ podName: 'box-1' });
    expect(limitsOf(await world.pod(() => true, 'box-1'))).toMatchObject(MORE);
    await until(() => !livePods().some(({ metadata }) => metadata.uid === member?.metadata.uid));
  });

  test.each<Fault>(['forbidden', 'invalid', 'quota'])(
    'gets a pod of its own where the resize is refused: %s',
    async (refused) => {
      await aFullPool(1);
      let patches = 0;
      operator.recording.faultFor = ({ verb, kind }) =>
        `${verb} ${kind}` === 'patch Pod' && (patches += 1) === 2 ? refused : undefined;
      const { status } = await start('box', { resources: MORE });
      expect(status).toMatchObject({ podName: 'box-1' });
      expect(limitsOf(await world.pod(() => true, 'box-1'))).toMatchObject(MORE);
    },
  );

  test('starts cold where it asks for another disk, or its template for a runtime that hides a resize', async () => {
    await aFullPool(1);
    const { status } = await start('box', { resources: { disk: '2Gi' } });
    expect(status).toMatchObject({ podName: 'box' });
  });

  test('is served by an operator that takes over between claim and resize', async () => {
    await aFullPool(1);
    let patches = 0;
    operator.recording.faultFor = ({ verb, kind }) =>
      `${verb} ${kind}` === 'patch Pod' && (patches += 1) > 1 ? 'unavailable' : undefined;
    await world.create(SANDBOXES, aSandbox({ spec: { resources: MORE } }));
    await until(() => livePods().some((pod) => controllerOf(pod)?.kind === 'Sandbox'));
    await operator.stop();
    operator = await world.startOperator({ settings });
    const sandbox = await world.sandbox(isReady);
    const [pod, ...others] = podsOf(sandbox);
    expect(others).toEqual([]);
    expect(limitsOf(pod)).toMatchObject(MORE);
  });

  test('whatever fails and whatever nodes do, it never has less than it asked for, nor a pod of another', async () => {
    await createPool(4);
    let round = 0;
    const fault = fc.constantFrom<Fault | undefined>(undefined, 'unavailable', 'answerLost');
    const plan = fc.record({
      faults: fc.array(fault, { maxLength: 10 }),
      sizes: fc.array(fc.constantFrom(undefined, '2', '500m'), { minLength: 1, maxLength: 5 }),
      onResize: fc.constantFrom('applies' as const, 'defers' as const),
      hasRival: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ faults, sizes, onResize, hasRival }) => {
        round += 1;
        const waitingFaults = [...faults];
        world.kubelet.onResize = onResize;
        operator.recording.faultFor = ({ kind }) =>
          kind === 'SandboxTemplate' ? undefined : waitingFaults.shift();
        const rival = hasRival ? await world.startOperator({ settings }) : undefined;
        const wishes = sizes.map((cpu, index) => ({
          cpu,
          name: `r${String(round)}-${String(index)}`,
        }));
        await Promise.all(
          wishes.map(({ name, cpu }) =>
            world.create(
              SANDBOXES,
              aSandbox({
                metadata: { name },
                spec: cpu === undefined ? {} : { resources: { cpu } },
              }),
            ),
          ),
        );
        for (const { name } of wishes) await world.sandbox(isReady, name);
        await rival?.stop();
        operator.recording.faultFor = () => undefined;
        await until(() => wishes.every(({ name }) => isSettled(name)));
        const pods = wishes.map(({ name }) => {
          const sandbox = world.caches.sandboxes.get({ namespace: 'default', name });
          return sandbox === undefined ? undefined : podsOf(sandbox)[0];
        });
        expect(new Set(pods.map((pod) => pod?.metadata.uid)).size).toBe(wishes.length);
        wishes.forEach(({ cpu = '1' }, index) => {
          expect(limitsOf(pods[index])).toMatchObject({ cpu });
        });
        for (const { name } of wishes) {
          await world.client.delete(SANDBOXES, { namespace: 'default', name });
          await world.gone(world.caches.sandboxes, name);
        }
      }),
      { numRuns: 20 },
    );
  }, 120_000);
});

test('how often a pool had a pod, and how long it took to get one, can be read', async () => {
  const registry = new Registry();
  await operator.stop();
  operator = await world.startOperator({ registry });
  world.kubelet.holdsStarts = true;
  await createPool(1);
  await until(() => waiting().length === 1);
  await world.create(SANDBOXES, aSandbox({ metadata: { name: 'early' } }));
  await until(() => livePods().some(({ metadata }) => metadata.name === 'early'));
  world.kubelet.holdsStarts = false;
  for (const pod of livePods()) await world.kubelet.start(pod);
  await world.template(({ status }) => status?.warmPool?.ready === 1, TEMPLATE);
  await start('late');
  await start('other', { resources: { cpu: '2' } });
  const text = await registry.metrics();
  expect(text).toContain('sandbox_warm_pool_claims_total{result="empty"} 1');
  expect(text).toContain('sandbox_warm_pool_claims_total{result="hit"} 1');
  expect(text).toContain('sandbox_warm_pool_claim_seconds_count 1');
});

test('a further pod is wished on the node that runs one of its template, and is no other pod for that', async () => {
  await aFullPool(1);
  await start('first', { resources: { cpu: '2' } });
  const { spec } = await world.client.get(PODS, { namespace: 'default', name: 'first' });
  expect(spec.affinity?.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution).toEqual([
    {
      weight: 100,
      preference: { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] },
    },
  ]);
  const [member] = waiting();
  await start('second');
  await until(() => waiting().length === 1 && waiting()[0] !== member);
  const [next] = waiting();
  expect(next?.metadata.labels?.['sandbox.ai/make']).toBe(
    member?.metadata.labels?.['sandbox.ai/make'],
  );
});
