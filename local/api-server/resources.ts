import type { Clock } from '../../kube/clock.ts';
import {
  check,
  checkIdentity,
  checkNamespace,
  checkType,
  decoded,
  resourceSubject,
  type Attempt,
  type Update,
  type WriteOptions,
} from './admission.ts';
import { deletion, type DeleteOptions, type Deletion } from './deletion.ts';
import { alreadyExists, notFound, StatusError } from './errors.ts';
import { same } from './json.ts';
import type { Kind } from './kinds.ts';
import {
  withFields,
  withMeta,
  type ApiObject,
  type Meta,
  type Ref,
  type StoredObject,
} from './objects.ts';
import { boundPod } from './pods.ts';
import { resizedPod } from './pod-resize.ts';
import { previewOf, type Entry, type Storage } from './storage.ts';

/** The writes of the API, each of them atomic because nothing in it waits. All of them throw StatusErrors. */
export interface Resources {
  get(kind: Kind, ref: Ref): Entry;
  create(at: { kind: Kind; namespace: string }, object: ApiObject, options: WriteOptions): Entry;
  update(
    at: { kind: Kind; ref: Ref },
    update: Update,
    options: WriteOptions,
  ): { entry: Entry; created: boolean };
  delete(kind: Kind, ref: Ref, options: DeleteOptions): Deletion;
  /** Assigns a pod to a node, once. */
  bind(at: { kind: Kind; ref: Ref }, binding: Binding): void;
}

export interface Binding {
  readonly node: string;
  readonly now: string;
  readonly dryRun: boolean;
}

export interface ResourceDependencies {
  readonly storage: Storage;
  readonly clock: Clock;
  /** A fresh UUID. */
  readonly newUid: () => string;
  /** The random end of a generated name. */
  readonly newSuffix: () => string;
}

export function createResources(deps: ResourceDependencies): Resources {
  const { storage } = deps;
  const get = (kind: Kind, ref: Ref): Entry => {
    const entry = storage.get(kind.storage, ref);
    if (entry === undefined) throw notFound(resourceSubject(kind, ref.name));
    return entry;
  };
  const create: Resources['create'] = ({ kind, namespace }, given, options) => {
    checkType(kind, given);
    checkNamespace(storage, { kind, namespace }, given);
    if (given.metadata.resourceVersion !== undefined) {
      throw new StatusError({
        code: 500,
        reason: '',
        message: 'resourceVersion should not be set on objects to be created',
      });
    }
    const ref = { namespace, name: freeName(deps, { kind, namespace }, given) };
    const object = initial(deps, { kind, ref }, decoded(kind, given, options));
    check(kind, object, undefined);
    if (storage.get(kind.storage, ref) !== undefined)
      throw alreadyExists(resourceSubject(kind, ref.name));
    return options.dryRun
      ? previewOf(kind.storage, ref, object)
      : storage.put(kind.storage, ref, object);
  };
  const update: Resources['update'] = ({ kind, ref }, how, options) => {
    const current = storage.get(kind.storage, ref);
    if (current === undefined) {
      if (!how.creates || how.subresource !== '') throw notFound(resourceSubject(kind, ref.name));
      const object = withMeta(how.change(undefined), {
        uid: undefined,
        resourceVersion: undefined,
      });
      return { entry: create({ kind, namespace: ref.namespace }, object, options), created: true };
    }
    const given = how.change(kind.view?.fromStored(current.object) ?? current.object);
    checkType(kind, given);
    checkIdentity({ kind, current, how }, given);
    const object =
      how.subresource === 'resize'
        ? resizedPod(current.object, decoded(kind, given, options))
        : merged({ kind, current, how }, decoded(kind, given, options));
    if (how.subresource !== 'resize') check(kind, object, current.object);
    return { entry: saved(storage, { kind, current, object }, options), created: false };
  };
  return {
    get,
    create,
    update,
    delete: (kind, ref, options) =>
      deletion({ storage, now: () => deps.clock.now() }, { kind, entry: get(kind, ref) }, options),
    bind: ({ kind, ref }, binding) => {
      const entry = get(kind, ref);
      const bound = boundPod(entry.object, binding);
      if (!binding.dryRun) storage.put(kind.storage, ref, bound);
    },
  };
}

/** Kubernetes writes times to the second. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}

function freeName(
  deps: ResourceDependencies,
  { kind, namespace }: { kind: Kind; namespace: string },
  given: ApiObject,
): string {
  const { name, generateName } = given.metadata;
  if (name !== undefined || generateName === undefined) return name ?? '';
  let generated = '';
  do {
    // A name is at most 63 characters where it becomes a label, and so is a generated one.
    generated = generateName.slice(0, 58) + deps.newSuffix();
  } while (deps.storage.get(kind.storage, { namespace, name: generated }) !== undefined);
  return generated;
}

function initial(
  deps: ResourceDependencies,
  { kind, ref }: { kind: Kind; ref: Ref },
  given: ApiObject,
): ApiObject {
  const now = timestamp(deps.clock.now());
  const identified = withMeta(given, {
    name: ref.name === '' ? undefined : ref.name,
    namespace: kind.namespaced ? ref.namespace : undefined,
    uid: deps.newUid(),
    creationTimestamp: now,
    generation: kind.strategy.counted === undefined ? undefined : 1,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    selfLink: undefined,
    managedFields: managersOf(given, undefined),
  });
  return kind.strategy.beforeCreate(identified, now);
}

/** The object after the write: the part that the (sub)resource may change, on top of what only the server changes. */
function merged({ kind, current, how }: Attempt, given: ApiObject): StoredObject {
  const old = current.object;
  if (how.subresource === 'status') {
    const withStatus = withFields(old, { status: given['status'] });
    const { labels, annotations, finalizers } = given.metadata;
    const managedFields = managersOf(given, old) ?? old.metadata.managedFields;
    const written = kind.strategy.statusWritesMetadata
      ? { labels, annotations, finalizers, managedFields }
      : { managedFields };
    return withMeta(withStatus, written);
  }
  const {
    uid,
    resourceVersion,
    creationTimestamp,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  } = old.metadata;
  const { name, namespace, selfLink } = old.metadata;
  const allowed = kind.strategy.beforeUpdate(given, old);
  const kept = kind.hasStatus ? withFields(allowed, { status: old['status'] }) : allowed;
  const object = withMeta(kept, {
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    selfLink,
    managedFields: managersOf(given, old),
  });
  const stored: StoredObject = {
    ...object,
    metadata: { ...object.metadata, name, uid, resourceVersion, creationTimestamp },
  };
  const { counted } = kind.strategy;
  if (counted === undefined || same(counted(stored), counted(old))) return stored;
  return withMeta(stored, { generation: (generation ?? 0) + 1 });
}

/** Whoever writes one entry that says nothing has them forgotten (Server-Side Apply, "Clearing managedFields"); whoever writes none leaves them as they are. */
function managersOf(given: ApiObject, old: ApiObject | undefined): Meta['managedFields'] {
  const { managedFields = [] } = given.metadata;
  const [only, ...more] = managedFields;
  if (only === undefined) return old?.metadata.managedFields;
  return more.length === 0 && Object.keys(only).length === 0 ? undefined : managedFields;
}

interface Save {
  readonly kind: Kind;
  readonly current: Entry;
  readonly object: StoredObject;
}

/** Writes what differs, and removes what was only held by the finalizer that this write took away. */
function saved(storage: Storage, { kind, current, object }: Save, { dryRun }: WriteOptions): Entry {
  if (same(object, current.object)) return current;
  if (dryRun) return previewOf(kind.storage, current, object);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = object.metadata;
  const released =
    deletionTimestamp !== undefined &&
    deletionGracePeriodSeconds === 0 &&
    kind.strategy.heldBy(object).length === 0;
  if (!released) return storage.put(kind.storage, current, object);
  storage.remove({ ...current, object });
  return previewOf(kind.storage, current, object);
}
