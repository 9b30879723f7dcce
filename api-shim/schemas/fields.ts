import { z } from 'zod';
import { envName } from '../../crds/fields.ts';
import { LIMITS } from '../../crds/limits.ts';

/** Pieces of schema that several resources share. What is unknown in a body is ignored; what is known is checked. */

const NUMBER = /^-?\d+(\.\d+)?$/;

function fromText(value: unknown): unknown {
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : value;
}

/** A whole number; numeric text counts as one, in queries and, as clients of the reference expect, in bodies. */
export function integer(min: number, max: number) {
  return z.preprocess(fromText, z.int().min(min).max(max));
}

/** A number; numeric text counts as one. */
export function decimal(min: number, max: number) {
  return z.preprocess(fromText, z.number().min(min).max(max));
}

/** A whole number that is moved to the nearest bound instead of being refused. */
export function clampedInteger(min: number, max: number) {
  return z.preprocess(
    fromText,
    z.int().transform((value) => Math.min(Math.max(value, min), max)),
  );
}

/**
 * Any text can be an id, as in the reference, except what a path, a URL or a log line would read as something else.
 * Lone surrogates have no UTF-8 form, so two such ids would hash alike.
 */
export const restId = z
  .string()
  .min(1)
  .max(64)
  .regex(
    // The control characters one by one: not every reader of the document knows \p{Cc}.
    /^[^/\\\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/u,
    'must not contain a slash, a backslash or a control character',
  )
  .refine((id) => !id.includes('..') && id !== '.', 'must not be "." or contain ".."')
  .refine((id) => Buffer.from(id).toString() === id, 'must be well-formed Unicode');

/** Of all names and values of one object together, in UTF-8; what an Execution can hold must stay below etcd's limit. */
const ENV_BYTES = 65_536;

/** execve takes no NUL; a CRD could not say so. */
const envValue = z
  .string()
  .max(LIMITS.envValueCharacters)
  .refine((value) => !value.includes('\0'), 'must not contain a NUL character');

/** Before they are looked at one by one: each that is wrong is told. */
function refuseMany(value: unknown, context: z.RefinementCtx): unknown {
  const count = typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
  if (count > LIMITS.envVars) {
    const message = `must have at most ${String(LIMITS.envVars)} variables`;
    context.addIssue({ code: 'custom', message });
  }
  return value;
}

export const envVars = z
  .preprocess(refuseMany, z.record(envName, envValue))
  .refine(
    (env) => Buffer.byteLength(Object.entries(env).join('')) <= ENV_BYTES,
    `must have at most ${String(ENV_BYTES)} bytes`,
  )
  .meta({
    description: `Environment variables: at most ${String(LIMITS.envVars)}, together at most ${String(ENV_BYTES)} bytes.`,
    example: { GREETING: 'hello' },
  });

const DEEPEST_EVENT = 100;

/** An event is user data that others will parse too: bounded in bytes, and in depth because many parsers recurse. */
export const event = z
  .record(z.string(), z.unknown())
  .refine((value) => isWithinDepth(value, DEEPEST_EVENT), {
    message: `must not be nested deeper than ${String(DEEPEST_EVENT)} levels`,
    abort: true,
  })
  .refine(
    (value) => Buffer.byteLength(JSON.stringify(value)) <= LIMITS.eventBytes,
    `must have at most ${String(LIMITS.eventBytes)} bytes of JSON`,
  )
  .meta({
    description: 'Handed to the handler as its first argument.',
    example: { name: 'Alice' },
  });

function isWithinDepth(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isWithinDepth(inner, depth - 1));
}

export const timestamp = z.iso.datetime({ offset: true });

/** How a page of a list is asked for: too small or too large a limit is moved, not refused. */
export const paging = {
  limit: clampedInteger(1, 200)
    .default(50)
    .meta({ description: 'Length of a page; moved into 1 to 200.', override: { type: 'integer' } }),
  offset: clampedInteger(0, Number.MAX_SAFE_INTEGER)
    .default(0)
    .meta({ description: 'How many to skip; below 0 counts as 0.', override: { type: 'integer' } }),
};

/** The envelope of a page of `item`, with the item's example as an example. */
export function pageOf<T extends z.ZodType>(item: T, id: string) {
  const page = z.object({ items: z.array(item), ...envelope });
  return page.meta({ id, examples: [{ items: examplesOf(item), ...ONLY_PAGE }] });
}

const envelope = {
  total: z.int().min(0).meta({
    description:
      'Of all that fit the filters, on every page. Above 10,000 it may be five seconds old.',
  }),
  limit: z.int(),
  offset: z.int(),
  has_more: z.boolean(),
};
const ONLY_PAGE = { total: 1, limit: 50, offset: 0, has_more: false };

/** The envelope of a page of what is live and what is past. */
export function historyPageOf<T extends z.ZodType>(item: T, id: string) {
  const page = z.object({
    items: z.array(item),
    ...envelope,
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: 'Hand it back as cursor for the next page; null on the last one.' }),
    history: z.enum(['on', 'off', 'unavailable']).meta({
      description:
        'Whether what has left the cluster is listed too: off where no database is configured; unavailable while it does not answer.',
    }),
  });
  const example = { items: examplesOf(item), ...ONLY_PAGE, next_cursor: null, history: 'on' };
  return page.meta({ id, examples: [example] });
}

/** The examples that a schema was given. */
export function examplesOf(schema: z.ZodType): readonly unknown[] {
  const examples = schema.meta()?.['examples'];
  return Array.isArray(examples) ? examples : [];
}

export const ON_IDLE = ['terminate', 'suspend'] as const;

export const onIdle = z.enum(ON_IDLE).meta({
  description:
    'What becomes of a session when it was unused for its timeout; suspend keeps its files, and needs object storage.',
});
