import type { Sandbox } from '../crds/sandbox.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import type { ReadCache } from '../kube/cache.ts';
import { parseQuantity } from '../kube/quantity.ts';
import type { ExecutorUsage } from './sandbox/executor-monitor.ts';

export interface UsageOptions {
  readonly sandboxes: Pick<ReadCache<Sandbox>, 'list'>;
  readonly templates: Pick<ReadCache<SandboxTemplate>, 'list'>;
  /** What the executor of this pod said last; undefined: nothing yet. */
  readonly usageOf: (podUID: string) => ExecutorUsage | undefined;
}

type Used = 'cores' | 'memoryBytes';

/** What the running sandboxes of each template use in sum. An executor is believed as far as its pod's limits let it be true. */
export function sumOfUsage(
  { sandboxes, templates, usageOf }: UsageOptions,
  what: Used,
): ReadonlyMap<string, number> {
  const byName = new Map(templates.list().map((template) => [template.metadata.name, template]));
  const sums = new Map<string, number>();
  for (const { spec, status } of sandboxes.list()) {
    const value = usageOf(status?.podUID ?? '')?.[what];
    if (status?.phase !== 'Running' || value === undefined) continue;
    const { name } = spec.templateRef;
    const resources = { ...byName.get(name)?.spec.resources, ...spec.resources };
    sums.set(name, (sums.get(name) ?? 0) + Math.min(value, limitOf(resources, what)));
  }
  return sums;
}

function limitOf(
  { cpu, memory }: { cpu?: string | undefined; memory?: string | undefined },
  what: Used,
): number {
  return parseQuantity((what === 'cores' ? cpu : memory) ?? '') ?? Infinity;
}
