import { isDeepStrictEqual } from 'node:util';
import type { Patch } from './client.ts';

/**
 * The JSON merge patch (RFC 7386) that turns `before` into `after`, or undefined when they are equal.
 * Fields that are gone become null; lists are replaced whole, as the format demands; undefined counts as absent.
 */
export function mergePatchBetween(before: object, after: object): object | undefined {
  const patch: Record<string, unknown> = {};
  const old = new Map<string, unknown>(Object.entries(before));
  const next = new Map<string, unknown>(Object.entries(after));
  for (const key of new Set([...old.keys(), ...next.keys()])) {
    const change = valuePatch(old.get(key), next.get(key));
    if (change !== undefined) patch[key] = change;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function valuePatch(before: unknown, after: unknown): unknown {
  if (isDeepStrictEqual(before, after)) return undefined;
  if (after === undefined) return null;
  return isMap(before) && isMap(after) ? mergePatchBetween(before, after) : after;
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The merge patch for `object`'s status subresource, or undefined when its status is `next` already. */
export function statusPatch(object: { readonly status?: object }, next: object): Patch | undefined {
  const status = mergePatchBetween(object.status ?? {}, next);
  return status === undefined ? undefined : { kind: 'merge', body: { status } };
}
