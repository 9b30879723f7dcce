import type { Clock } from '../kube/clock.ts';
import type { KubeObject } from '../kube/objects.ts';
import { sleep } from '../kube/sleep.ts';
import type { OpenRow, Table } from '../storage/history/writer.ts';
import type { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import type { KnownObjects } from './caches.ts';
import {
  liveDifferences,
  rowDifferences,
  type Difference,
  type Differences,
  type LiveState,
} from './differences.ts';
import { countStates, type StateCounts } from './health.ts';
import type { History } from './history.ts';

export interface StateSyncOptions {
  readonly namespace: string;
  readonly caches: KnownObjects;
  /** Absent: there is none, and no rows are compared. */
  readonly history: History | undefined;
  /** Absent: there is none, and no files are looked for. */
  readonly stored: StoredWorkspaces | undefined;
  readonly clock: Clock;
}

export interface Repair {
  readonly found: number;
  /** Those of them that were gone when it was looked again. */
  readonly repaired: number;
}

export interface SyncResult extends StateCounts {
  /** What could not be looked at. */
  readonly errors: readonly string[];
  /** Absent kinds were not looked for. */
  readonly differences: Readonly<Partial<Record<Difference, Repair>>>;
}

interface Look {
  readonly differences: Differences;
  readonly errors: readonly string[];
}

/** The operator repairs whatever it can as soon as it sees it; what takes longer has a time of its own. */
const SETTLE_MS = 2_000;

/** Looks at objects, pods, rows and files together, gives the operator a moment, and tells what was out of step and what is not any more. */
export class StateSync {
  readonly #options: StateSyncOptions;
  #running: Promise<SyncResult> | undefined;

  constructor(options: StateSyncOptions) {
    this.#options = options;
  }

  /** All who ask at a time get one answer: it reads everything. */
  run(): Promise<SyncResult> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<SyncResult> {
    const first = await this.#look();
    const isWhole = Object.values(first.differences).every((found) => found.size === 0);
    if (!isWhole) await sleep(this.#options.clock, SETTLE_MS, new AbortController().signal);
    const second = isWhole ? first : await this.#look();
    return {
      ...countStates(this.#live().sandboxes),
      errors: [...new Set([...first.errors, ...second.errors])],
      differences: repairs(first.differences, second.differences),
    };
  }

  async #look(): Promise<Look> {
    const parts = await Promise.all([
      attempt(() => this.#rows(), 'history does not answer, so its rows were not compared'),
      attempt(
        () => this.#files(),
        'the object store does not answer, so files were not looked for',
      ),
    ]);
    const others = parts.map(({ differences }) => differences);
    return {
      differences: Object.assign({}, liveDifferences(this.#live()), ...others) as Differences,
      errors: parts.flatMap(({ errors }) => errors),
    };
  }

  /** What comes, changes or goes while the rows are read is no difference. */
  async #rows(): Promise<Differences> {
    const { history } = this.#options;
    if (history === undefined) return {};
    const rows: OpenRow[] = [];
    const before = this.#mirrored();
    for (const table of TABLES)
      for await (const page of history.openRows(table)) rows.push(...page);
    return rowDifferences({ before, after: this.#mirrored() }, rows);
  }

  async #files(): Promise<Differences> {
    const { stored } = this.#options;
    if (stored === undefined) return {};
    return { workspaces_without_session: new Set((await stored.register.orphans()).keys()) };
  }

  #mirrored(): readonly KubeObject[] {
    const { sandboxes, templates, executions } = this.#live();
    return [...sandboxes, ...templates, ...executions];
  }

  #live(): LiveState {
    const { caches, namespace } = this.#options;
    return {
      sandboxes: caches.sandboxes.list(namespace),
      templates: caches.templates.list(namespace),
      executions: caches.executions.list(namespace),
      pods: caches.pods.list(namespace),
    };
  }
}

const TABLES: readonly Table[] = ['sandboxes', 'templates', 'executions'];

async function attempt(look: () => Promise<Differences>, failure: string): Promise<Look> {
  try {
    return { differences: await look(), errors: [] };
  } catch {
    return { differences: {}, errors: [failure] };
  }
}

/** What was looked for once only counts as not repaired. */
function repairs(first: Differences, second: Differences): SyncResult['differences'] {
  const entries = Object.entries(first).map(([kind, found]) => {
    const left = second[kind as Difference];
    const repaired = left === undefined ? [] : [...found].filter((id) => !left.has(id));
    return [kind, { found: found.size, repaired: repaired.length }] as const;
  });
  return Object.fromEntries(entries);
}
