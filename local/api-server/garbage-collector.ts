import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { FOREGROUND, ORPHAN, type Propagation } from './deletion.ts';
import type { Kind } from './kinds.ts';
import { withMeta, type Owner } from './objects.ts';
import type { Registry } from './registry.ts';
import type { Resources } from './resources.ts';
import type { Change, Entry, Storage } from './storage.ts';

export interface GarbageCollectorDependencies {
  readonly storage: Storage;
  readonly registry: Registry;
  readonly resources: Resources;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A full disk, say, may have room again by then. */
const RETRY_MS = 1_000;

/** Deletes what has owners and whose owners are all gone; also what lost its owners while the server was down. Returns what stops it. */
export function startGarbageCollector(deps: GarbageCollectorDependencies): () => void {
  const objects = new Map<string, Entry>();
  const dependents = new Map<string, Set<string>>();
  const due = new Set<string>();
  let cancel: (() => void) | undefined;
  const collector = collectorOf(deps, { objects, dependents });
  const runDue = (): void => {
    cancel = undefined;
    const uids = [...due];
    due.clear();
    for (const uid of uids) collectOrRetry(uid);
  };
  const look = (uid: string, delayMs = 0): void => {
    due.add(uid);
    cancel ??= deps.clock.schedule(runDue, delayMs);
  };
  const collectOrRetry = (uid: string): void => {
    try {
      collector(uid);
    } catch (error) {
      deps.logger.error('an object could not be collected', { uid, error });
      look(uid, RETRY_MS);
    }
  };
  const see = (change: Change): void => {
    index({ objects, dependents }, change);
    for (const uid of affected(dependents, change)) look(uid);
  };
  for (const storage of new Set(deps.registry.all().map((kind) => kind.storage))) {
    for (const entry of deps.storage.list(storage, ''))
      see({ type: 'ADDED', entry, previous: undefined });
  }
  deps.storage.subscribe(see);
  return () => cancel?.();
}

interface Index {
  /** By UID. */
  readonly objects: Map<string, Entry>;
  /** UIDs of dependents by their owner's. */
  readonly dependents: Map<string, Set<string>>;
}

function ownersOf(entry: Entry | undefined): readonly Owner[] {
  return entry?.object.metadata.ownerReferences ?? [];
}

function index({ objects, dependents }: Index, { type, entry, previous }: Change): void {
  const { uid } = entry.object.metadata;
  if (type === 'DELETED') objects.delete(uid);
  else objects.set(uid, entry);
  for (const owner of ownersOf(previous)) {
    const left = dependents.get(owner.uid);
    left?.delete(uid);
    if (left?.size === 0) dependents.delete(owner.uid);
  }
  if (type === 'DELETED') return;
  for (const owner of ownersOf(entry)) {
    const kept = dependents.get(owner.uid) ?? new Set();
    dependents.set(owner.uid, kept.add(uid));
  }
}

/** UIDs of the objects whose fate a change may decide. */
function affected(dependents: Index['dependents'], { type, entry }: Change): readonly string[] {
  const { uid, deletionTimestamp } = entry.object.metadata;
  const owners = ownersOf(entry).map((owner) => owner.uid);
  if (type === 'DELETED') return [...(dependents.get(uid) ?? []), ...owners];
  const waits = deletionTimestamp !== undefined ? [uid, ...(dependents.get(uid) ?? [])] : [];
  return owners.length > 0 ? [uid, ...waits] : waits;
}

function collectorOf(
  { storage, registry, resources }: GarbageCollectorDependencies,
  { objects, dependents }: Index,
): (uid: string) => void {
  const kindOf = (entry: Entry): Kind | undefined =>
    registry.all().find((kind) => kind.storage === entry.storage);
  const dependentsOf = (uid: string): readonly Entry[] =>
    [...(dependents.get(uid) ?? [])]
      .map((one) => objects.get(one))
      .filter((one) => one !== undefined);
  const remove = (entry: Entry, propagationPolicy: Propagation | undefined): void => {
    const kind = kindOf(entry);
    if (kind !== undefined) resources.delete(kind, entry, { dryRun: false, propagationPolicy });
  };
  const write = (entry: Entry, fields: Parameters<typeof withMeta>[1]): void => {
    const object = withMeta(entry.object, fields);
    const deleting = object.metadata.deletionTimestamp !== undefined;
    const held = kindOf(entry)?.strategy.heldBy(object) ?? [];
    if (deleting && held.length === 0) storage.remove({ ...entry, object });
    else storage.put(entry.storage, entry, object);
  };
  const disown = (entry: Entry, lost: (owner: Owner) => boolean): void => {
    const left = ownersOf(entry).filter((owner) => !lost(owner));
    write(entry, { ownerReferences: left.length === 0 ? undefined : left });
  };
  const release = (entry: Entry, finalizer: string): void => {
    const left = (entry.object.metadata.finalizers ?? []).filter((one) => one !== finalizer);
    write(entry, { finalizers: left.length === 0 ? undefined : left });
  };
  const finish = (entry: Entry): void => {
    const { uid, finalizers = [] } = entry.object.metadata;
    if (finalizers.includes(ORPHAN)) {
      for (const one of dependentsOf(uid)) disown(one, (owner) => owner.uid === uid);
      release(entry, ORPHAN);
    } else if (
      finalizers.includes(FOREGROUND) &&
      !dependentsOf(uid).some((one) => blocks(one, uid))
    )
      release(entry, FOREGROUND);
  };
  return (uid) => {
    const entry = objects.get(uid);
    if (entry === undefined) return;
    if (entry.object.metadata.deletionTimestamp !== undefined) {
      finish(entry);
      return;
    }
    const owners = ownersOf(entry);
    const living = owners.filter((owner) => isOwner(objects.get(owner.uid), entry));
    const solid = living.filter((owner) => !waitsForDependents(objects.get(owner.uid)));
    if (owners.length === 0 || solid.length === owners.length) return;
    if (solid.length > 0) disown(entry, (owner) => !solid.includes(owner));
    else
      remove(entry, living.length > 0 && dependentsOf(uid).length > 0 ? 'Foreground' : undefined);
  };
}

/** An owner is in the same namespace or in none. */
function isOwner(owner: Entry | undefined, entry: Entry): boolean {
  return owner !== undefined && (owner.namespace === '' || owner.namespace === entry.namespace);
}

function waitsForDependents(owner: Entry | undefined): boolean {
  const { deletionTimestamp, finalizers = [] } = owner?.object.metadata ?? {};
  return deletionTimestamp !== undefined && finalizers.includes(FOREGROUND);
}

function blocks(dependent: Entry, uid: string): boolean {
  return ownersOf(dependent).some(
    (owner) => owner.uid === uid && owner.blockOwnerDeletion === true,
  );
}
