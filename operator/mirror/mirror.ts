import { Backoff } from '../../kube/backoff.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Change } from '../../kube/cache.ts';
import type { Logger } from '../../kube/logger.ts';
import { refOf, type KubeObject } from '../../kube/objects.ts';
import { sleep } from '../../kube/sleep.ts';
import type { Database } from '../../storage/history/database.ts';
import { type HistoryError, historyError } from '../../storage/history/errors.ts';
import { applyMigrations } from '../../storage/history/migrations.ts';
import { HistoryWriter, type Term } from '../../storage/history/writer.ts';
import type { Caches } from '../caches.ts';
import type { Archive } from './archive.ts';
import { Backlog, type Entry, type Subject } from './backlog.ts';
import { catchUp } from './catch-up.ts';
import type { MirrorMetrics } from './metrics.ts';
import { rowsOf } from './rows.ts';

export interface MirrorOptions {
  readonly database: Database;
  /** Of the objects in the caches. */
  readonly namespace: string;
  readonly caches: Caches;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: MirrorMetrics;
  /** Of the lease, once it is held. */
  readonly term: () => Term;
  readonly onKept: (subject: Subject) => void;
}

/** Changes are gathered for so long: an object that changes twice in a row is written once. */
const GATHER_MS = 25;
const BACKOFF = { baseMs: 100, maxMs: 15_000 };

/**
 * Keeps a row for every object of the caches, beside the controllers and never in their way: they write to the API server, it reads the caches and writes to
 * the database. It writes nothing to the API server.
 */
export class Mirror implements Archive {
  readonly backlog = new Backlog();
  readonly #options: MirrorOptions;
  readonly #writer: HistoryWriter;
  readonly #stop = new AbortController();
  readonly #kept = new Map<string, string>();
  readonly #unsubscribe: (() => void)[] = [];
  #running: Promise<void> = Promise.resolve();
  #flushed = new AbortController();
  #fence: number | undefined;
  #isCaughtUp = false;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#writer = new HistoryWriter(options.database, options.namespace);
  }

  /** Begins; the caches are synced and the lease is held by now. */
  start(): void {
    const { sandboxes, templates, executions } = this.#options.caches;
    this.#unsubscribe.push(
      sandboxes.subscribe((change) => {
        this.#note({ table: 'sandboxes', object: change.object }, change);
      }),
      templates.subscribe((change) => {
        this.#note({ table: 'templates', object: change.object }, change);
      }),
      executions.subscribe((change) => {
        this.#note({ table: 'executions', object: change.object }, change);
      }),
    );
    this.#running = this.#run(this.#stop.signal);
  }

  /** Takes in nothing more and writes what waits, as far as that is possible within the grace time. */
  async stop(graceMs = 5_000): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    if (this.#isCaughtUp && this.backlog.size > 0) {
      await sleep(this.#options.clock, graceMs, this.#flushed.signal);
    }
    this.abort();
    await this.#running;
  }

  /** Writes nothing more: another one leads. */
  abort(): void {
    this.#stop.abort();
  }

  isKept({ metadata }: KubeObject): boolean {
    return this.#kept.get(metadata.uid) === metadata.resourceVersion;
  }

  /** Not what is gone already: a reconcile may have looked before it went, and its row would be open for ever. */
  keep(subject: Subject): void {
    const { metadata } = subject.object;
    const current = this.#options.caches[subject.table].get(refOf(subject.object));
    if (current?.metadata.uid !== metadata.uid) return;
    this.backlog.note(subject, this.#options.clock.monotonic(), { expired: true });
  }

  #note(subject: Subject, { type }: Change<KubeObject>): void {
    const gone = type === 'deleted';
    if (gone) this.#kept.delete(subject.object.metadata.uid);
    this.backlog.note(subject, this.#options.clock.monotonic(), { gone });
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random, metrics } = this.#options;
    const backoff = new Backoff(BACKOFF, random);
    for (;;) {
      try {
        await this.#prepare(signal);
        await this.#writeOnce(signal);
        metrics.connected(true);
        backoff.reset();
      } catch (error) {
        if (!this.#bear(historyError(error))) return;
        await sleep(clock, backoff.next(), signal);
      }
      if (signal.aborted) return;
    }
  }

  /** Whatever the database lost or missed while it was away is made up for before anything new is written. */
  async #prepare(signal: AbortSignal): Promise<void> {
    if (this.#isCaughtUp) return;
    const { database, caches, clock, term, logger } = this.#options;
    await applyMigrations(database, signal);
    this.#fence = await this.#writer.claim(term());
    const { backlog } = this;
    await catchUp({ writer: this.#writer, caches, backlog, clock, fence: this.#fence }, signal);
    this.#isCaughtUp = true;
    logger.info('history is connected', { fence: this.#fence, backlog: backlog.size });
  }

  async #writeOnce(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    await this.backlog.whenFilled(signal);
    if (this.backlog.size < GATHER_UNTIL) await sleep(clock, GATHER_MS, signal);
    const batch = this.backlog.batch();
    if (batch.length === 0) return;
    try {
      await this.#write(batch);
    } catch (error) {
      if (historyError(error).code !== 'Rejected') throw error;
      await this.#writeOneByOne(batch);
    }
    if (this.backlog.size === 0) {
      this.#flushed.abort();
      this.#flushed = new AbortController();
    }
  }

  async #write(batch: readonly Entry[]): Promise<void> {
    const { caches, clock, metrics, onKept } = this.#options;
    const fence = this.#fence ?? 0;
    await this.#writer.upsert(rowsOf(batch, { caches, now: clock.now(), fence }), fence);
    const now = clock.monotonic();
    this.backlog.settle(batch, now);
    for (const { subject, since, expired, gone } of batch) {
      metrics.written((now - since) / 1_000);
      if (!expired || gone) continue;
      this.#kept.set(subject.object.metadata.uid, subject.object.metadata.resourceVersion);
      onKept(subject);
    }
  }

  /** One row that the database refuses must not keep the others out. */
  async #writeOneByOne(batch: readonly Entry[]): Promise<void> {
    const { logger, metrics, clock } = this.#options;
    for (const entry of batch) {
      try {
        await this.#write([entry]);
      } catch (error) {
        const known = historyError(error);
        if (known.code !== 'Rejected') throw known;
        const { uid, name } = entry.subject.object.metadata;
        logger.error('history refuses an object', {
          table: entry.subject.table,
          uid,
          name,
          error: known,
        });
        metrics.rejected();
        this.backlog.settle([entry], clock.monotonic());
      }
    }
  }

  /** False: there is no point in going on. */
  #bear(error: HistoryError): boolean {
    const { logger, metrics } = this.#options;
    if (this.#stop.signal.aborted) return false;
    metrics.failed(error.code);
    metrics.connected(false);
    if (error.code === 'Deposed') {
      logger.error('history is written by a later leader, this one stops to', { error });
      return false;
    }
    if (this.#isCaughtUp || this.#fence === undefined) {
      logger.warn('history is not available; nothing waits for it but expiry', { error });
    }
    this.#isCaughtUp = false;
    return true;
  }
}

/** With so many waiting there is enough to write at once. */
const GATHER_UNTIL = 100;
