import { z } from 'zod';
import { applied } from './apply.ts';
import {
  badRequest,
  invalid,
  methodNotAllowed,
  requiredValue,
  unsupportedMediaType,
} from './errors.ts';
import { isObject, textAt, type JsonObject } from './json.ts';
import type { Kind } from './kinds.ts';
import { parseObject, type ApiObject, type Ref } from './objects.ts';
import { isPatchType, patched, PATCH_TYPES } from './patch.ts';
import type { DeleteOptions } from './deletion.ts';
import type { Update, WriteOptions } from './admission.ts';
import type { Resources } from './resources.ts';
import type { Entry } from './storage.ts';

/** A request that changes something. */
export interface Write {
  readonly kind: Kind;
  readonly ref: Ref;
  readonly subresource: string;
  readonly query: URLSearchParams;
  /** Media type of the body. */
  readonly type: string;
  readonly body: string;
  /** Takes what the client should be told though its request succeeds. */
  readonly warn: (message: string) => void;
}

export function create(resources: Resources, write: Write): Entry {
  const { kind, ref } = write;
  const options = writeOptions(write);
  return resources.create(
    { kind, namespace: ref.namespace },
    received(write, write.body, options),
    options,
  );
}

export function replace(resources: Resources, write: Write): { entry: Entry; created: boolean } {
  const { kind, ref } = write;
  const options = writeOptions(write);
  const object = received(write, write.body, options);
  const update = {
    change: () => object,
    replaces: true,
    creates: kind.strategy.createOnUpdate,
    subresource: subresource(write),
  };
  return resources.update({ kind, ref }, update, options);
}

export function patch(
  resources: Resources,
  write: Write,
  now: string,
): { entry: Entry; created: boolean } {
  const { kind, ref, type, body, query } = write;
  const options = writeOptions(write);
  if (type === 'application/apply-patch+yaml') {
    const manager = fieldManager(query);
    const change = applied(
      { kind, manager, force: query.get('force') === 'true', subresource: write.subresource, now },
      body,
    );
    return resources.update(
      { kind, ref },
      { change, replaces: false, creates: true, subresource: subresource(write) },
      options,
    );
  }
  if (
    !isPatchType(type) ||
    (type === 'application/strategic-merge-patch+json' && !kind.strategy.strategicPatch)
  ) {
    throw unsupportedMediaType(
      PATCH_TYPES.filter((one) => kind.strategy.strategicPatch || !one.includes('strategic')),
    );
  }
  const change = (current: ApiObject | undefined): ApiObject =>
    object(patched(type, body, current ?? {}), options);
  return resources.update(
    { kind, ref },
    { change, replaces: false, creates: false, subresource: subresource(write) },
    options,
  );
}

function fieldManager(query: URLSearchParams): string {
  const manager = query.get('fieldManager') ?? '';
  if (manager !== '') return manager;
  throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, [
    requiredValue('fieldManager', 'is required for apply patch'),
  ]);
}

function subresource({ subresource: part }: Write): Update['subresource'] {
  if (part === '' || part === 'status' || part === 'resize') return part;
  throw methodNotAllowed();
}

export function writeOptions({ query, warn }: Write): WriteOptions {
  const fieldValidation = query.get('fieldValidation') ?? 'Warn';
  if (fieldValidation !== 'Ignore' && fieldValidation !== 'Warn' && fieldValidation !== 'Strict') {
    throw badRequest(
      `fieldValidation: Unsupported value: ${JSON.stringify(fieldValidation)}: supported values: "Ignore", "Strict", "Warn"`,
    );
  }
  return { dryRun: query.getAll('dryRun').includes('All'), fieldValidation, warn };
}

/** The object in a body of JSON, which is what every client of the API can send. */
export function received(
  { kind, type }: { readonly kind: Pick<Kind, 'kind'>; readonly type: string },
  body: string,
  options: WriteOptions,
): ApiObject {
  if (type !== 'application/json' && type !== '') throw unsupportedMediaType(['application/json']);
  const json = parsed(
    body,
    `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error`,
  );
  for (const key of ['kind', 'apiVersion']) {
    if (json[key] === undefined || json[key] === '') {
      const missing = key === 'kind' ? 'Kind' : key;
      throw badRequest(
        `the object provided is unrecognized (must be of type ${kind.kind}): Object '${missing}' is missing in '${body.slice(0, 1000)}'`,
      );
    }
  }
  return object(json, options);
}

function object(json: JsonObject, options: WriteOptions): ApiObject {
  const { object: found, unknown } = parseObject(json);
  if (unknown.length > 0 && options.fieldValidation === 'Strict') {
    throw badRequest(
      `${found.kind} cannot be handled as a ${found.kind}: strict decoding error: ${unknown.map((path) => `unknown field ${JSON.stringify(path)}`).join(', ')}`,
    );
  }
  return found;
}

function parsed(body: string, otherwise: string): JsonObject {
  try {
    const value: unknown = JSON.parse(body);
    if (isObject(value)) return value;
  } catch (error) {
    throw badRequest(`${otherwise}: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw badRequest(`${otherwise}: not an object`);
}

const deleteBody = z.object({
  gracePeriodSeconds: z.number().optional(),
  propagationPolicy: z.enum(['Foreground', 'Background', 'Orphan']).optional(),
  preconditions: z
    .object({ uid: z.string().optional(), resourceVersion: z.string().optional() })
    .default({}),
  dryRun: z.array(z.string()).optional(),
});

/** From the body, else from the query. */
export function deleteOptions({ query, body }: Pick<Write, 'query' | 'body'>): DeleteOptions {
  const wrong = 'the delete options are not valid';
  const given = deleteBody.safeParse(body.trim() === '' ? fromQuery(query) : parsed(body, wrong));
  if (!given.success) throw badRequest(`${wrong}: ${given.error.issues[0]?.message ?? ''}`);
  const { preconditions, dryRun = query.getAll('dryRun'), ...options } = given.data;
  return { ...options, ...preconditions, dryRun: dryRun.includes('All') };
}

function fromQuery(query: URLSearchParams): object {
  const grace = query.get('gracePeriodSeconds');
  const propagationPolicy = query.get('propagationPolicy') ?? undefined;
  return { ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }), propagationPolicy };
}

/** Binds a pod to a node, as a scheduler does: the only way to set `spec.nodeName` of a pod that exists. */
export function bind(resources: Resources, write: Write, now: string): void {
  const body = parsed(write.body, 'the binding is not valid');
  const { kind, ref } = write;
  resources.bind(
    { kind, ref },
    { node: textAt(body, 'target.name'), now, dryRun: writeOptions(write).dryRun },
  );
}
