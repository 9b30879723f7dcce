import { isFinished } from '../crds/execution.ts';
import type { Execution } from '../crds/execution.ts';
import { maxConcurrent, nextInQueue, takesTurn } from '../crds/execution-queue.ts';
import { isEnded, SANDBOXES } from '../crds/sandbox.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../crds/sandbox-template.ts';
import type { Change } from '../kube/cache.ts';
import { controllerOf, keyOf, parseKey, refOf } from '../kube/objects.ts';
import type { Pod } from '../kube/pod.ts';
import { changed, deletionChanged, generationChanged } from '../kube/predicates.ts';
import { byController, self, watches } from '../kube/sources.ts';
import type { Source } from '../kube/sources.ts';
import { INDEX, sandboxKeyOf, templateKeyOf } from './caches.ts';
import type { Caches } from './caches.ts';
import { isHandedOver } from './execution/handed-to.ts';
import type { InFlightRuns } from './execution/runs.ts';
import type { OwnWrites } from './own-writes.ts';
import { isStarting } from './sandbox-template/observe.ts';
import type { WarmPools } from './warm-pools.ts';

/** Which changes make which objects worth a look. */

export function sandboxSources(caches: Caches): readonly Source[] {
  const { sandboxes, templates, pods, executions } = caches;
  return [
    watches(sandboxes, self),
    watches(pods, byController(SANDBOXES)),
    watches(
      templates,
      (template) => sandboxes.byIndex(INDEX.template, keyOf(refOf(template))).map(keyOfObject),
      generationChanged,
    ),
    // A sandbox that is being deleted waits for its executions to go.
    watches(
      executions,
      (execution) => [sandboxKeyOf(execution)],
      (change) => change.type === 'deleted' || deletionChanged(change),
    ),
    // One that is to be suspended waits for the last of them, and one that is suspended for the next.
    watches(
      executions,
      (execution) => [sandboxKeyOf(execution)].filter((key) => isToRest(sandboxes, key)),
      changed(isFinished),
    ),
  ];
}

export function executionSources(
  caches: Caches,
  runs: InFlightRuns,
  sandboxWrites: OwnWrites<Sandbox>,
): readonly Source[] {
  const { executions, sandboxes, templates } = caches;
  const unfinishedIn = (sandbox: Sandbox): readonly string[] =>
    executions.byIndex(INDEX.unfinished, keyOf(refOf(sandbox))).map(keyOfObject);
  return [
    watches(executions, self),
    watches(sandboxes, unfinishedIn, changed(whatExecutionsLookAt)),
    // A run that waits for its sandbox to be Ready need not wait for the watch to tell us what we wrote ourselves.
    {
      subscribe: (enqueue) =>
        sandboxWrites.subscribe((change) => {
          if (changed(whatExecutionsLookAt)(change))
            unfinishedIn(change.object).forEach((key) => {
              enqueue(key);
            });
        }),
      keys: () => [],
    },
    watches(
      templates,
      (template) => sandboxes.byIndex(INDEX.template, keyOf(refOf(template))).flatMap(unfinishedIn),
      changed(({ spec }) => spec.executions),
    ),
    turns(caches, runs),
  ];
}

/** An execution that leaves makes room for those that wait in the same sandbox. */
function turns({ executions, sandboxes, templates }: Caches, runs: InFlightRuns): Source {
  const limitIn = (sandboxKey: string): number => {
    const sandbox = sandboxes.get(parseKey(sandboxKey));
    return maxConcurrent(sandbox && templates.get(parseKey(templateKeyOf(sandbox))));
  };
  return {
    subscribe: (enqueue) =>
      executions.subscribe((change) => {
        if (!hasLeft(change)) return;
        const sandboxKey = sandboxKeyOf(change.object);
        const waiting = executions.byIndex(INDEX.unfinished, sandboxKey);
        const limit = limitIn(sandboxKey);
        // With fewer than that nobody has waited.
        if (waiting.length < limit) return;
        const hasBegun = (execution: Execution): boolean => isHandedOver(execution, runs);
        for (const next of nextInQueue(waiting, hasBegun, limit)) enqueue(keyOfObject(next));
      }),
    keys: () => [],
  };
}

function hasLeft(change: Change<Execution>): boolean {
  if (change.type === 'deleted') return !isFinished(change.object);
  return change.type === 'updated' && takesTurn(change.previous) && !takesTurn(change.object);
}

/** Changes of how many sandboxes there are come after `delayMs`: many of them then cost one write. Members of a pool are looked at at once. */
export function templateSources(
  { templates, sandboxes, pods }: Pick<Caches, 'templates' | 'sandboxes' | 'pods'>,
  { expectations }: Pick<WarmPools, 'expectations'>,
  delayMs: number,
): readonly Source[] {
  const counts: Source = {
    subscribe: (enqueue) =>
      sandboxes.subscribe((change) => {
        if (!changed(isEnded)(change)) return;
        enqueue(templateKeyOf(change.object), { afterMs: delayMs });
      }),
    keys: () => [],
  };
  // While one starts a pool is not filled up. What comes right behind it, its first run, is not disturbed by that.
  const starts: Source = {
    subscribe: (enqueue) =>
      sandboxes.subscribe((change) => {
        if (change.type !== 'updated' || !isStarting(change.previous)) return;
        if (!isStarting(change.object))
          enqueue(templateKeyOf(change.object), { afterMs: AFTER_START_MS });
      }),
    keys: () => [],
  };
  const members: Source = {
    subscribe: (enqueue) =>
      pods.subscribe((change) => {
        const key = poolKeyOf(change);
        if (key === undefined) return;
        expectations.observe(key, change);
        enqueue(key);
      }),
    keys: () => [],
  };
  return [watches(templates, self, generationChanged), counts, starts, members];
}

const AFTER_START_MS = 100;

function isToRest(sandboxes: Caches['sandboxes'], key: string): boolean {
  return sandboxes.get(parseKey(key))?.spec.desiredState === 'Suspended';
}

/** The template whose pool a pod is in, or was until this change. */
function poolKeyOf(change: Change<Pod>): string | undefined {
  const before = change.type === 'updated' ? change.previous : change.object;
  const owner = [change.object, before]
    .map((pod) => controllerOf(pod))
    .find((reference) => reference?.kind === SANDBOX_TEMPLATES.kind);
  const namespace = change.object.metadata.namespace ?? '';
  return owner && keyOf({ namespace, name: owner.name });
}

function whatExecutionsLookAt({ metadata, spec, status }: Sandbox): unknown {
  return [
    metadata.deletionTimestamp,
    spec,
    status?.phase,
    status?.podUID,
    status?.conditions,
    status?.dependencies?.settledPodUID,
  ];
}

function keyOfObject(object: Parameters<typeof refOf>[0]): string {
  return keyOf(refOf(object));
}
