import { z } from 'zod';
import { badRequest } from './errors.ts';
import { isObject, type Json, type JsonObject } from './json.ts';

/** metadata.ownerReferences[] as the server checks and the garbage collector reads it. */
export interface Owner extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Metadata as a client may send it. */
export interface Meta extends JsonObject {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly Owner[];
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly JsonObject[];
}

/** Metadata of what is stored. */
export interface StoredMeta extends Meta {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
}

export interface ApiObject extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Meta;
}

export interface StoredObject extends ApiObject {
  readonly metadata: StoredMeta;
}

/** Where an object is; `namespace` is empty for kinds without one. */
export interface Ref {
  readonly namespace: string;
  readonly name: string;
}

const strings = z.record(z.string(), z.string());
const metadata = z.object({
  name: z.string().optional(),
  generateName: z.string().optional(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  deletionGracePeriodSeconds: z.number().optional(),
  labels: strings.optional(),
  annotations: strings.optional(),
  ownerReferences: z
    .array(
      z.object({
        apiVersion: z.string().default(''),
        kind: z.string().default(''),
        name: z.string().default(''),
        uid: z.string().default(''),
        controller: z.boolean().optional(),
        blockOwnerDeletion: z.boolean().optional(),
      }),
    )
    .optional(),
  finalizers: z.array(z.string()).optional(),
  managedFields: z.array(z.custom<JsonObject>(isObject)).optional(),
  selfLink: z.string().optional(),
});
const KNOWN: ReadonlySet<string> = new Set(Object.keys(metadata.shape));

/** An object out of a request's body; `unknown` names the metadata fields that were dropped. */
export function parseObject(body: JsonObject): { object: ApiObject; unknown: readonly string[] } {
  const { apiVersion, kind } = body;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    throw badRequest('the object provided is unrecognized: apiVersion and kind must be strings');
  }
  const given = present(isObject(body['metadata']) ? body['metadata'] : {});
  const parsed = metadata.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = ['metadata', ...(issue?.path ?? [])].join('.');
    throw badRequest(
      `${kind} in version ${JSON.stringify(apiVersion)} cannot be handled as a ${kind}: ${field}: ${issue?.message ?? 'not valid'}`,
    );
  }
  const unknown = Object.keys(given).filter((key) => !KNOWN.has(key));
  return {
    object: { ...body, apiVersion, kind, metadata: tidy(parsed.data) },
    unknown: unknown.map((key) => `metadata.${key}`),
  };
}

/** Null, "" and empty collections are what Go leaves out of metadata. */
function tidy(given: object): Meta {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return (
    value === undefined || value === '' || (isObject(value) && Object.keys(value).length === 0)
  );
}

function present(given: JsonObject): Record<string, Json | undefined> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

/** `object` with other fields beside its metadata; undefined takes a field away. */
export function withFields<T extends ApiObject>(object: T, fields: JsonObject): T {
  const changed: Record<string, Json | undefined> = { ...object, ...fields };
  for (const key of Object.keys(fields)) {
    if (changed[key] === undefined) Reflect.deleteProperty(changed, key);
  }
  return {
    ...changed,
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: object.metadata,
  } as T;
}

/** `object` with other metadata; undefined takes a field away. */
export function withMeta<T extends ApiObject>(
  object: T,
  fields: Partial<Record<keyof Meta, Json | undefined>>,
): T {
  const changed: Record<string, Json | undefined> = { ...object.metadata, ...fields };
  for (const key of Object.keys(fields)) {
    if (changed[key] === undefined) Reflect.deleteProperty(changed, key);
  }
  return { ...object, metadata: changed };
}
