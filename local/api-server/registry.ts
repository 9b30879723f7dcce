import type { Kind } from './kinds.ts';

/** The kinds that are served now. */
export interface Registry {
  find(group: string, version: string, plural: string): Kind | undefined;
  all(): readonly Kind[];
  /** All kinds whose objects are kept under `storage`. */
  add(kind: Kind): void;
  /** Stops serving every version that is kept under `storage`. */
  remove(storage: string): void;
}

/** A registry that starts with `builtIn`. */
export function createRegistry(builtIn: readonly Kind[]): Registry {
  const kinds = new Map<string, Kind>();
  const add = (kind: Kind): void => {
    kinds.set(key(kind.group, kind.version, kind.plural), kind);
  };
  builtIn.forEach(add);
  return {
    find: (group, version, plural) => kinds.get(key(group, version, plural)),
    all: () => [...kinds.values()],
    add,
    remove: (storage) => {
      for (const [id, kind] of kinds) {
        if (kind.storage === storage) kinds.delete(id);
      }
    },
  };
}

function key(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}
