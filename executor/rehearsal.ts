import { createServer, request } from 'node:http';
import { duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { StartRequest } from './contract.ts';
import type { Route } from './router.ts';
import { createRouter } from './router.ts';

/** Right after its start a sandbox may get a run that wants the processor for itself. */
const DELAY_MS = 500;
/** The first loads what was never used; from the third on there is little left to gain. */
const TIMES = 2;
const PAUSE_MS = 100;

const NOTHING: StartRequest = {
  language: 'python',
  code: 'def handler(event):\n    return event',
  event: {},
  env: {},
  timeoutMs: 10_000,
};

export interface RehearsalOptions {
  /** Of runs that nobody else hears of. */
  readonly routes: readonly Route[];
  readonly pause: (ms: number) => Promise<unknown>;
  /** Whether a run has come, which needs no rehearsal any more. */
  readonly isUsed: () => boolean;
}

/**
 * Has runs of nothing asked for a few times while nobody waits: the first in a process takes twice as long as the next, for what was never used is loaded and compiled first. In a
 * warm pool that is over before a sandbox is handed out. They come as a client's do, but for the wire: no port is open to whoever has no token. Resolves when it is over or not needed.
 */
export async function rehearse({ routes, pause, isUsed }: RehearsalOptions): Promise<void> {
  const router = createRouter(
    routes,
    () => Promise.resolve(true),
    () => undefined,
  );
  await pause(DELAY_MS);
  for (let number = 1; number <= TIMES && !isUsed(); number += 1) {
    await run(router, `rehearsal-${String(number)}`);
    await pause(PAUSE_MS);
  }
}

async function run(router: ReturnType<typeof createRouter>, id: string): Promise<void> {
  const [ours, theirs] = duplexPair();
  const server = createServer(router);
  server.emit('connection', theirs);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const call = request({
    createConnection: () => ours,
    method: 'PUT',
    path: `/v1/executions/${id}?wait=10000`,
    headers: { authorization: 'Bearer none', 'content-type': 'application/json' },
  });
  call.on('error', reject);
  call.on('response', (response) => {
    text(response).then(resolve, reject);
  });
  call.end(JSON.stringify(NOTHING));
  try {
    await promise;
  } finally {
    ours.destroy();
    theirs.destroy();
  }
}
