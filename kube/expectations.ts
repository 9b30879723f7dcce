import type { Change } from './cache.ts';
import type { Clock } from './clock.ts';
import type { KubeObject } from './objects.ts';

interface Expectation {
  readonly created: Set<string>;
  readonly deleted: Set<string>;
  expiresAt: number;
}

/**
 * Remembers which creations and deletions of children a controller has asked for and its cache has not shown yet. A controller that *counts* children
 * (a pool) must not decide before `satisfied`, or a cache that lags makes it create the same children again; one whose children have
 * deterministic names needs none of this. Children are known by UID.
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

  expectCreated(key: string, child: KubeObject): void {
    this.#of(key).created.add(child.metadata.uid);
  }

  expectDeleted(key: string, child: KubeObject): void {
    this.#of(key).deleted.add(child.metadata.uid);
  }

  /** Call it with every change of a child. An object seen, alive or dead, has been created. */
  observe(key: string, change: Change<KubeObject>): void {
    const expectation = this.#byKey.get(key);
    if (expectation === undefined) return;
    const { uid } = change.object.metadata;
    expectation.created.delete(uid);
    if (change.type === 'deleted') expectation.deleted.delete(uid);
    if (expectation.created.size + expectation.deleted.size === 0) this.#byKey.delete(key);
  }

  satisfied(key: string): boolean {
    const expectation = this.#byKey.get(key);
    return expectation === undefined || this.#clock.now() >= expectation.expiresAt;
  }

  /** The owner is gone. */
  forget(key: string): void {
    this.#byKey.delete(key);
  }

  #of(key: string): Expectation {
    const expiresAt = this.#clock.now() + this.#ttlMs;
    const known = this.#byKey.get(key);
    if (known !== undefined && !this.satisfied(key)) {
      known.expiresAt = expiresAt;
      return known;
    }
    const fresh: Expectation = { created: new Set(), deleted: new Set(), expiresAt };
    this.#byKey.set(key, fresh);
    return fresh;
  }
}
