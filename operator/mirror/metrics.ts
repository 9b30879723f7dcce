import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** How far history is behind, and what it could not keep. */
export interface MirrorMetrics {
  /** A row now shows what changed so long ago. */
  written(lagSeconds: number): void;
  failed(code: string): void;
  rejected(): void;
  purged(rows: number): void;
  connected(isConnected: boolean): void;
}

export interface BacklogView {
  readonly size: number;
  readonly dropped: number;
  /** Seconds that the longest waiting has waited. */
  readonly oldestSeconds: number;
}

const LAG_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3_600];

export function createMirrorMetrics(registry: Registry, backlog: () => BacklogView): MirrorMetrics {
  const registers = [registry];
  observeBacklog(registers, backlog);
  const lag = new Histogram({
    name: 'sandbox_history_lag_seconds',
    help: 'From a change in the cache to its row in the database.',
    buckets: LAG_SECONDS,
    registers,
  });
  const failures = new Counter({
    name: 'sandbox_history_failures_total',
    help: 'Writes to the database that failed and are tried again, by code.',
    labelNames: ['code'],
    registers,
  });
  const rejected = new Counter({
    name: 'sandbox_history_rejected_total',
    help: 'Rows that the database refuses for good; their objects do not expire.',
    registers,
  });
  const purged = new Counter({
    name: 'sandbox_history_purged_total',
    help: 'Rows that were removed because they were older than they may get.',
    registers,
  });
  const up = new Gauge({
    name: 'sandbox_history_up',
    help: '1 while the last write to the database succeeded.',
    registers,
  });
  return {
    written: (seconds) => {
      lag.observe(seconds);
    },
    failed: (code) => {
      failures.inc({ code });
    },
    rejected: () => {
      rejected.inc();
    },
    purged: (rows) => {
      purged.inc(rows);
    },
    connected: (isConnected) => {
      up.set(isConnected ? 1 : 0);
    },
  };
}

function observeBacklog(registers: Registry[], backlog: () => BacklogView): void {
  new Gauge({
    name: 'sandbox_history_backlog',
    help: 'Objects whose rows are behind.',
    registers,
    collect() {
      this.set(backlog().size);
    },
  });
  new Gauge({
    name: 'sandbox_history_backlog_age_seconds',
    help: 'How long the longest waiting of them has waited.',
    registers,
    collect() {
      this.set(backlog().oldestSeconds);
    },
  });
  new Gauge({
    name: 'sandbox_history_dropped',
    help: 'Last states of deleted objects that were given up since the start, because too many waited.',
    registers,
    collect() {
      this.set(backlog().dropped);
    },
  });
}
