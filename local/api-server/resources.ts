import type { Clock } from '../../kube/clock.ts';
import { NAMESPACES } from './builtin-kinds.ts';
import { deletion, type DeleteOptions, type Deletion } from './deletion.ts';
import {
  alreadyExists, badRequest, conflict, forbidden, invalid, invalidValue, notFound, StatusError, type Subject,
} from './errors.ts';
import { same } from './json.ts';
import { apiVersionOf, type Kind } from './kinds.ts';
import { boundPod } from './pods.ts';
import { metadataCauses, metadataChangeCauses } from './metadata-rules.ts';
import { withFields, withMeta, type ApiObject, type Ref, type StoredObject } from './objects.ts';
import { previewOf, type Entry, type Storage } from './storage.ts';

export interface WriteOptions {
  readonly dryRun: boolean;
  /** What becomes of fields that the schema does not know. */
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  /** Takes what the client should be told though its request succeeds. */
  readonly warn: (message: string) => void;
}

export interface Update {
  /** The object as it should be, made from what is there (in the form of the kind that was asked for). */
  readonly change: (current: StoredObject | undefined) => ApiObject;
  /** A replace: the client has to say which version it read. */
  readonly replaces: boolean;
  /** Create the object if there is none. */
  readonly creates: boolean;
  readonly subresource: '' | 'status';
}

/** The writes of the API, each of them atomic because nothing in it waits. All of them throw StatusErrors. */
export interface Resources {
  get(kind: Kind, ref: Ref): Entry;
  create(at: { kind: Kind; namespace: string }, object: ApiObject, options: WriteOptions): Entry;
  update(at: { kind: Kind; ref: Ref }, update: Update, options: WriteOptions): { entry: Entry; created: boolean };
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
      throw new StatusError({ code: 500, reason: '', message: 'resourceVersion should not be set on objects to be created' });
    }
    const ref = { namespace, name: freeName(deps, { kind, namespace }, given) };
    const object = initial(deps, { kind, ref }, decoded(kind, given, options));
    check(kind, object, undefined);
    if (storage.get(kind.storage, ref) !== undefined) throw alreadyExists(resourceSubject(kind, ref.name));
    return options.dryRun ? previewOf(kind.storage, ref, object) : storage.put(kind.storage, ref, object);
  };
  const update: Resources['update'] = ({ kind, ref }, how, options) => {
    const current = storage.get(kind.storage, ref);
    if (current === undefined) {
      if (!how.creates || how.subresource !== '') throw notFound(resourceSubject(kind, ref.name));
      const object = withMeta(how.change(undefined), { uid: undefined, resourceVersion: undefined });
      return { entry: create({ kind, namespace: ref.namespace }, object, options), created: true };
    }
    const given = how.change(kind.view?.fromStored(current.object) ?? current.object);
    checkType(kind, given);
    checkIdentity({ kind, current, how }, given);
    const object = merged({ kind, current, how }, decoded(kind, given, options));
    check(kind, object, current.object);
    return { entry: saved(storage, { kind, current, object }, options), created: false };
  };
  return {
    get,
    create,
    update,
    delete: (kind, ref, options) => deletion({ storage, now: () => deps.clock.now() }, { kind, entry: get(kind, ref) }, options),
    bind: ({ kind, ref }, binding) => {
      const entry = get(kind, ref);
      const bound = boundPod(entry.object, binding);
      if (!binding.dryRun) storage.put(kind.storage, ref, bound);
    },
  };
}

export function resourceSubject(kind: Kind, name?: string): Subject {
  return { group: kind.group, kind: kind.plural, ...(name === undefined ? {} : { name }) };
}

export function kindSubject(kind: Kind, name?: string): Subject {
  return { group: kind.group, kind: kind.kind, ...(name === undefined ? {} : { name }) };
}

/** Kubernetes writes times to the second. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}

function checkType(kind: Kind, given: ApiObject): void {
  const expected = apiVersionOf(kind);
  if (given.apiVersion !== expected) {
    throw badRequest(`the API version in the data (${given.apiVersion}) does not match the expected API version (${expected})`);
  }
  if (given.kind === kind.kind) return;
  const subject = { group: kind.group, kind: given.kind, name: given.metadata.name ?? '' };
  throw invalid(subject, [invalidValue('kind', given.kind, `must be ${kind.kind}`)]);
}

function checkNamespace(storage: Storage, { kind, namespace }: { kind: Kind; namespace: string }, given: ApiObject): void {
  if (!kind.namespaced) return;
  if ((given.metadata.namespace ?? namespace) !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const home = storage.get(NAMESPACES, { namespace: '', name: namespace });
  if (home === undefined) throw notFound({ group: '', kind: 'namespaces', name: namespace });
  if (home.object.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw forbidden(resourceSubject(kind, given.metadata.name ?? ''), why, [
    { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' },
  ]);
}

function freeName(deps: ResourceDependencies, { kind, namespace }: { kind: Kind; namespace: string }, given: ApiObject): string {
  const { name, generateName } = given.metadata;
  if (name !== undefined || generateName === undefined) return name ?? '';
  let generated = '';
  do {
    // A name is at most 63 characters where it becomes a label, and so is a generated one.
    generated = generateName.slice(0, 58) + deps.newSuffix();
  } while (deps.storage.get(kind.storage, { namespace, name: generated }) !== undefined);
  return generated;
}

/** The stored form of what the client sent. */
function decoded(kind: Kind, given: ApiObject, options: WriteOptions): ApiObject {
  const { object, unknown } = kind.strategy.decode(kind.view?.toStored(given) ?? given);
  const fields = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (fields.length > 0 && options.fieldValidation === 'Strict') {
    const version = JSON.stringify(kind.version);
    throw badRequest(`${kind.kind} in version ${version} cannot be handled as a ${kind.kind}: strict decoding error: ${fields.join(', ')}`);
  }
  if (options.fieldValidation === 'Warn') fields.forEach(options.warn);
  return object;
}

function initial(deps: ResourceDependencies, { kind, ref }: { kind: Kind; ref: Ref }, given: ApiObject): ApiObject {
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
  });
  return kind.strategy.beforeCreate(identified, now);
}

function check(kind: Kind, object: ApiObject, old: ApiObject | undefined): void {
  const causes = [
    ...metadataCauses(object.metadata),
    ...(old === undefined ? [] : metadataChangeCauses(object.metadata, old.metadata)),
    ...kind.strategy.validate(object, old),
  ];
  if (causes.length > 0) throw invalid(kindSubject(kind, object.metadata.name ?? ''), causes);
}

interface Attempt {
  readonly kind: Kind;
  readonly current: Entry;
  readonly how: Update;
}

function checkIdentity({ kind, current, how }: Attempt, given: ApiObject): void {
  const { name, namespace, uid, resourceVersion } = given.metadata;
  if ((name ?? current.name) !== current.name) {
    throw badRequest(`the name of the object (${String(name)}) does not match the name on the URL (${current.name})`);
  }
  if (kind.namespaced && (namespace ?? current.namespace) !== current.namespace) {
    throw badRequest(`the namespace of the object (${String(namespace)}) does not match the namespace on the URL (${current.namespace})`);
  }
  if (resourceVersion === undefined && !kind.strategy.unconditionalUpdate) {
    throw invalid(resourceSubject(kind, current.name), [invalidValue('metadata.resourceVersion', 0, 'must be specified for an update')]);
  }
  const own = current.object.metadata;
  if (resourceVersion !== undefined && resourceVersion !== own.resourceVersion) throw modified(kind, current.name);
  if (uid !== undefined && uid !== own.uid) throw otherUid({ kind, current, how }, uid);
}

function modified(kind: Kind, name: string): StatusError {
  return conflict(
    resourceSubject(kind, name),
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

function otherUid({ kind, current, how }: Attempt, uid: string): StatusError {
  const { name, object } = current;
  if (!how.replaces) return invalid(kindSubject(kind, name), [invalidValue('metadata.uid', uid, 'field is immutable')]);
  return conflict(
    resourceSubject(kind, name),
    `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${object.metadata.uid}`,
  );
}

/** The object after the write: the part that the (sub)resource may change, on top of what only the server changes. */
function merged({ kind, current, how }: Attempt, given: ApiObject): StoredObject {
  const old = current.object;
  if (how.subresource === 'status') {
    const withStatus = withFields(old, { status: given['status'] });
    const { labels, annotations, finalizers, managedFields } = given.metadata;
    const written = kind.strategy.statusWritesMetadata ? { labels, annotations, finalizers, managedFields } : { managedFields };
    return withMeta(withStatus, written);
  }
  const { uid, resourceVersion, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds } = old.metadata;
  const { name, namespace, selfLink } = old.metadata;
  const kept = kind.hasStatus ? withFields(given, { status: old['status'] }) : given;
  const object = withMeta(kept, {
    name, namespace, uid, resourceVersion, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds, selfLink,
  });
  const stored: StoredObject = { ...object, metadata: { ...object.metadata, name, uid, resourceVersion, creationTimestamp } };
  const { counted } = kind.strategy;
  if (counted === undefined || same(counted(stored), counted(old))) return stored;
  return withMeta(stored, { generation: (generation ?? 0) + 1 });
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
  const released = deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && kind.strategy.heldBy(object).length === 0;
  if (!released) return storage.put(kind.storage, current, object);
  storage.remove({ ...current, object });
  return previewOf(kind.storage, current, object);
}

