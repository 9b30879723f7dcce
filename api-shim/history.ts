import type { Execution } from '../crds/execution.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import type { Clock } from '../kube/clock.ts';
import type { Database } from '../storage/history/database.ts';
import {
  HistoryReader,
  type ExecutionFilter,
  type PastList,
  type PastRun,
  type SandboxFilter,
} from '../storage/history/reader.ts';
import { HistoryWriter, type OpenRow, type Table } from '../storage/history/writer.ts';

/** What has left the API server, of one namespace. Undefined where there is no history; its calls throw HistoryError. */
export class History {
  readonly #reader: HistoryReader;
  readonly #writer: HistoryWriter;
  readonly #namespace: string;
  readonly #clock: Clock;

  constructor(database: Database, { namespace, clock }: { namespace: string; clock: Clock }) {
    this.#reader = new HistoryReader(database, clock);
    this.#writer = new HistoryWriter(database, namespace);
    this.#namespace = namespace;
    this.#clock = clock;
  }

  /** Throws if the database does not answer. */
  ping(): Promise<void> {
    return this.#reader.ping();
  }

  findSession(id: string): Promise<Sandbox | undefined> {
    return this.#reader.findSandbox(this.#namespace, id);
  }

  findRun(id: string): Promise<PastRun | undefined> {
    return this.#reader.findExecution(this.#namespace, id);
  }

  sessions(filter: Omit<SandboxFilter, 'namespace'>): PastList<Sandbox> {
    return this.#reader.sandboxes({ ...filter, namespace: this.#namespace });
  }

  executions(filter: ExecutionFilter): PastList<Execution> {
    return this.#reader.executions(filter);
  }

  /** Of what should still be in the API server, a page at a time. */
  openRows(table: Table): AsyncIterable<readonly OpenRow[]> {
    return this.#writer.openPages(table);
  }

  /** It is not shown from now on, and neither are its executions. */
  async hide({ metadata }: Sandbox): Promise<void> {
    await this.#writer.markDeleted(metadata.uid, this.#clock.now());
  }
}
