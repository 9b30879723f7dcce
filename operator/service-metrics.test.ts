import { Registry } from 'prom-client';
import type { Sandbox } from '../crds/sandbox.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import { aSandbox } from '../test/builders/sandbox.ts';
import { aTemplate } from '../test/builders/sandbox-template.ts';
import { createServiceMetrics } from './service-metrics.ts';

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
  });
  for (let n = 0; n < 1_000; n += 1) metrics.executionFinished({ phase: 'Failed' });
  for (let n = 0; n < 500; n += 1) metrics.executionFinished({ phase: 'Completed' });
  expect(await valueOf(registry, 'sandbox_failure_rate')).toEqual([{ value: 0.5 }]);
});
