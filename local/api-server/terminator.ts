import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { CRDS, NAMESPACES } from './builtin-kinds.ts';
import { CRD_FINALIZER } from './custom-kinds.ts';
import { objectAt } from './json.ts';
import { withFields, withMeta } from './objects.ts';
import type { Registry } from './registry.ts';
import type { Resources } from './resources.ts';
import type { Entry, Storage } from './storage.ts';

export interface TerminatorDependencies {
  readonly storage: Storage;
  readonly registry: Registry;
  readonly resources: Resources;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RETRY_MS = 1_000;

/** Empties deleted namespaces and deleted custom kinds, and lets them go once they are empty. Returns what stops it. */
export function startTerminator(deps: TerminatorDependencies): () => void {
  const { storage, clock } = deps;
  let cancel: (() => void) | undefined;
  // Most writes meet no deletion of this sort, and should not pay for looking.
  let waiting = false;
  const run = (): void => {
    cancel = undefined;
    for (const entry of terminating(storage)) emptyOrRetry(entry);
  };
  const schedule = (delayMs = 0): void => {
    waiting = terminating(storage).length > 0;
    if (waiting) cancel ??= clock.schedule(run, delayMs);
  };
  const emptyOrRetry = (entry: Entry): void => {
    try {
      empty(deps, entry);
    } catch (error) {
      deps.logger.error('what was deleted could not be emptied', { name: entry.name, error });
      schedule(RETRY_MS);
    }
  };
  storage.subscribe(({ entry }) => {
    if (waiting || entry.storage === NAMESPACES || entry.storage === CRDS) schedule();
  });
  schedule();
  return () => cancel?.();
}

function terminating(storage: Storage): readonly Entry[] {
  return [...storage.list(NAMESPACES, ''), ...storage.list(CRDS, '')].filter(
    (entry) => entry.object.metadata.deletionTimestamp !== undefined,
  );
}

function empty({ storage, registry, resources }: TerminatorDependencies, home: Entry): void {
  const within = registry
    .all()
    .filter((kind) => (home.storage === NAMESPACES ? kind.namespaced : kind.storage === home.name));
  const content = within.flatMap((kind) =>
    storage.list(kind.storage, home.storage === NAMESPACES ? home.name : ''),
  );
  for (const entry of content) {
    const kind = within.find((one) => one.storage === entry.storage);
    const there = storage.get(entry.storage, entry);
    if (
      kind !== undefined &&
      there?.object.metadata.deletionTimestamp === undefined &&
      there !== undefined
    ) {
      resources.delete(kind, entry, { dryRun: false });
    }
  }
  if (content.every((entry) => storage.get(entry.storage, entry) === undefined))
    letGo(storage, home);
}

function letGo(storage: Storage, home: Entry): void {
  const left = (home.object.metadata.finalizers ?? []).filter(
    (finalizer) => finalizer !== CRD_FINALIZER,
  );
  const freed = withMeta(home.object, { finalizers: left.length === 0 ? undefined : left });
  const object =
    home.storage === NAMESPACES
      ? withFields(freed, { spec: { ...objectAt(freed, 'spec'), finalizers: [] } })
      : freed;
  if (left.length === 0) storage.remove({ ...home, object });
  else storage.put(home.storage, home, object);
}
