import packageJson from '../package.json' with { type: 'json' };
import { EXECUTIONS, type Execution } from '../crds/execution.ts';
import { SANDBOXES, type Sandbox } from '../crds/sandbox.ts';
import { SANDBOX_TEMPLATES, type SandboxTemplate } from '../crds/sandbox-template.ts';
import { createHttpClient } from '../kube/http-client.ts';
import { loadKubeConfig } from '../kube/kube-config.ts';
import { createLogger } from '../kube/logging.ts';
import { ObjectCache } from '../kube/object-cache.ts';
import { createApp } from './app.ts';
import { apiConfig } from './config.ts';
import { EXECUTIONS_BY_SANDBOX } from './executions.ts';
import { listen } from './server.ts';

/** The REST API as a process of its own, beside a cluster's operator. */
async function main(): Promise<void> {
  const config = apiConfig(process.env);
  const logger = createLogger({ level: config.logLevel, fields: { component: 'api-shim' } });
  const stopping = stopSignal();
  const client = createHttpClient(loadKubeConfig());
  const shared = { client, namespace: config.namespace, logger };
  const { name, of } = EXECUTIONS_BY_SANDBOX;
  const caches = {
    sandboxes: new ObjectCache<Sandbox>({ ...shared, type: SANDBOXES }),
    templates: new ObjectCache<SandboxTemplate>({ ...shared, type: SANDBOX_TEMPLATES }),
    executions: new ObjectCache<Execution>({
      ...shared,
      type: EXECUTIONS,
      indexes: { [name]: of },
    }),
  };
  const all = Object.values(caches);
  for (const cache of all) cache.start();
  await Promise.all(all.map((cache) => cache.whenSynced(stopping)));

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
  await Promise.all(all.map((cache) => cache.stop()));
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

await main();
