import type { KubeClient } from './client.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { withDeadline } from './deadline.ts';
import { ConflictError, NotFoundError } from './errors.ts';
import { LEASES } from './lease.ts';
import type { Lease } from './lease.ts';
import type { Logger } from './logger.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { microTime } from './micro-time.ts';
import { keyOf } from './objects.ts';
import type { Draft, ObjectRef } from './objects.ts';
import { sleep } from './sleep.ts';

export interface LeaderElectionOptions {
  readonly client: KubeClient;
  readonly lease: ObjectRef;
  /** Of this process alone: a pod's name plus something random. */
  readonly identity: string;
  readonly logger: Logger;
  /** How long others leave a lease alone that is not renewed. Default 15 s. */
  readonly leaseDurationMs?: number;
  /** How long the holder goes on without a renewal; shorter, so that it stops before another begins. Default 10 s. */
  readonly renewDeadlineMs?: number;
  /** Between attempts. Default 2 s. */
  readonly retryPeriodMs?: number;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly metrics?: RuntimeMetrics;
}

type LeaseSpec = NonNullable<Lease['spec']>;

/** This process is not the leader any more; it must stop at once and best exits. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
  readonly code = 'LeaseLost';
  readonly retryable = false;
}

/**
 * Lets one process at a time hold a Lease. The other side's clock is never trusted: a lease counts as expired when this process has not seen it
 * change for its duration. This is not fencing: a paused process may believe for a moment that it still leads, so effects must be safe to run twice.
 */
export class LeaderElector {
  readonly #options: LeaderElectionOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #lost = new AbortController();
  readonly #stop = new AbortController();
  #seen: { readonly lease: Lease; readonly at: number } | undefined;
  #renewal: Promise<void> = Promise.resolve();
  #leading = false;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryPeriodMs = options.retryPeriodMs ?? 2_000;
    if (this.#leaseDurationMs <= this.#renewDeadlineMs) {
      throw new RangeError('the lease must last longer than its holder goes on without a renewal');
    }
  }

  get isLeader(): boolean {
    return this.#leading;
  }

  /** Of the lease that was seen last: one that was deleted and made anew counts its transitions from the beginning. */
  get leaseUid(): string {
    return this.#seen?.lease.metadata.uid ?? '';
  }

  /** How often the lease changed hands: a number that grows with every leader. */
  get transitions(): number {
    return this.#seen?.lease.spec?.leaseTransitions ?? 0;
  }

  /** Aborts, with a LeaseLostError, when a lease that was won is lost; not when it is released. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Resolves once this process leads, and keeps the lease renewed from then on; rejects when `signal` aborts first. */
  async acquire(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const startedAt = this.#clock.monotonic();
      if (await this.#attempt(signal, this.#renewDeadlineMs)) {
        this.#lead(startedAt);
        return;
      }
      await sleep(this.#clock, this.#retryPeriodMs * (1 + this.#random() / 5), signal);
    }
  }

  /** Gives the lease up, so that the next leader need not wait for it to expire. Never throws. */
  async release(): Promise<void> {
    this.#stop.abort();
    await this.#renewal;
    if (!this.#leading) return;
    this.#setLeading(false);
    try {
      const deadline = { clock: this.#clock, timeoutMs: this.#retryPeriodMs };
      await withDeadline(deadline, (signal) => this.#giveUp(signal));
    } catch (error) {
      this.#options.logger.warn('the lease could not be released and will expire', { error });
    }
  }

  #lead(renewedAt: number): void {
    this.#setLeading(true);
    this.#options.logger.info('became the leader', { transitions: this.transitions });
    this.#renewal = this.#keep(renewedAt);
  }

  async #keep(renewedAt: number): Promise<void> {
    let deadline = renewedAt + this.#renewDeadlineMs;
    for (;;) {
      const pause = Math.min(this.#retryPeriodMs, deadline - this.#clock.monotonic());
      await sleep(this.#clock, pause, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      // Counted from before the request: others may have seen the lease change that early.
      const startedAt = this.#clock.monotonic();
      const left = deadline - startedAt;
      if (left > 0 && (await this.#attempt(this.#stop.signal, left))) {
        deadline = startedAt + this.#renewDeadlineMs;
      } else if (this.#heldByOther() || this.#clock.monotonic() >= deadline) {
        this.#lose();
        return;
      }
    }
  }

  #lose(): void {
    this.#setLeading(false);
    const holder = this.#seen?.lease.spec?.holderIdentity ?? '';
    this.#lost.abort(new LeaseLostError(`the lease was lost (holder is now "${holder}")`));
  }

  /** Whether the lease is ours for another while; never throws. */
  async #attempt(signal: AbortSignal, leftMs: number): Promise<boolean> {
    // At most half of the deadline, so that one request that is never answered leaves time for another.
    const timeoutMs = Math.min(leftMs, this.#renewDeadlineMs / 2);
    try {
      const deadline = { clock: this.#clock, timeoutMs, signal };
      return await withDeadline(deadline, (inner) => this.#acquireOrRenew(inner));
    } catch (error) {
      if (!signal.aborted) this.#options.logger.warn('the lease could not be had', { error });
      return false;
    }
  }

  async #acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    if (this.#leading && (await this.#renew(signal))) return true;
    await this.#look(signal);
    if (this.#seen === undefined) {
      this.#see(await this.#options.client.create(LEASES, this.#draft(), signal));
      return true;
    }
    if (!this.#free()) return false;
    await this.#write(this.#seen.lease, this.#spec(this.#seen.lease), signal);
    return true;
  }

  /** The holder writes over what it wrote last, without a read; false when that is not what is there. */
  async #renew(signal: AbortSignal): Promise<boolean> {
    if (this.#seen === undefined) return false;
    try {
      await this.#write(this.#seen.lease, this.#spec(this.#seen.lease), signal);
      return true;
    } catch (error) {
      // Taken by another, deleted, or our own write whose answer was lost.
      if (error instanceof ConflictError || error instanceof NotFoundError) return false;
      throw error;
    }
  }

  async #giveUp(signal: AbortSignal): Promise<void> {
    // The stop may have cut off a renewal that the server carried out.
    await this.#look(signal);
    if (this.#seen === undefined || this.#heldByOther()) return;
    const { lease } = this.#seen;
    const free = { ...this.#spec(lease), holderIdentity: '', leaseDurationSeconds: 1 };
    await this.#write(lease, free, signal);
  }

  async #look(signal: AbortSignal): Promise<void> {
    try {
      this.#see(await this.#options.client.get(LEASES, this.#options.lease, signal));
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      this.#seen = undefined;
    }
  }

  /** Remembers the lease and, by our own clock, since when it is like this. */
  #see(lease: Lease): void {
    const same = this.#seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion;
    if (!same) this.#seen = { lease, at: this.#clock.monotonic() };
  }

  async #write(lease: Lease, spec: LeaseSpec, signal: AbortSignal): Promise<void> {
    this.#see(await this.#options.client.replace(LEASES, { ...lease, spec }, { signal }));
  }

  #free(): boolean {
    const unchangedMs = this.#clock.monotonic() - (this.#seen?.at ?? 0);
    return !this.#heldByOther() || unchangedMs >= this.#leaseDurationMs;
  }

  #heldByOther(): boolean {
    const holder = this.#seen?.lease.spec?.holderIdentity ?? '';
    return holder !== '' && holder !== this.#options.identity;
  }

  #draft(): Draft<Lease> & Pick<Lease, 'spec'> {
    const { namespace, name } = this.#options.lease;
    const metadata = { namespace, name };
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec: this.#spec(undefined),
    };
  }

  #spec(previous: Lease | undefined): LeaseSpec {
    const { identity } = this.#options;
    const now = microTime(this.#clock.now());
    const was = previous?.spec;
    const ours = was?.holderIdentity === identity;
    const transitions = was?.leaseTransitions ?? 0;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#leaseDurationMs / 1000),
      acquireTime: ours ? (was.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: ours || was === undefined ? transitions : transitions + 1,
    };
  }

  #setLeading(leading: boolean): void {
    this.#leading = leading;
    this.#options.metrics?.leader.set({ lease: keyOf(this.#options.lease) }, leading ? 1 : 0);
  }
}
