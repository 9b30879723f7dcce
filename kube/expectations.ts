import type { Change } from './cache.ts';
import type { Clock } from './clock.ts';
import { keyOf, refOf } from './objects.ts';
import type { KubeObject, ObjectRef } from './objects.ts';

/** The creation of a child, to be expected before it is asked for: its event may be faster than the answer. */
export function creationOf(ref: ObjectRef): string {
  return `created ${keyOf(ref)}`;
}

/** The deletion of a child, told apart by UID from that of a namesake. */
export function deletionOf(object: KubeObject): string {
  return `deleted ${object.metadata.uid}`;
}

interface Expectation {
  readonly pending: Set<string>;
  expiresAt: number;
}

/**
 * Remembers which creations and deletions of children a controller has asked for and its cache has not shown yet. A controller that *counts* children
 * (a pool) must not decide before `satisfied`, or a cache that lags makes it create the same children again; one whose children have
 * deterministic names needs none of this.
 */
export class Expectations {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #byKey = new Map<string, Expectation>();

  /** After `ttlMs` an expectation is given up: its event was missed, and waiting longer would block the controller for good. */
  constructor(clock: Clock, ttlMs = 5 * 60_000) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  /** `what` is a `creationOf` or `deletionOf`; call it before the call to the API server. */
  expect(key: string, what: string): void {
    const expiresAt = this.#clock.monotonic() + this.#ttlMs;
    const known = this.satisfied(key) ? undefined : this.#byKey.get(key);
    const expectation = known ?? { pending: new Set<string>(), expiresAt };
    expectation.pending.add(what);
    expectation.expiresAt = expiresAt;
    this.#byKey.set(key, expectation);
  }

  /** It came about, or never will because the call failed. */
  settle(key: string, what: string): void {
    const expectation = this.#byKey.get(key);
    if (expectation === undefined) return;
    expectation.pending.delete(what);
    if (expectation.pending.size === 0) this.#byKey.delete(key);
  }

  /** Call it with every change of a child. */
  observe(key: string, change: Change<KubeObject>): void {
    const { object, type } = change;
    this.settle(key, type === 'deleted' ? deletionOf(object) : creationOf(refOf(object)));
  }

  satisfied(key: string): boolean {
    const expectation = this.#byKey.get(key);
    return expectation === undefined || this.#clock.monotonic() >= expectation.expiresAt;
  }

  /** The owner is gone. */
  forget(key: string): void {
    this.#byKey.delete(key);
  }
}
