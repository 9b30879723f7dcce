import type { Cause } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import type { ApiObject, StoredObject } from './objects.ts';

/** One column of a Table answer. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  /** Above zero: shown with `-o wide` only. */
  readonly priority?: number;
  readonly cell: (object: StoredObject, now: number) => Json | undefined;
}

export interface Decoded {
  readonly object: ApiObject;
  /** Paths of the fields that were dropped because the schema does not know them. */
  readonly unknown: readonly string[];
}

/** What distinguishes one kind from another in the way the server treats it. */
export interface Strategy {
  /** Drops unknown fields and fills defaults; throws a StatusError where the body cannot be of this kind at all. */
  readonly decode: (object: ApiObject) => Decoded;
  /** Sets what the server decides on a create. */
  readonly beforeCreate: (object: ApiObject, now: string) => ApiObject;
  /** Keeps what clients may not change though they send it. */
  readonly beforeUpdate: (object: ApiObject, old: StoredObject) => ApiObject;
  /** `old` is absent on a create. */
  readonly validate: (object: ApiObject, old: ApiObject | undefined) => readonly Cause[];
  /** The part whose changes `metadata.generation` counts; absent: the kind has no generation. */
  readonly counted?: (object: ApiObject) => Json;
  /** How long an object may take to go; `asked` is what the client wants. */
  readonly gracePeriodSeconds: (
    object: StoredObject,
    asked: number | undefined,
  ) => number | undefined;
  /** What keeps a deleted object from going: its finalizers. */
  readonly heldBy: (object: ApiObject) => readonly Json[];
  /** Marks an object whose deletion begins, beside its metadata. */
  readonly terminating: (object: StoredObject) => StoredObject;
  /** A replace without a resource version overwrites whatever is there. */
  readonly unconditionalUpdate: boolean;
  /** A replace of what does not exist creates it. */
  readonly createOnUpdate: boolean;
  /** A delete answers with the object even if it is gone. */
  readonly returnsDeleted: boolean;
  /** Understands strategic merge patches. */
  readonly strategicPatch: boolean;
  /** Metadata can be written through the status subresource. */
  readonly statusWritesMetadata: boolean;
  /** What a field selector may ask beside metadata.name and metadata.namespace. */
  readonly fields: Readonly<Record<string, (object: ApiObject) => string>>;
}

/** Where in a custom object the scale subresource finds its numbers: paths of fields. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** Empty: it tells no selector. */
  readonly labelSelector: readonly string[];
}

/** One served version of a resource. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** Where its objects are kept; two kinds with the same are views of the same objects. */
  readonly storage: string;
  readonly hasStatus: boolean;
  /** Absent: it cannot be scaled. */
  readonly scale?: ScalePaths;
  /** Its containers can be given other resources while they run. */
  readonly resizes?: boolean;
  readonly columns: readonly Column[];
  /** OpenAPI v3 schema of the whole object. */
  readonly schema: JsonObject;
  readonly strategy: Strategy;
  /** Between this view and the stored form; absent where they are the same. */
  readonly view?: {
    readonly toStored: (object: ApiObject) => ApiObject;
    readonly fromStored: (object: StoredObject) => StoredObject;
  };
}

export function apiVersionOf({ group, version }: { group: string; version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Built-in kinds differ from this in a line or two. */
export const PLAIN_STRATEGY: Strategy = {
  decode: (object) => ({ object, unknown: [] }),
  beforeCreate: (object) => object,
  beforeUpdate: (object) => object,
  validate: () => [],
  gracePeriodSeconds: () => undefined,
  heldBy: (object) => object.metadata.finalizers ?? [],
  terminating: (object) => object,
  unconditionalUpdate: true,
  createOnUpdate: false,
  returnsDeleted: false,
  strategicPatch: true,
  statusWritesMetadata: true,
  fields: {},
};
