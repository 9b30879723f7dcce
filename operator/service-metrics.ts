import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { executionStatusOf } from '../crds/rest-status.ts';
import { isFinished, type Execution } from '../crds/execution.ts';
import type { ReadCache } from '../kube/cache.ts';
import { START_SECONDS, startSeconds, type ServiceMetrics } from './metrics.ts';
import { sumOfUsage, type UsageOptions } from './usage-metrics.ts';

const SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600,
];
/** The rates are shares of so many executions that finished last. */
const LAST_EXECUTIONS = 1_000;

const HELP: Readonly<Record<string, string>> = {
  sandbox_sessions_active: 'Sessions that run now.',
  sandbox_warm_pool_size: 'Started pods that wait to become sandboxes.',
  sandbox_executions_active: 'Executions that have not finished.',
  sandbox_success_rate: `Share that completed of the last ${String(LAST_EXECUTIONS)} executions.`,
  sandbox_failure_rate: `Share that failed or crashed of the last ${String(LAST_EXECUTIONS)} executions.`,
  sandbox_timeout_rate: `Share that ran out of time of the last ${String(LAST_EXECUTIONS)} executions.`,
};

interface LiveObjects extends UsageOptions {
  readonly executions: Pick<ReadCache<Execution>, 'list'>;
}

/** The installation as its users see it, under the names that dashboards of the REST API's reference ask for. */
export function createServiceMetrics(registry: Registry, live: LiveObjects): ServiceMetrics {
  const { sandboxes, templates } = live;
  const registers = [registry];
  observeUsage(registry, live);
  const lately = new Lately();
  const sessions = new Counter({
    name: 'sandbox_sessions_total',
    help: 'Sessions that were taken up.',
    registers,
  });
  const executions = new Counter({
    name: 'sandbox_executions_total',
    help: 'Finished executions by status.',
    labelNames: ['status'],
    registers,
  });
  const durations = new Histogram({
    name: 'sandbox_execution_duration_seconds',
    help: 'From start to end of the user process.',
    buckets: SECONDS,
    registers,
  });
  const gauges = {
    sandbox_sessions_active: () =>
      sandboxes.list().filter(({ status }) => status?.phase === 'Running').length,
    sandbox_warm_pool_size: () =>
      templates.list().reduce((sum, { status }) => sum + (status?.warmPool?.ready ?? 0), 0),
    sandbox_executions_active: () =>
      live.executions.list().filter((execution) => !isFinished(execution)).length,
    sandbox_success_rate: () => lately.share('completed'),
    sandbox_failure_rate: () => lately.share('failed', 'crashed'),
    sandbox_timeout_rate: () => lately.share('timeout'),
  };
  for (const [name, value] of Object.entries(gauges)) {
    const collect = function (this: Gauge): void {
      this.set(value());
    };
    registry.registerMetric(new Gauge({ name, help: HELP[name] ?? name, collect, registers: [] }));
  }
  const starts = startDurations(registry);
  return {
    sandboxReported: (before, status) => {
      if (before.status?.phase === undefined) sessions.inc();
      const seconds = startSeconds(before, status);
      const start = status.warmStart === true ? starts.warm : starts.cold;
      if (seconds !== undefined) start.observe(seconds);
    },
    executionFinished: (status) => {
      const name = executionStatusOf({ status } as Execution);
      executions.inc({ status: name });
      lately.add(name);
      if (status.metrics !== undefined) durations.observe(status.metrics.durationMs / 1_000);
    },
  };
}

function startDurations(registry: Registry): Readonly<Record<'cold' | 'warm', Histogram>> {
  const shared = { buckets: START_SECONDS, registers: [registry] };
  return {
    cold: new Histogram({
      ...shared,
      name: 'sandbox_cold_start_duration',
      help: 'Seconds from the creation of a session to its first Ready, on a pod that was started for it.',
    }),
    warm: new Histogram({
      ...shared,
      name: 'sandbox_warm_start_duration',
      help: 'Seconds from the creation of a session to its first Ready, on a pod that waited.',
    }),
  };
}

function observeUsage(registry: Registry, live: UsageOptions): void {
  const gauges = {
    cores: [
      'sandbox_runtime_cpu_usage',
      'Cores that sessions use, as their executors say, by template.',
    ],
    memoryBytes: [
      'sandbox_runtime_memory_usage',
      'Bytes of memory that sessions use, as their executors say, by template.',
    ],
  } as const;
  for (const [what, [name, help]] of Object.entries(gauges)) {
    const collect = function (this: Gauge<'template'>): void {
      this.reset();
      for (const [template, value] of sumOfUsage(live, what as keyof typeof gauges))
        this.set({ template }, value);
    };
    const labelNames = ['template'] as const;
    registry.registerMetric(new Gauge({ name, help, labelNames, collect, registers: [] }));
  }
}

/** The statuses of the executions that finished last. */
class Lately {
  readonly #names: string[] = [];

  add(name: string): void {
    this.#names.push(name);
    if (this.#names.length > LAST_EXECUTIONS) this.#names.shift();
  }

  /** 0 where there were none. */
  share(...names: readonly string[]): number {
    const fitting = this.#names.filter((name) => names.includes(name)).length;
    return fitting / Math.max(this.#names.length, 1);
  }
}
