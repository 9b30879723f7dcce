import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { API_VERSION } from '../../crds/names.ts';
import { SANDBOXES, sandboxSpec, type Sandbox } from '../../crds/sandbox.ts';
import {
  SANDBOX_TEMPLATES,
  sandboxTemplateSpec,
  type SandboxTemplate,
} from '../../crds/sandbox-template.ts';
import { isConditionTrue } from '../../kube/conditions.ts';
import { NotFoundError } from '../../kube/errors.ts';
import { createHttpClient } from '../../kube/http-client.ts';
import { loadKubeConfig } from '../../kube/kube-config.ts';
import { ObjectCache } from '../../kube/object-cache.ts';
import { refOf, type Draft, type KubeObject } from '../../kube/objects.ts';
import { PODS, type Pod } from '../../kube/pod.ts';
import { NAMESPACES } from './namespaces.ts';
import { FakeNode, NODE_NAME } from './fake-node.ts';
import { machine } from './machine.ts';
import { OperatorProcess } from './operator-process.ts';
import { QUIET } from './quiet-logger.ts';

/**
 * What an operator costs with nothing, a thousand and ten thousand sandboxes, how long it takes to come back, and how late it ends what is due: on a real API server,
 * etcd and scheduler, with a node and executors that are not there (fake-node.ts). Needs the CRDs in the cluster (`kubectl apply -f crds/manifests`) and the image `sandbox-operator:latest` in the Docker engine.
 */

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '0,1000,10000' },
    namespace: { type: 'string', default: 'bench-scale' },
    'quiet-seconds': { type: 'string', default: '60' },
    'measure-seconds': { type: 'string', default: '60' },
    reaped: { type: 'string', default: '100' },
    out: { type: 'string', default: 'test/bench/results' },
  },
});
const { namespace } = values;
const TEMPLATE = 'fake';
const CREATORS = 32;

const client = createHttpClient(loadKubeConfig(), { userAgent: 'bench', connections: 64 });
const sandboxes = new ObjectCache<Sandbox>({ client, type: SANDBOXES, namespace, logger: QUIET });
const pods = new ObjectCache<Pod>({ client, type: PODS, namespace, logger: QUIET });

function template(): Draft<SandboxTemplate> {
  return {
    apiVersion: API_VERSION,
    kind: SANDBOX_TEMPLATES.kind,
    metadata: { name: TEMPLATE, namespace },
    spec: sandboxTemplateSpec.parse({
      image: 'none',
      scheduling: {
        nodeSelector: { 'kubernetes.io/hostname': NODE_NAME },
        tolerations: [{ key: 'bench', operator: 'Exists' }],
      },
      timeouts: { idleSeconds: 86_400, lifetimeSeconds: 86_400 },
    }),
  };
}

let count = 0;
async function createSandbox(timeouts: object = {}): Promise<string> {
  count += 1;
  const name = `fake-${String(count)}`;
  await client.create(SANDBOXES, {
    apiVersion: API_VERSION,
    kind: SANDBOXES.kind,
    metadata: { name, namespace },
    spec: sandboxSpec.parse({ templateRef: { name: TEMPLATE }, timeouts }),
  });
  return name;
}

/** As fast as the cluster takes them. */
async function createMany(wanted: number, timeouts?: object): Promise<string[]> {
  const names: string[] = [];
  let left = wanted;
  const creator = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      names.push(await createSandbox(timeouts));
    }
  };
  await Promise.all(Array.from({ length: CREATORS }, creator));
  return names;
}

/** One after the other, so that their deadlines come at this pace too. */
async function createPaced(wanted: number, timeouts: object): Promise<string[]> {
  const names: string[] = [];
  for (let n = 0; n < wanted; n += 1) {
    names.push(await createSandbox(timeouts));
    await delay(PACE_MS);
  }
  return names;
}

/** Five a second are 430,000 a day. */
const PACE_MS = 200;

/** Resolves when `holds`; looked at whenever the cache changes. */
async function until<T extends KubeObject>(
  cache: ObjectCache<T>,
  holds: () => boolean,
): Promise<void> {
  if (holds()) return;
  await new Promise<void>((resolve) => {
    const unsubscribe = cache.subscribe(() => {
      if (!holds()) return;
      unsubscribe();
      resolve();
    });
  });
}

function isReady({ status }: Sandbox): boolean {
  return isConditionTrue(status?.conditions, 'Ready');
}

async function untilReady(wanted: number): Promise<void> {
  const ready = new Set(
    sandboxes
      .list()
      .filter(isReady)
      .map(({ metadata }) => metadata.name),
  );
  if (ready.size >= wanted) return;
  await new Promise<void>((resolve) => {
    const unsubscribe = sandboxes.subscribe(({ type, object }) => {
      if (type === 'deleted' || !isReady(object)) ready.delete(object.metadata.name);
      else ready.add(object.metadata.name);
      if (ready.size < wanted) return;
      unsubscribe();
      resolve();
    });
  });
}

interface Cost {
  readonly sandboxes: number;
  readonly fillSeconds: number;
  readonly memoryBytes: number;
  readonly peakMemoryBytes: number;
  readonly cpuCores: number;
  readonly restartMs: number;
}

async function costOf(size: number, operator: OperatorProcess): Promise<Cost> {
  const begin = performance.now();
  await createMany(Math.max(size - sandboxes.list().filter(isReady).length, 0));
  await untilReady(size);
  const fillSeconds = (performance.now() - begin) / 1_000;
  await delay(Number(values['quiet-seconds']) * 1_000);
  const seconds = Number(values['measure-seconds']);
  const before = operator.cpuSeconds();
  let peak = 0;
  for (let second = 0; second < seconds; second += 1) {
    await delay(1_000);
    peak = Math.max(peak, operator.memory());
  }
  const cpuCores = (operator.cpuSeconds() - before) / seconds;
  const memoryBytes = operator.memory();
  const restartMs = await restart(operator);
  const cost = { sandboxes: size, fillSeconds, memoryBytes, peakMemoryBytes: peak, cpuCores };
  return { ...cost, restartMs };
}

/** From the start of its container until it has made a pod for a sandbox that came while there was no operator. */
async function restart(operator: OperatorProcess): Promise<number> {
  await operator.kill();
  const name = await createSandbox();
  const begin = performance.now();
  await operator.start();
  await until(pods, () => pods.get({ namespace, name }) !== undefined);
  return performance.now() - begin;
}

/** How long after its deadline the pod of each of these sandboxes was deleted, in milliseconds. */
async function lateness(
  create: (wanted: number, timeouts: object) => Promise<string[]>,
  timeouts: object,
): Promise<number[]> {
  const dueAt = new Map<string, number>();
  const deletedAt = new Map<string, number>();
  const unsubscribe = pods.subscribe(({ type, object: { metadata } }) => {
    if (type !== 'deleted' && metadata.deletionTimestamp === undefined) return;
    if (!deletedAt.has(metadata.name)) deletedAt.set(metadata.name, Date.now());
  });
  const forget = sandboxes.subscribe(({ type, object }) => {
    // Before it is Ready it is idle since it was looked at last.
    if (type === 'deleted' || !isReady(object)) return;
    const due = object.status?.idleDeadline ?? object.status?.expiresAt;
    if (due !== undefined) dueAt.set(object.metadata.name, Date.parse(due));
  });
  const names = await create(Number(values.reaped), timeouts);
  await until(pods, () => names.every((name) => deletedAt.has(name)));
  unsubscribe();
  forget();
  await Promise.all(names.map((name) => client.delete(SANDBOXES, { namespace, name })));
  return names.map((name) => (deletedAt.get(name) ?? NaN) - (dueAt.get(name) ?? NaN));
}

const DEADLINES = {
  idle: { idleSeconds: 5, lifetimeSeconds: 0 },
  lifetime: { idleSeconds: 0, lifetimeSeconds: 30 },
};
const PACES = { 'five a second': createPaced, 'all at once': createMany };

/** Without an operator nobody takes the finalizers off. */
async function removeAll(): Promise<void> {
  const left = [...sandboxes.list()];
  const remover = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const patch = { kind: 'merge', body: { metadata: { finalizers: null } } } as const;
      await client.patch(SANDBOXES, refOf(next), patch).catch(unlessGone);
    }
  };
  await Promise.all(Array.from({ length: CREATORS }, remover));
  await client.delete(NAMESPACES, { namespace: '', name: namespace });
  await until(pods, () => pods.list().length === 0);
}

function unlessGone(error: unknown): void {
  if (!(error instanceof NotFoundError)) throw error;
}

const takenAt = new Date().toISOString();
await client.create(NAMESPACES, {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: namespace },
});
const node = await FakeNode.start(client, namespace);
const operator = await OperatorProcess.create(namespace);
try {
  sandboxes.start();
  pods.start();
  await client.create(SANDBOX_TEMPLATES, template());
  await operator.start();
  const costs: Cost[] = [];
  const late: { sandboxes: number; kind: string; milliseconds: number[] }[] = [];
  mkdirSync(values.out, { recursive: true });
  const file = path.join(values.out, 'scale.json');
  for (const size of values.sizes.split(',').map(Number)) {
    const cost = await costOf(size, operator);
    console.log(JSON.stringify(cost));
    costs.push(cost);
    for (const [deadline, timeouts] of Object.entries(DEADLINES))
      for (const [pace, create] of Object.entries(PACES)) {
        const milliseconds = await lateness(create, timeouts);
        const kind = `${deadline}, ${pace}`;
        console.log(`${kind}: at most ${String(Math.max(...milliseconds))} ms late`);
        late.push({ sandboxes: size, kind, milliseconds });
      }
    const kept = { takenAt, machine: machine(), costs, late };
    writeFileSync(file, `${JSON.stringify(kept, null, 1)}\n`);
  }
  console.log(`every figure: ${file}`);
} finally {
  await operator.kill();
  await removeAll();
  await sandboxes.stop();
  await pods.stop();
  await node.stop();
  await operator.remove();
  await client.close();
}
