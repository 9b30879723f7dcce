import { Registry } from 'prom-client';
import type { Sandbox } from '../crds/sandbox.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import { anExecution } from '../test/builders/execution.ts';
import { aSandbox, readyStatus } from '../test/builders/sandbox.ts';
import { aTemplate } from '../test/builders/sandbox-template.ts';
import type { ExecutorUsage } from './sandbox/executor-monitor.ts';
import { createServiceMetrics } from './service-metrics.ts';

const FINISHED = { phase: 'Completed', finishedAt: '2026-01-01T00:00:01Z' } as const;

async function valueOf(registry: Registry, name: string): Promise<unknown> {
  const found = await registry.getSingleMetric(name)?.get();
  return found?.values.map(({ value, labels }) => ({ value, ...labels }));
}

test('counts sessions once, executions by status, and the shares that went wrong', async () => {
  const registry = new Registry();
  const running: Sandbox[] = [];
  const templates: SandboxTemplate[] = [];
  const metrics = createServiceMetrics(registry, {
    sandboxes: { list: () => running },
    templates: { list: () => templates },
    executions: { list: () => [anExecution(), anExecution({ status: FINISHED })] },
    usageOf: () => undefined,
  });
  expect(await valueOf(registry, 'sandbox_failure_rate')).toEqual([{ value: 0 }]);

  const fresh = aSandbox({});
  metrics.sandboxReported({ ...fresh, status: {} }, { phase: 'Pending' });
  metrics.sandboxReported({ ...fresh, status: { phase: 'Pending' } }, { phase: 'Running' });
  running.push({ ...fresh, status: { phase: 'Running' } });
  expect(await valueOf(registry, 'sandbox_sessions_total')).toEqual([{ value: 1 }]);
  expect(await valueOf(registry, 'sandbox_sessions_active')).toEqual([{ value: 1 }]);
  const warmPool = { replicas: 3, ready: 2, selector: 'x' };
  templates.push(aTemplate({ status: { warmPool } }), aTemplate());
  expect(await valueOf(registry, 'sandbox_warm_pool_size')).toEqual([{ value: 2 }]);

  const durations = { metrics: { durationMs: 40 } };
  metrics.executionFinished({ phase: 'Completed', ...durations });
  metrics.executionFinished({ phase: 'Completed', ...durations });
  metrics.executionFinished({ phase: 'Crashed' });
  metrics.executionFinished({ phase: 'TimedOut' });
  expect(await valueOf(registry, 'sandbox_executions_total')).toEqual([
    { value: 2, status: 'completed' },
    { value: 1, status: 'crashed' },
    { value: 1, status: 'timeout' },
  ]);
  expect(await valueOf(registry, 'sandbox_failure_rate')).toEqual([{ value: 0.25 }]);
  expect(await valueOf(registry, 'sandbox_success_rate')).toEqual([{ value: 0.5 }]);
  expect(await valueOf(registry, 'sandbox_executions_active')).toEqual([{ value: 1 }]);
  expect(await valueOf(registry, 'sandbox_timeout_rate')).toEqual([{ value: 0.25 }]);
  expect(await registry.getSingleMetricAsString('sandbox_execution_duration_seconds')).toMatch(
    /bucket\{le="0.05"\} 2\n/,
  );
});

test('the shares are of what happened lately', async () => {
  const registry = new Registry();
  const metrics = createServiceMetrics(registry, {
    sandboxes: { list: () => [] },
    templates: { list: () => [] },
    executions: { list: () => [] },
    usageOf: () => undefined,
  });
  for (let n = 0; n < 1_000; n += 1) metrics.executionFinished({ phase: 'Failed' });
  for (let n = 0; n < 500; n += 1) metrics.executionFinished({ phase: 'Completed' });
  expect(await valueOf(registry, 'sandbox_failure_rate')).toEqual([{ value: 0.5 }]);
});

test('tells how long starts took, on pods that waited and on others, to the millisecond where REST wrote down when it was asked', async () => {
  const registry = new Registry();
  const metrics = createServiceMetrics(registry, {
    sandboxes: { list: () => [] },
    templates: { list: () => [] },
    executions: { list: () => [] },
    usageOf: () => undefined,
  });
  const created = (createdAt: string): Sandbox => {
    const annotations = { 'sandbox.ai/created-at': createdAt };
    return aSandbox({ metadata: { creationTimestamp: '2026-01-01T00:00:00Z', annotations } });
  };
  const ready = { phase: 'Running', readyAt: '2026-01-01T00:00:00.700Z' } as const;
  metrics.sandboxReported(created('2026-01-01T00:00:00.600Z'), { ...ready, warmStart: true });
  metrics.sandboxReported(created('2025-01-01T00:00:00.000Z'), ready);
  const sum = async (name: string): Promise<string> =>
    /_sum (.*)\n/.exec(await registry.getSingleMetricAsString(name))?.[1] ?? '';
  expect(Number(await sum('sandbox_warm_start_duration'))).toBeCloseTo(0.1);
  expect(Number(await sum('sandbox_cold_start_duration'))).toBeCloseTo(0.7);
});

test('sums up by template what executors say they use, as far as that can be true', async () => {
  const registry = new Registry();
  const usage: Record<string, ExecutorUsage> = {
    one: { askedAt: 0, cpuMs: 10, memoryBytes: 1_000, cores: 0.25 },
    liar: { askedAt: 0, cpuMs: 10, memoryBytes: 1e15, cores: 1_000 },
    new: { askedAt: 0, cpuMs: 10, memoryBytes: 500 },
  };
  const running = (podUID: string): Sandbox => aSandbox({ status: readyStatus({ podUID }) });
  const ended = aSandbox({ status: { phase: 'Terminated', podUID: 'one' } });
  createServiceMetrics(registry, {
    sandboxes: { list: () => [...['one', 'liar', 'new', 'silent'].map(running), ended] },
    templates: { list: () => [aTemplate()] },
    executions: { list: () => [] },
    usageOf: (podUID) => usage[podUID],
  });
  const { cpu, memory } = aTemplate().spec.resources;
  expect([cpu, memory]).toEqual(['1', '512Mi']);
  const template = 'python-basic';
  expect(await valueOf(registry, 'sandbox_runtime_cpu_usage')).toEqual([{ value: 1.25, template }]);
  expect(await valueOf(registry, 'sandbox_runtime_memory_usage')).toEqual([
    { value: 1_500 + 512 * 2 ** 20, template },
  ]);
});
