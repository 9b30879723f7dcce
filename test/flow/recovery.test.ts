import { Readable } from 'node:stream';
import { EXECUTIONS, isFinished } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import type { Pod } from '../../kube/pod.ts';
import { PODS } from '../../kube/pod.ts';
import { StoreError } from '../../storage/objects/errors.ts';
import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import { anExecution } from '../builders/execution.ts';
import { aPodOf } from '../builders/pod.ts';
import { aSandbox } from '../builders/sandbox.ts';
import type { FailingStore } from '../fakes/failing-store.ts';
import { temporaryFiles } from '../fakes/temporary-files.ts';
import { isReady, World } from './world.ts';

/** Every way of being out of step that a crash, a restored backup or a careless hand can leave: the operator starts, and all of it converges. */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
let world: World;
let store: FailingStore;
let stored: StoredWorkspaces;
let removeFiles: () => void;

beforeEach(async () => {
  ({ store, stored, removeFiles } = temporaryFiles());
  world = await World.open();
  await world.createTemplate();
});

afterEach(async () => {
  await world.close();
  removeFiles();
});

async function createPod(name: string, metadata: Partial<Pod['metadata']>): Promise<void> {
  const { apiVersion, kind, spec } = aPodOf(aSandbox());
  const seen = world.pod(() => true, name);
  await world.client.create(PODS, {
    apiVersion,
    kind,
    metadata: { namespace: 'default', name, ...metadata },
    spec,
  });
  await seen;
}

const OURS = { 'app.kubernetes.io/managed-by': 'sandbox-control-plane' };

describe('a pod that nobody has', () => {
  test('is removed a while after it was made, and those of others stay', async () => {
    await createPod('lost', { labels: { ...OURS, 'sandbox.ai/sandbox': 'lost' } });
    await createPod('theirs', { labels: OURS });
    await world.startOperator();
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    expect(world.caches.pods.list()).toHaveLength(3);
    world.clock.skip(2 * MINUTE_MS);
    await world.gone(world.caches.pods, 'lost');
    const left = world.caches.pods.list().map(({ metadata }) => metadata.name);
    expect(left.sort()).toEqual(['box', 'theirs']);
  });
});

describe('files that nobody has', () => {
  /** Written as by an operator that died before it could write a manifest, and by one whose sandbox was torn out. */
  async function leaveFiles(): Promise<void> {
    await stored.putManifest('uid-torn-out', { files: [] });
    await store.put('sessions/uid-cut-off/a.txt', readable('a'));
  }

  const readable = (text: string): Readable => Readable.from([text]);

  async function keys(): Promise<string[]> {
    const listed = ['sessions/', 'manifests/', 'orphans/'].map((prefix) => store.list(prefix));
    return (await Promise.all(listed)).flatMap(({ objects }) => objects.map(({ key }) => key));
  }

  async function noted(id: string): Promise<void> {
    const { register } = stored;
    while (!(await register.orphans()).has(id)) await new Promise((go) => setImmediate(go));
  }

  async function unnoted(id: string): Promise<void> {
    const { register } = stored;
    while ((await register.orphans()).has(id)) await new Promise((go) => setImmediate(go));
  }

  test('are noted, stay for a day and go then, whereas those of a sandbox stay', async () => {
    await leaveFiles();
    await world.startOperator({ stored });
    const { metadata } = await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    await stored.putManifest(metadata.uid, { files: [] });
    world.clock.skip(2 * MINUTE_MS);
    await noted('uid-torn-out');
    await noted('uid-cut-off');
    expect(await keys()).toEqual(
      expect.arrayContaining(['sessions/uid-cut-off/a.txt', 'manifests/uid-torn-out.json']),
    );
    world.clock.skip(DAY_MS + MINUTE_MS);
    await unnoted('uid-torn-out');
    await unnoted('uid-cut-off');
    expect(await keys()).toEqual([`manifests/${metadata.uid}.json`]);
  });

  test('that the store will not give up stay alone', async () => {
    await leaveFiles();
    const deletePrefix = store.deletePrefix.bind(store);
    store.deletePrefix = (prefix, signal) =>
      prefix.includes('cut-off')
        ? Promise.reject(new StoreError('Refused', 'the store refuses'))
        : deletePrefix(prefix, signal);
    await world.startOperator({ stored });
    world.clock.skip(2 * MINUTE_MS);
    await noted('uid-torn-out');
    await noted('uid-cut-off');
    world.clock.skip(DAY_MS + MINUTE_MS);
    await unnoted('uid-torn-out');
    expect(await keys()).toEqual(['sessions/uid-cut-off/a.txt', 'orphans/uid-cut-off']);
  });

  test('stay where another installation keeps files in the same store', async () => {
    await leaveFiles();
    await stored.register.join('another');
    await world.startOperator({ stored });
    world.clock.skip(2 * MINUTE_MS);
    while (!world.logger.lines.some(({ message }) => message.includes('several installations')))
      await new Promise((go) => setImmediate(go));
    expect(await stored.register.orphans()).toEqual(new Map());
  });
});

describe('after a restart with everything out of step', () => {
  test('sandboxes get their pods again, runs without an executor end, and what nobody has goes', async () => {
    const first = await world.startOperator();
    for (const name of ['vanished', 'failed', 'whole'])
      await world.create(SANDBOXES, aSandbox({ metadata: { name } }));
    for (const name of ['vanished', 'failed', 'whole']) await world.sandbox(isReady, name);
    world.executors.script = () => 'hangs';
    const uids = new Map<string, string>();
    for (const name of ['vanished', 'failed', 'whole']) {
      // Longer than what is skipped below, whenever the next operator comes to follow it.
      const spec = { sandboxRef: { name }, timeoutSeconds: 3_600 };
      const execution = anExecution({ metadata: { name }, spec });
      const { metadata } = await world.create(EXECUTIONS, execution);
      await world.started(metadata.uid);
      uids.set(name, metadata.uid);
    }
    await first.stop();

    await world.client.delete(PODS, { namespace: 'default', name: 'vanished' });
    await world.gone(world.caches.pods, 'vanished');
    const failed = await world.pod(() => true, 'failed');
    await world.kubelet.endContainer(failed, { exitCode: 137, reason: 'Error' });
    await createPod('lost', { labels: { ...OURS, 'sandbox.ai/sandbox': 'lost' } });
    await world.create(
      EXECUTIONS,
      anExecution({ metadata: { name: 'astray' }, spec: { sandboxRef: { name: 'nowhere' } } }),
    );

    await world.startOperator();
    world.clock.skip(2 * MINUTE_MS);
    for (const name of ['vanished', 'failed']) {
      expect((await world.execution(isFinished, name)).status).toMatchObject({
        phase: 'Crashed',
        reason: 'ExecutorLost',
      });
      await world.sandbox((box) => isReady(box) && box.status?.podName === `${name}-1`, name);
    }
    expect((await world.execution(isFinished, 'astray')).status?.reason).toBe('SandboxNotFound');
    await world.gone(world.caches.pods, 'lost');
    world.executors.finish(uids.get('whole') ?? '');
    expect((await world.execution(isFinished, 'whole')).status?.phase).toBe('Completed');
    expect(world.executors.starts).toHaveLength(3);
    const pods = world.caches.pods.list().map(({ metadata }) => metadata.name);
    expect(pods.sort()).toEqual(['failed-1', 'vanished-1', 'whole']);
  });
});
