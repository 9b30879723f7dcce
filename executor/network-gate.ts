import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** An address that the pod's NetworkPolicy forbids. */
export interface ForbiddenAddress {
  readonly host: string;
  readonly port: number;
}

const PROBE_PAUSE_MS = 20;
/** A policy that drops packets instead of refusing them is known by its silence. */
const PROBE_TIMEOUT_MS = 500;

/**
 * Stays open until a forbidden address is seen to refuse: a policy engine closes a new pod only a moment after it has an address, and no user
 * code may run before. Once closed it stays so. Without an address to try there is nothing to wait for: the pod has no network.
 */
export class NetworkGate {
  readonly #closed: Promise<void>;
  #isClosed = false;

  constructor(forbidden: ForbiddenAddress | undefined) {
    this.#closed = untilRefused(forbidden).then(() => {
      this.#isClosed = true;
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when it is closed, or after `patienceMs`. */
  async closedOrAfter(patienceMs: number): Promise<void> {
    if (this.#isClosed) return;
    const patience = new AbortController();
    const { signal } = patience;
    await Promise.race([
      this.#closed,
      // Rejects when it is not needed any more.
      sleep(patienceMs, undefined, { signal }).catch(() => undefined),
    ]);
    patience.abort();
  }
}

async function untilRefused(forbidden: ForbiddenAddress | undefined): Promise<void> {
  if (forbidden === undefined) return;
  while (await isReachable(forbidden)) await sleep(PROBE_PAUSE_MS);
}

function isReachable({ host, port }: ForbiddenAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PROBE_TIMEOUT_MS });
    const end = (reachable: boolean): void => {
      socket.destroy();
      resolve(reachable);
    };
    socket.once('connect', () => {
      end(true);
    });
    socket.once('timeout', () => {
      end(false);
    });
    socket.once('error', () => {
      end(false);
    });
  });
}
