import { NAMESPACES } from './builtin-kinds.ts';
import {
  badRequest,
  conflict,
  forbidden,
  invalid,
  invalidValue,
  notFound,
  type StatusError,
  type Subject,
} from './errors.ts';
import { apiVersionOf, type Kind } from './kinds.ts';
import { metadataCauses, metadataChangeCauses } from './metadata-rules.ts';
import type { ApiObject, StoredObject } from './objects.ts';
import type { Entry, Storage } from './storage.ts';

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
  readonly subresource: '' | 'status' | 'resize';
}

export function resourceSubject(kind: Kind, name?: string): Subject {
  return { group: kind.group, kind: kind.plural, ...(name === undefined ? {} : { name }) };
}

export function kindSubject(kind: Kind, name?: string): Subject {
  return { group: kind.group, kind: kind.kind, ...(name === undefined ? {} : { name }) };
}

/** Refuses an object of another kind or version than the path's. */
export function checkType(kind: Kind, given: ApiObject): void {
  const expected = apiVersionOf(kind);
  if (given.apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${given.apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  if (given.kind === kind.kind) return;
  const subject = { group: kind.group, kind: given.kind, name: given.metadata.name ?? '' };
  throw invalid(subject, [invalidValue('kind', given.kind, `must be ${kind.kind}`)]);
}

/** Refuses to create in another namespace, one that is not there, or one that is being emptied. */
export function checkNamespace(
  storage: Storage,
  { kind, namespace }: { kind: Kind; namespace: string },
  given: ApiObject,
): void {
  if (!kind.namespaced) return;
  if ((given.metadata.namespace ?? namespace) !== namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  const home = storage.get(NAMESPACES, { namespace: '', name: namespace });
  if (home === undefined) throw notFound({ group: '', kind: 'namespaces', name: namespace });
  if (home.object.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw forbidden(resourceSubject(kind, given.metadata.name ?? ''), why, [
    {
      reason: 'NamespaceTerminating',
      message: `namespace ${namespace} is being terminated`,
      field: 'metadata.namespace',
    },
  ]);
}

/** The stored form of what the client sent. */
export function decoded(kind: Kind, given: ApiObject, options: WriteOptions): ApiObject {
  const { object, unknown } = kind.strategy.decode(kind.view?.toStored(given) ?? given);
  const fields = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (fields.length > 0 && options.fieldValidation === 'Strict') {
    const version = JSON.stringify(kind.version);
    throw badRequest(
      `${kind.kind} in version ${version} cannot be handled as a ${kind.kind}: strict decoding error: ${fields.join(', ')}`,
    );
  }
  if (options.fieldValidation === 'Warn') fields.forEach(options.warn);
  return object;
}

/** Throws what the kind and the rules of metadata hold against an object; `old` is absent on a create. */
export function check(kind: Kind, object: ApiObject, old: ApiObject | undefined): void {
  const causes = [
    ...metadataCauses(object.metadata),
    ...(old === undefined ? [] : metadataChangeCauses(object.metadata, old.metadata)),
    ...kind.strategy.validate(object, old),
  ];
  if (causes.length > 0) throw invalid(kindSubject(kind, object.metadata.name ?? ''), causes);
}

/** An update of `current`. */
export interface Attempt {
  readonly kind: Kind;
  readonly current: Entry;
  readonly how: Update;
}

/** Refuses an update of another object, or of another version of it, than the one that is there. */
export function checkIdentity(attempt: Attempt, given: ApiObject): void {
  checkPlace(attempt, given);
  const { kind, current } = attempt;
  const { uid, resourceVersion } = given.metadata;
  const own = current.object.metadata;
  if (resourceVersion === undefined && !kind.strategy.unconditionalUpdate) {
    throw invalid(resourceSubject(kind, current.name), [
      invalidValue('metadata.resourceVersion', 0, 'must be specified for an update'),
    ]);
  }
  if ((resourceVersion ?? own.resourceVersion) !== own.resourceVersion) {
    throw modified(kind, current.name);
  }
  if (uid !== undefined && uid !== own.uid) throw otherUid(attempt, uid);
}

function checkPlace({ kind, current }: Attempt, given: ApiObject): void {
  const { name = current.name, namespace = current.namespace } = given.metadata;
  if (name !== current.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${current.name})`,
    );
  }
  if (kind.namespaced && namespace !== current.namespace) {
    throw badRequest(
      `the namespace of the object (${namespace}) does not match the namespace on the URL (${current.namespace})`,
    );
  }
}

function modified(kind: Kind, name: string): StatusError {
  return conflict(
    resourceSubject(kind, name),
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

function otherUid({ kind, current, how }: Attempt, uid: string): StatusError {
  const { name, object } = current;
  if (!how.replaces)
    return invalid(kindSubject(kind, name), [
      invalidValue('metadata.uid', uid, 'field is immutable'),
    ]);
  return conflict(
    resourceSubject(kind, name),
    `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${object.metadata.uid}`,
  );
}
