import { isEnded } from '../../crds/sandbox.ts';
import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { Clock } from '../../kube/clock.ts';
import { parseKey } from '../../kube/objects.ts';
import { INDEX } from '../caches.ts';
import type { Caches } from '../caches.ts';

/** Everything that a decision about one template looks at. */
export interface Observed {
  readonly template: SandboxTemplate;
  /** Sandboxes of it that have not ended. */
  readonly sandboxes: number;
  readonly now: number;
}

export interface ObserveDeps {
  readonly clock: Clock;
  readonly caches: Pick<Caches, 'templates' | 'sandboxes'>;
}

/** Undefined: the template is gone. */
export function observe({ clock, caches }: ObserveDeps, key: string): Observed | undefined {
  const template = caches.templates.get(parseKey(key));
  if (template === undefined) return undefined;
  return { template, sandboxes: liveSandboxes(caches, key), now: clock.now() };
}

/** How many sandboxes of the template with this key have not ended. */
export function liveSandboxes(caches: Pick<Caches, 'sandboxes'>, key: string): number {
  return caches.sandboxes.byIndex(INDEX.template, key).filter((sandbox) => !isEnded(sandbox))
    .length;
}
