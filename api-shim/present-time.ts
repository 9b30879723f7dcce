import { createdAtOf } from '../crds/identity.ts';
import type { KubeObject } from '../kube/objects.ts';

export { createdAtOf };

/** The latest of RFC 3339 times; fractions make them incomparable as text. */
export function latestOf(first: string, ...others: readonly (string | undefined)[]): string {
  const later = (a: string, b: string | undefined): string =>
    b !== undefined && Date.parse(b) > Date.parse(a) ? b : a;
  return others.reduce<string>(later, first);
}

/** For sorting: newest first, and of the same moment in a stable order. */
export function byNewest<T extends KubeObject>(objects: readonly T[]): T[] {
  const timed = objects.map((object) => ({ object, at: Date.parse(createdAtOf(object)) }));
  timed.sort((a, b) => b.at - a.at || (a.object.metadata.name < b.object.metadata.name ? 1 : -1));
  return timed.map(({ object }) => object);
}
