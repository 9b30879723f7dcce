import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';

export interface WorkspaceSweeperOptions {
  /** Asked anew for each sweep. */
  readonly wanted: () => ReadonlySet<string>;
  /** Removes all others. */
  readonly keep: (wanted: ReadonlySet<string>) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Gathers what comes together into one sweep. */
const DELAY_MS = 1_000;

/** Removes the workspaces that nobody wants any more, some time after it was told to look; a failed sweep is repeated by the next. */
export class WorkspaceSweeper {
  readonly #options: WorkspaceSweeperOptions;
  #cancel: (() => void) | undefined;
  #sweep: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: WorkspaceSweeperOptions) {
    this.#options = options;
  }

  sweepSoon(): void {
    if (this.#stopped || this.#cancel !== undefined) return;
    this.#cancel = this.#options.clock.schedule(() => {
      this.#cancel = undefined;
      this.#sweep = this.#sweep.then(() => this.#run());
    }, DELAY_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#sweep;
  }

  async #run(): Promise<void> {
    const { keep, wanted, logger } = this.#options;
    await keep(wanted()).catch((error: unknown) => {
      logger.warn('could not remove the workspaces of sandboxes that are gone', { error });
    });
  }
}
