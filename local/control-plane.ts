import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Registry } from 'prom-client';
import { parse } from 'yaml';
import { createApp } from '../api-shim/app.ts';
import type { Authenticate } from '../api-shim/auth/authenticator.ts';
import { authenticationBy } from '../api-shim/auth/settings.ts';
import { createApiCaches, startCaches, stopCaches } from '../api-shim/caches.ts';
import type { HistoryService } from '../api-shim/history-service.ts';
import { listen } from '../api-shim/server.ts';
import type { ExecutorAddress, ExecutorClient } from '../executor/client.ts';
import { HttpExecutorClient } from '../executor/http-client.ts';
import { TokenSigner } from '../executor/token.ts';
import { systemClock } from '../kube/clock.ts';
import { createHttpClient, type HttpClient } from '../kube/http-client.ts';
import { loadKubeConfig } from '../kube/kube-config.ts';
import type { Logger } from '../kube/logger.ts';
import type { Pod } from '../kube/pod.ts';
import { settingsIn } from '../operator/config.ts';
import { packageIndexConfig } from '../operator/package-index/config.ts';
import { createPackageIndexes } from '../operator/package-index/create.ts';
import { createOperator, type Operator } from '../operator/operator.ts';
import { openObjectStore } from '../storage/objects/open.ts';
import { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import packageJson from '../package.json' with { type: 'json' };
import { createApiServer } from './api-server/api-server.ts';
import { kubeconfigFor } from './api-server/kubeconfig.ts';
import { createSqliteStore } from './api-server/store.ts';
import type { LocalConfig } from './config.ts';
import { provideDefaultTemplates } from './default-templates.ts';
import { mirrorTo, openHistory } from './history.ts';
import type { Installation } from './installation.ts';
import { Kubelet, podIndexes } from './kubelet/kubelet.ts';
import { keptWorkspaceOf } from './kubelet/workspace-id.ts';
import { chooseRunner } from './runners/choose-runner.ts';
import type { PodRunner } from './runners/pod-runner.ts';
import { signingKey } from './signing-key.ts';

const LOOPBACK = '127.0.0.1';
const NAMESPACE = 'default';

/** A control plane that serves. */
export interface ControlPlane {
  readonly api: string;
  readonly kube: string;
  readonly runner: PodRunner['name'];
  /** Stops everything but the sandboxes, which the next control plane of this installation adopts. */
  stop(): Promise<void>;
}

interface Surroundings {
  readonly config: LocalConfig;
  readonly installation: Installation;
  readonly logger: Logger;
}

/** Undoes what was started, newest first. */
class Shutdown {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.unshift(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0)) await step();
  }
}

/** Starts API server, operator, kubelet and REST API in this process, in the order in which they need each other. */
export async function startControlPlane(surroundings: Surroundings): Promise<ControlPlane> {
  const shutdown = new Shutdown();
  try {
    return await assemble(surroundings, shutdown);
  } catch (error) {
    await shutdown.run();
    throw error;
  }
}

async function assemble(surroundings: Surroundings, shutdown: Shutdown): Promise<ControlPlane> {
  const { config, installation, logger } = surroundings;
  const { runner } = await chooseRunner({
    installation,
    wanted: config.runner,
    env: process.env,
    clock: systemClock,
    logger,
  });
  shutdown.add(() => runner.close());
  const kube = await serveKubernetes(surroundings, runner, shutdown);
  const client = createHttpClient(loadKubeConfig({ path: installation.kubeconfig }));
  shutdown.add(() => client.close());
  await provideDefaultTemplates(client, NAMESPACE);
  const { privateKey, publicKey } = signingKey(installation.signingKey);
  const executor = new HttpExecutorClient(new TokenSigner(privateKey, systemClock));
  shutdown.add(() => executor.close());
  const metrics = new Registry();
  const stored = openStore(surroundings, shutdown);
  const history = openHistory(surroundings, metrics);
  shutdown.add(() => history.close());
  const options = history.options;
  const parts = { ...surroundings, client, runner, executor, metrics, stored, history: options };
  await operate(parts, publicKey, shutdown);
  const port = await serveRest(parts, shutdown);
  return {
    api: `http://localhost:${port}`,
    kube,
    runner: runner.name,
    stop: () => shutdown.run(),
  };
}

async function serveKubernetes(
  { config, installation, logger }: Surroundings,
  runner: PodRunner,
  shutdown: Shutdown,
): Promise<string> {
  const server = createApiServer({
    crds: readCrds(),
    store: createSqliteStore(installation.database),
    clock: systemClock,
    token: installation.kubeToken,
    podLogs: (podUID, request) => runner.logs(podUID, request),
    logger: logger.child({ component: 'api-server' }),
  });
  const url = await server.listen(config.kubePort, LOOPBACK);
  shutdown.add(() => server.close());
  writeFileSync(installation.kubeconfig, kubeconfigFor(url, installation.kubeToken), {
    mode: 0o600,
  });
  return url;
}

function readCrds(): unknown[] {
  const folder = path.join(import.meta.dirname, '..', 'crds', 'manifests');
  return readdirSync(folder).map((file): unknown =>
    parse(readFileSync(path.join(folder, file), 'utf8')),
  );
}

/** S3 where the environment names a bucket, else a folder. One that is away is told by the health of the REST API. */
function openStore(
  { installation }: Surroundings,
  shutdown: Shutdown,
): StoredWorkspaces | undefined {
  const store = openObjectStore(process.env, installation.objects);
  if (store === undefined) return undefined;
  shutdown.add(async () => {
    await Promise.resolve();
    store.close();
  });
  return new StoredWorkspaces(store);
}

/** What operator and REST API share. */
interface Parts extends Surroundings {
  readonly stored: StoredWorkspaces | undefined;
  readonly client: HttpClient;
  readonly runner: PodRunner;
  readonly executor: ExecutorClient;
  readonly metrics: Registry;
  readonly history: HistoryService['options'];
}

function addressWith(runner: PodRunner): (pod: Pod) => ExecutorAddress | undefined {
  return ({ metadata }) => runner.address(metadata.uid);
}

async function operate(
  { installation, logger, client, runner, executor, metrics, stored, history }: Parts,
  executorPublicKey: string,
  shutdown: Shutdown,
): Promise<void> {
  const packages = packageIndexConfig(process.env);
  const cache = packages.cacheFolder ?? installation.packageCache;
  const deps = {
    clock: systemClock,
    logger: logger.child({ component: 'package-index' }),
    registry: metrics,
  };
  const lent = await createPackageIndexes(packages, cache, deps);
  shutdown.add(() => lent.close());
  const operator = createOperator({
    packageIndexes: lent.indexes,
    client,
    executor,
    stored,
    addressOf: addressWith(runner),
    clock: systemClock,
    random: Math.random,
    logger: logger.child({ component: 'operator' }),
    registry: metrics,
    namespace: NAMESPACE,
    identity: 'local',
    installation: installation.id,
    pod: { executorPublicKey, executorListen: 'unix:///run/executor/executor.sock' },
    podIndexes,
    settings: settingsIn(process.env),
    ...mirrorTo(history.database),
  });
  await operator.start();
  shutdown.add(() => operator.stop());
  const kubelet = createKubelet(operator, { client, runner, logger });
  await kubelet.start();
  shutdown.add(() => kubelet.stop());
}

function createKubelet(
  { caches }: Operator,
  { logger, ...deps }: { client: HttpClient; runner: PodRunner; logger: Logger },
): Kubelet {
  const kubelet = new Kubelet({
    ...deps,
    pods: caches.pods,
    keptWorkspaces: () => new Set(caches.sandboxes.list().map(keptWorkspaceOf)),
    logger: logger.child({ component: 'kubelet' }),
  });
  caches.sandboxes.subscribe(({ type }) => {
    if (type === 'deleted') kubelet.ownersChanged();
  });
  return kubelet;
}

function authenticationOf(
  { callersFile: path }: LocalConfig,
  deps: { client: HttpClient; logger: Logger },
): { authenticate?: Authenticate } {
  if (path === undefined) return {};
  const rest = { clock: systemClock, tokenAudience: undefined, namespaces: [NAMESPACE] as const };
  return { authenticate: authenticationBy({ ...deps, ...rest, path }) };
}

async function serveRest(
  { config, logger, client, runner, executor, metrics, stored, history }: Parts,
  shutdown: Shutdown,
): Promise<number> {
  const shared = { client, namespace: NAMESPACE, logger: logger.child({ component: 'api-shim' }) };
  const caches = createApiCaches(shared);
  shutdown.add(() => stopCaches(caches));
  await startCaches(caches, new AbortController().signal);
  const closing = new AbortController();
  const app = createApp({
    ...shared,
    closing: closing.signal,
    caches,
    executor,
    addressOf: addressWith(runner),
    logs: client,
    metrics,
    stored,
    version: packageJson.version,
    ...history,
    ...authenticationOf(config, shared),
  });
  const server = await listen(app, { host: LOOPBACK, port: config.port, closing });
  shutdown.add(() => server.close());
  return server.port;
}
