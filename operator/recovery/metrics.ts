import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';

/** Told of each orphan that was removed. */
export type OrphansRemoved = (kind: 'pod' | 'workspace') => void;

export function orphansRemoved(registry: Registry): OrphansRemoved {
  const counter = new Counter({
    name: 'sandbox_orphans_removed_total',
    help: 'Pods and stored workspaces that nobody had any more and that were removed, by kind.',
    labelNames: ['kind'],
    registers: [registry],
  });
  return (kind) => {
    counter.inc({ kind });
  };
}
