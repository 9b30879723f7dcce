import { createApp } from '../../api-shim/app.ts';
import { createAuthenticator } from '../../api-shim/auth/authenticator.ts';
import { parseCallers } from '../../api-shim/auth/callers.ts';
import { newKey } from '../../api-shim/auth/new-key.ts';
import { createApiCaches, startCaches, stopCaches } from '../../api-shim/caches.ts';
import { listen } from '../../api-shim/server.ts';
import { World } from '../flow/world.ts';

const NAMESPACE = 'default';

/** The REST API with operator and API server as they are, and with executors that answer by themselves, so that thousands of sessions cost nothing. */
export interface ServedApi {
  readonly url: string;
  readonly key: string;
  /** What went wrong inside, as the log has it. */
  errors(): readonly unknown[];
  close(): Promise<void>;
}

export async function serveApi(): Promise<ServedApi> {
  const world = await World.open();
  const { client, logger, executors, clock } = world;
  await world.startOperator();
  executors.script = ({ code }) => ({
    stdout: { text: code.slice(0, 100), bytes: 100, truncated: false },
  });
  const caches = createApiCaches({ client, namespace: NAMESPACE, logger });
  await startCaches(caches, new AbortController().signal);
  const { key, line } = newKey(Buffer.alloc(32, 7), { name: 'fuzz', role: 'admin' });
  const callers = parseCallers(line, [NAMESPACE]);
  const app = createApp({
    client,
    logs: client,
    caches,
    executor: executors,
    addressOf: () => ({ kind: 'tcp', host: '10.0.0.1', port: 8080 }),
    logger,
    clock,
    namespace: NAMESPACE,
    version: '1.2.3',
    authenticate: createAuthenticator({ callers: () => callers }),
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  return {
    url: `http://127.0.0.1:${String(server.port)}`,
    key,
    errors: () => logger.lines.filter(({ level }) => level === 'error'),
    async close() {
      await server.close(0);
      await stopCaches(caches);
      await world.close();
    },
  };
}
