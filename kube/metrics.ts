import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** What the runtime counts, named as in controller-runtime where it has the same thing, so that existing dashboards fit. */
export interface RuntimeMetrics {
  readonly reconciles: Counter<'controller' | 'result'>;
  readonly reconcileSeconds: Histogram<'controller'>;
  readonly activeReconciles: Gauge<'controller'>;
  readonly queueDepth: Gauge<'name'>;
  readonly queueAdds: Counter<'name'>;
  readonly queueRetries: Counter<'name'>;
  readonly queueSeconds: Histogram<'name'>;
  readonly watchRestarts: Counter<'kind' | 'cause'>;
  readonly lists: Counter<'kind'>;
  readonly cachedObjects: Gauge<'kind'>;
  readonly leader: Gauge<'lease'>;
}

const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Registers the runtime's metrics; call it once per registry. */
export function createRuntimeMetrics(registry: Registry): RuntimeMetrics {
  return { ...controllerMetrics(registry), ...queueMetrics(registry), ...watchMetrics(registry) };
}

function controllerMetrics(registry: Registry) {
  const labelNames = ['controller'] as const;
  return {
    reconciles: new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Reconciles by result: success, requeue_after, error, terminal or aborted',
      labelNames: ['controller', 'result'] as const,
      registers: [registry],
    }),
    reconcileSeconds: new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Duration of one reconcile',
      labelNames,
      buckets: SECONDS,
      registers: [registry],
    }),
    activeReconciles: new Gauge({
      name: 'controller_runtime_active_workers',
      help: 'Reconciles in progress',
      labelNames,
      registers: [registry],
    }),
    leader: new Gauge({
      name: 'leader_election_master_status',
      help: '1 while this process holds the lease',
      labelNames: ['lease'] as const,
      registers: [registry],
    }),
  };
}

function queueMetrics(registry: Registry) {
  const labelNames = ['name'] as const;
  return {
    queueDepth: new Gauge({
      name: 'workqueue_depth',
      help: 'Keys that are due and wait for a worker',
      labelNames,
      registers: [registry],
    }),
    queueAdds: new Counter({
      name: 'workqueue_adds_total',
      help: 'Keys handed to the queue, duplicates included',
      labelNames,
      registers: [registry],
    }),
    queueRetries: new Counter({
      name: 'workqueue_retries_total',
      help: 'Keys put back because their reconcile failed',
      labelNames,
      registers: [registry],
    }),
    queueSeconds: new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'How long a due key waited for a worker',
      labelNames,
      buckets: SECONDS,
      registers: [registry],
    }),
  };
}

function watchMetrics(registry: Registry) {
  return {
    watchRestarts: new Counter({
      name: 'kube_watch_restarts_total',
      help: 'Watches that ended, by cause: closed, gone, silent, throttled, unavailable, error',
      labelNames: ['kind', 'cause'] as const,
      registers: [registry],
    }),
    lists: new Counter({
      name: 'kube_lists_total',
      help: 'Full lists read to fill or refresh a cache',
      labelNames: ['kind'] as const,
      registers: [registry],
    }),
    cachedObjects: new Gauge({
      name: 'kube_cached_objects',
      help: 'Objects held in a cache',
      labelNames: ['kind'] as const,
      registers: [registry],
    }),
  };
}
