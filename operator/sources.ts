import { isFinished } from '../crds/execution.ts';
import { isEnded, SANDBOXES } from '../crds/sandbox.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import { keyOf, refOf } from '../kube/objects.ts';
import { changed, deletionChanged, generationChanged } from '../kube/predicates.ts';
import { byController, self, watches } from '../kube/sources.ts';
import type { Source } from '../kube/sources.ts';
import { INDEX, sandboxKeyOf, templateKeyOf } from './caches.ts';
import type { Caches } from './caches.ts';

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

/** Changes of how many sandboxes there are come after `delayMs`: many of them then cost one write. */
export function templateSources(caches: Caches, delayMs: number): readonly Source[] {
  const counts: Source = {
    subscribe: (enqueue) =>
      caches.sandboxes.subscribe((change) => {
        if (!changed(isEnded)(change)) return;
        enqueue(templateKeyOf(change.object), { afterMs: delayMs });
      }),
    keys: () => [],
  };
  return [watches(caches.templates, self, generationChanged), counts];
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
