import { isSameQuantity } from '../kube/quantity.ts';
import type { SandboxSpec } from './sandbox.ts';
import type { SandboxTemplate } from './sandbox-template.ts';

/** Whether a pod of the template's pool is what such a sandbox would get: what it says of resources must be what the template says. */
export function fitsPool(
  { resources }: Pick<SandboxSpec, 'resources'>,
  { spec: { resources: inherited } }: SandboxTemplate,
): boolean {
  return (['cpu', 'memory', 'disk'] as const).every(
    (what) => resources[what] === undefined || isSameQuantity(resources[what], inherited[what]),
  );
}
