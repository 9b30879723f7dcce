import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { FIELD_MANAGER } from '../crds/names.ts';
import { clusterAddressOf } from '../executor/address.ts';
import { EXECUTOR_PORT } from '../executor/contract.ts';
import { HttpExecutorClient } from '../executor/http-client.ts';
import { TokenSigner } from '../executor/token.ts';
import { systemClock } from '../kube/clock.ts';
import { createHttpClient } from '../kube/http-client.ts';
import { loadKubeConfig } from '../kube/kube-config.ts';
import { createLogger } from '../kube/logging.ts';
import { Database } from '../storage/history/database.ts';
import { openObjectStore } from '../storage/objects/open.ts';
import { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import { operatorConfig, type OperatorConfig } from './config.ts';
import { packageIndexConfig } from './package-index/config.ts';
import { createPackageIndexes } from './package-index/create.ts';
import { createOperator, type Operator, type OperatorDeps } from './operator.ts';

/** The operator as a process of its own in a cluster. */
async function main(): Promise<void> {
  const stopping = stopSignal();
  const config = operatorConfig(process.env);
  const privateKey = createPrivateKey(await readFile(config.signingKeyFile));
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const client = createHttpClient(loadKubeConfig(), { userAgent: FIELD_MANAGER.operator });
  const executor = new HttpExecutorClient(new TokenSigner(privateKey, systemClock));
  const pod = {
    executorPublicKey: publicKey.toString('base64'),
    executorListen: `tcp://0.0.0.0:${EXECUTOR_PORT}`,
    forbiddenAddress: config.forbiddenAddress,
  };
  const database = databaseIn(config);
  const history = database && { database, retention: config.retention };
  const logger = createLogger({ level: config.logLevel, fields: { component: 'operator' } });
  const packages = packageIndexConfig(process.env);
  const cache = packages.cacheFolder ?? join(tmpdir(), 'sandbox-packages');
  const registry = new Registry();
  const lent = await createPackageIndexes(packages, cache, {
    clock: systemClock,
    logger,
    registry,
  });
  const packageIndexes = lent.indexes;
  const store = openObjectStore(process.env);
  const stored = store && new StoredWorkspaces(store);
  const parts = {
    client,
    discovery: client,
    executor,
    pod,
    logger,
    registry,
    packageIndexes,
    stored,
  };
  const operator = operatorIn(config, { ...parts, ...(history === undefined ? {} : { history }) });
  await operator.run(stopping);
  await lent.close();
  await database?.close();
  await executor.close();
  store?.close();
  await client.close();
}

function databaseIn({ databaseUrl: url }: OperatorConfig): Database | undefined {
  return url === undefined ? undefined : new Database({ url, clock: systemClock });
}

function operatorIn(
  config: OperatorConfig,
  parts: Pick<
    OperatorDeps,
    | 'client'
    | 'discovery'
    | 'executor'
    | 'pod'
    | 'logger'
    | 'registry'
    | 'packageIndexes'
    | 'history'
    | 'stored'
  >,
): Operator {
  const { namespace, settings, lease, healthPort } = config;
  return createOperator({
    ...parts,
    namespace,
    settings,
    addressOf: clusterAddressOf,
    clock: systemClock,
    random: Math.random,
    // A pod's container can start anew under the same name; its predecessor's lease is not its own.
    identity: `${config.podName ?? hostname()}_${randomBytes(4).toString('hex')}`,
    ...(lease === undefined ? {} : { lease }),
    ...(healthPort === undefined ? {} : { http: { port: healthPort } }),
  });
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
  process.stderr.write(`operator: ${reasonOf(error)}\n`);
  process.exit(1);
});
