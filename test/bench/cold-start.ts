import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { API_VERSION } from '../../crds/names.ts';
import { SANDBOXES, sandboxSpec, type Sandbox } from '../../crds/sandbox.ts';
import type { KubeClient } from '../../kube/client.ts';
import { createHttpClient } from '../../kube/http-client.ts';
import { loadKubeConfig } from '../../kube/kube-config.ts';
import { refOf, type Draft, type KubeObject, type ResourceType } from '../../kube/objects.ts';
import { PODS, type Pod } from '../../kube/pod.ts';
import { momentsOfAKubelet } from './arrivals.ts';
import { machine } from './machine.ts';
import { printTable } from './print-table.ts';
import { measure } from './series.ts';
import { summarize } from './statistics.ts';

/**
 * Times the cold start of a sandbox, create to Ready, beside that of a bare pod of the same shape, in turn on the same cluster. Needs an installed chart.
 */
const { values } = parseArgs({
  options: {
    namespace: { type: 'string', default: 'sandboxes' },
    rounds: { type: 'string', default: '20' },
    out: { type: 'string', default: 'test/bench/results' },
  },
});
const { namespace } = values;
const WATCH_SECONDS = 120;

function isReady(object: KubeObject): boolean {
  const { status } = withConditions.parse(object);
  return status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
}

const withConditions = z.object({
  status: z
    .object({
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .prefault({}),
});

/** Creates the object and waits for its Ready condition by watch, as a client would. */
async function startOf<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  draft: Draft<T>,
): Promise<T> {
  const created = await client.create(type, draft);
  const { name, resourceVersion } = created.metadata;
  const end = new AbortController();
  const events = client.watch(type, {
    namespace,
    fieldSelector: `metadata.name=${name}`,
    resourceVersion,
    timeoutSeconds: WATCH_SECONDS,
    signal: end.signal,
  });
  try {
    for await (const event of events) {
      if (event.type === 'BOOKMARK') continue;
      if (isReady(event.object)) return event.object;
    }
    throw new Error(`${type.kind} ${name} was not Ready in time`);
  } finally {
    end.abort();
  }
}

let count = 0;
function nextName(kind: string): string {
  count += 1;
  return `bench-${kind}-${Date.now().toString(36)}-${String(count)}`;
}

function sandboxDraft(): Draft<Sandbox> {
  const resources = { cpu: '500m', memory: '256Mi', disk: '256Mi' };
  return {
    apiVersion: API_VERSION,
    kind: SANDBOXES.kind,
    metadata: { name: nextName('sandbox'), namespace },
    spec: sandboxSpec.parse({ templateRef: { name: 'python-basic' }, resources }),
  };
}

/** The pod of a sandbox without the sandbox: what its container runs only waits. */
function barePodDraft({ spec }: Pod): Draft<Pod> {
  const { nodeName: _, ...rest } = spec;
  const containers = spec.containers.map((container) => ({
    ...container,
    command: ['sleep', '3600'],
  }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: nextName('pod'), namespace },
    spec: { ...rest, containers },
  };
}

async function startAndEnd<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  draft: Draft<T>,
): Promise<void> {
  ended.push(() => client.delete(type, { namespace, name: draft.metadata.name ?? '' }));
  await startOf(client, type, draft);
}

/** Deleting is no part of a start: it happens between the samples. */
const untilNext = momentsOfAKubelet();
const ended: (() => Promise<void>)[] = [];
async function tidy(): Promise<void> {
  await Promise.all(ended.splice(0).map((end) => end()));
  await delay(untilNext());
}

const client = createHttpClient(loadKubeConfig());
try {
  const model = await startOf(client, SANDBOXES, sandboxDraft());
  const pod = await client.get(PODS, { namespace, name: model.status?.podName ?? '' });
  const bare = (): Draft<Pod> => barePodDraft(pod);
  const measured = await measure(
    [
      {
        name: 'bare pod: create -> Ready',
        prepare: tidy,
        once: () => startAndEnd(client, PODS, bare()),
      },
      {
        name: 'cold sandbox: create -> Ready',
        prepare: tidy,
        once: () => startAndEnd(client, SANDBOXES, sandboxDraft()),
      },
    ],
    { rounds: Number(values.rounds), warmup: 2 },
  );
  await tidy();
  await client.delete(SANDBOXES, refOf(model));
  printTable(measured);
  const [base, cold] = measured.map(({ milliseconds }) => summarize(milliseconds).p50);
  console.log(`\nratio of the medians: ${((cold ?? 0) / (base ?? 1)).toFixed(2)}`);
  mkdirSync(values.out, { recursive: true });
  const file = path.join(values.out, 'cluster-cold-start.json');
  const all = { takenAt: new Date().toISOString(), machine: machine(), measured };
  writeFileSync(file, `${JSON.stringify(all, null, 1)}\n`);
  console.log(`every sample: ${file}`);
} finally {
  await client.close();
}
