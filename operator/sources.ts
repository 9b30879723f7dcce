import { isFinished } from '../crds/execution.ts';
import { isEnded, SANDBOXES } from '../crds/sandbox.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../crds/sandbox-template.ts';
import type { Change } from '../kube/cache.ts';
import { controllerOf, keyOf, refOf } from '../kube/objects.ts';
import type { Pod } from '../kube/pod.ts';
import { changed, deletionChanged, generationChanged } from '../kube/predicates.ts';
import { byController, self, watches } from '../kube/sources.ts';
import type { Source } from '../kube/sources.ts';
import { INDEX, sandboxKeyOf, templateKeyOf } from './caches.ts';
import type { Caches } from './caches.ts';
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
  ];
}

export function executionSources({ executions, sandboxes }: Caches): readonly Source[] {
  return [
    watches(executions, self),
    watches(
      sandboxes,
      (sandbox) =>
        executions
          .byIndex(INDEX.sandbox, keyOf(refOf(sandbox)))
          .filter((execution) => !isFinished(execution))
          .map(keyOfObject),
      changed(whatExecutionsLookAt),
    ),
  ];
}

/** Changes of how many sandboxes there are come after `delayMs`: many of them then cost one write. Members of a pool are looked at at once. */
export function templateSources(
  { templates, sandboxes, pods }: Caches,
  { expectations }: WarmPools,
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
  return [watches(templates, self, generationChanged), counts, members];
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
