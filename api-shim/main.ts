import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Registry } from 'prom-client';
import { z } from 'zod';
import packageJson from '../package.json' with { type: 'json' };
import { FIELD_MANAGER } from '../crds/names.ts';
import { clusterAddressOf } from '../executor/address.ts';
import { HttpExecutorClient } from '../executor/http-client.ts';
import { TokenSigner } from '../executor/token.ts';
import { systemClock } from '../kube/clock.ts';
import { createHttpClient } from '../kube/http-client.ts';
import { loadKubeConfig } from '../kube/kube-config.ts';
import { createLogger } from '../kube/logging.ts';
import { Manager, type Service } from '../kube/manager.ts';
import { createRuntimeMetrics } from '../kube/metrics.ts';
import { openObjectStore } from '../storage/objects/open.ts';
import { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import { createApp, type ApiOptions } from './app.ts';
import { authenticationBy } from './auth/settings.ts';
import { allCaches, createApiCaches } from './caches.ts';
import { apiConfig, type ApiConfig } from './config.ts';
import { historyService } from './history-service.ts';
import { listen, type ApiServer } from './server.ts';

/** The REST API as a process of its own, beside a cluster's operator. */
async function main(): Promise<void> {
  const config = apiConfig(process.env);
  const logger = createLogger({ level: config.logLevel, fields: { component: 'api-shim' } });
  const stopping = stopSignal();
  const registry = new Registry();
  const client = createHttpClient(loadKubeConfig(), { userAgent: FIELD_MANAGER.apiShim });
  const privateKey = createPrivateKey(await readFile(config.signingKeyFile));
  const executor = new HttpExecutorClient(new TokenSigner(privateKey, systemClock));
  const [namespace] = config.namespaces;
  const shared = { client, namespace, logger };
  const metrics = createRuntimeMetrics(registry);
  const caches = createApiCaches({ ...shared, metrics });
  const moreTenants = new Map(
    config.namespaces
      .slice(1)
      .map((namespace) => [namespace, createApiCaches({ ...shared, namespace, metrics })]),
  );
  const store = openObjectStore(process.env);
  const sandboxes = { executor, addressOf: clusterAddressOf };
  const { databaseUrl: url } = config;
  const history = historyService({ url, clock: systemClock, logger, registry });
  const manager = new Manager({
    caches: [caches, ...moreTenants.values()].flatMap(allCaches),
    controllers: [],
    services: [
      restService(config, {
        ...shared,
        ...sandboxes,
        logs: client,
        caches,
        moreTenants,
        metrics: registry,
        version: packageJson.version,
        ...history.options,
        ...authenticationOf(config, { client, logger }),
        stored: store && new StoredWorkspaces(store),
      }),
    ],
    logger,
    registry,
    ...(config.healthPort === undefined ? {} : { http: { port: config.healthPort } }),
  });
  await manager.run(stopping);
  await history.close();
  await executor.close();
  store?.close();
  await client.close();
}

/** Refuses to start with a file of callers that it cannot use. */
function authenticationOf(
  config: ApiConfig,
  deps: Pick<ApiOptions, 'client' | 'logger'>,
): Pick<ApiOptions, 'authenticate'> {
  const { callersFile: path, tokenAudience, namespaces } = config;
  if (path === undefined) return {};
  const clock = systemClock;
  return { authenticate: authenticationBy({ ...deps, clock, path, tokenAudience, namespaces }) };
}

function restService(config: ApiConfig, options: ApiOptions): Service {
  const { corsOrigins, allowedHosts } = config;
  const hosts = allowedHosts === undefined ? {} : { allowedHosts };
  let server: ApiServer | undefined;
  return {
    name: 'REST API',
    async start() {
      const closing = new AbortController();
      const told = { ...options, corsOrigins, ...hosts, closing: closing.signal };
      server = await listen(createApp(told), { ...config, closing });
      options.logger.info('serving', { host: config.host, port: server.port });
    },
    async stop() {
      await server?.close();
    },
  };
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
