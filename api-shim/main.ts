import { z } from 'zod';
import packageJson from '../package.json' with { type: 'json' };
import { createHttpClient } from '../kube/http-client.ts';
import { loadKubeConfig } from '../kube/kube-config.ts';
import { createLogger } from '../kube/logging.ts';
import { createApp } from './app.ts';
import { createApiCaches, startCaches, stopCaches } from './caches.ts';
import { apiConfig } from './config.ts';
import { listen } from './server.ts';

/** The REST API as a process of its own, beside a cluster's operator. */
async function main(): Promise<void> {
  const config = apiConfig(process.env);
  const logger = createLogger({ level: config.logLevel, fields: { component: 'api-shim' } });
  const stopping = stopSignal();
  const client = createHttpClient(loadKubeConfig());
  const shared = { client, namespace: config.namespace, logger };
  const caches = createApiCaches(shared);
  await startCaches(caches, stopping);

  const { corsOrigins, allowedHosts } = config;
  const hosts = allowedHosts === undefined ? {} : { allowedHosts };
  const app = createApp({ ...shared, caches, version: packageJson.version, corsOrigins, ...hosts });
  const server = await listen(app, config);
  logger.info('serving', { host: config.host, port: server.port });

  await new Promise((resolve) => {
    if (stopping.aborted) resolve(undefined);
    else stopping.addEventListener('abort', resolve, { once: true });
  });
  await server.close();
  await stopCaches(caches);
  await client.close();
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop.abort(new Error(`stopped by ${signal}`));
    });
  }
  return stop.signal;
}

/** What a person who started it wrongly needs: one line, not a stack. */
function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error);
  return error instanceof Error ? error.message : String(error);
}

main().catch((error: unknown) => {
  process.stderr.write(`api-shim: ${reasonOf(error)}\n`);
  process.exit(1);
});
