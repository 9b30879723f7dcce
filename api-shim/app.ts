import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Registry } from 'prom-client';
import express, { type Express, Router } from 'express';
import { EXECUTIONS } from '../crds/execution.ts';
import { SANDBOXES } from '../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../crds/sandbox-template.ts';
import type { ExecutorAddress, ExecutorClient } from '../executor/client.ts';
import type { KubeClient } from '../kube/client.ts';
import { systemClock, type Clock } from '../kube/clock.ts';
import type { Logger } from '../kube/logger.ts';
import type { Database } from '../storage/history/database.ts';
import type { Pod } from '../kube/pod.ts';
import type { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import type { PodLogs } from '../kube/pod-log.ts';
import {
  allowHosts,
  allowOrigins,
  refuseForeignOrigins,
  securityHeaders,
} from './browser-guard.ts';
import { auditRequests, type Audit } from './audit.ts';
import { authenticateRequests, limitRequests } from './auth/authenticate-requests.ts';
import type { Authenticate } from './auth/authenticator.ts';
import { anonymousIn } from './auth/principal.ts';
import type { KnownObjects } from './caches.ts';
import { Containers } from './containers.ts';
import { documentation } from './docs.ts';
import { answerErrors } from './error-handler.ts';
import { ApiError } from './errors.ts';
import { Executions } from './executions.ts';
import { SessionFiles } from './files/session-files.ts';
import { Executors } from './executor-of.ts';
import { guarded, type TenantRoutes } from './guarded.ts';
import { LiveActivity } from './live-activity.ts';
import { History } from './history.ts';
import { mount } from './mount.ts';
import { openApiDocument } from './open-api.ts';
import { kubernetesProbe, nodesProbe, probeAll, type Probes } from './probes.ts';
import { Repository } from './repository.ts';
import { traceRequests } from './request-tracing.ts';
import type { Route } from './route.ts';
import { batchRoutes } from './routes/batches.ts';
import { dependencyRoutes } from './routes/dependencies.ts';
import { executionRoutes } from './routes/executions.ts';
import { containerRoutes } from './routes/containers.ts';
import { fileRoutes } from './routes/files.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoute } from './routes/metrics.ts';
import { runtimeRoutes } from './routes/runtimes.ts';
import { streamRoutes } from './routes/streams.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { templateRoutes } from './routes/templates.ts';
import { usageRoutes } from './routes/usage.ts';
import { SessionDependencies } from './session-dependencies.ts';
import { Sessions } from './sessions.ts';
import { RunStreams } from './streams/run-streams.ts';
import { StateSync } from './state-sync.ts';
import { Templates } from './templates.ts';

export interface ApiOptions {
  readonly client: KubeClient;
  /** Of the same API server. */
  readonly logs: PodLogs;
  /** Started and synced by whoever made them, with the indexes of `createApiCaches`. */
  readonly caches: KnownObjects;
  readonly executor: ExecutorClient;
  /** Where a pod's executor listens; undefined as long as that is not known. */
  readonly addressOf: (pod: Pod) => ExecutorAddress | undefined;
  /** Where everything of callers without a namespace of their own is created and read. */
  readonly namespace: string;
  /** Other namespaces that callers have, each with its caches. */
  readonly moreTenants?: ReadonlyMap<string, KnownObjects>;
  /** Absent: everybody may do everything. */
  readonly authenticate?: Authenticate;
  /** Where history is kept; absent: what has left the cluster is gone. */
  readonly database?: Database;
  /** Aborts when the server is about to stop; absent: it never tells. */
  readonly closing?: AbortSignal;
  /** Told of every request once it is over. */
  readonly audit?: Audit;
  readonly logger: Logger;
  readonly version: string;
  readonly clock?: Clock;
  /** Of what only some installations have: database, storage. */
  readonly probes?: Probes;
  /** Where files are kept; absent: nowhere but in their pods. */
  readonly stored?: StoredWorkspaces | undefined;
  /** What Prometheus reads; the same for every tenant. */
  readonly metrics?: Registry;
  /** Eight hexadecimal digits for a new id. */
  readonly randomHex?: () => string;
  /** Below 1, for what many must not do in the same moment. */
  readonly random?: () => number;
  readonly bodyLimitBytes?: number;
  /** Origins whose pages may call the API; none by default. */
  readonly corsOrigins?: readonly string[];
  /** Host names that requests may be addressed to; those of loopback by default. */
  readonly allowedHosts?: readonly string[] | 'any';
}

/** Above what the largest valid request takes in UTF-8, and not far above. */
const BODY_LIMIT_BYTES = 2 * 2 ** 20;
const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/** The REST API as an Express application; it listens to nothing by itself. */
export function createApp(options: ApiOptions): Express {
  const { clock = systemClock, corsOrigins = [], allowedHosts = LOOPBACK_HOSTS } = options;
  const routes = guarded(tenantRoutes(options, clock));
  const app = express();
  app.disable('x-powered-by').disable('etag');
  const anonymous = anonymousIn(options.namespace);
  const { logger, closing = new AbortController().signal } = options;
  app.use(traceRequests({ logger, clock, anonymous, closing }));
  if (options.audit !== undefined) app.use(auditRequests(options.audit, clock));
  app.use(
    securityHeaders(),
    allowHosts(allowedHosts),
    refuseForeignOrigins(corsOrigins),
    ...allowOrigins(corsOrigins),
  );
  const described = { version: options.version, authenticates: options.authenticate !== undefined };
  app.use(documentation(() => openApiDocument(routes, described), swaggerUiFolder()));
  if (options.authenticate !== undefined)
    app.use(authenticateRequests(options.authenticate, routes));
  app.use(limitRequests(clock));
  app.use(apiRouter(routes, options.bodyLimitBytes ?? BODY_LIMIT_BYTES));
  app.use(answerErrors);
  return app;
}

function apiRouter(routes: readonly Route[], bodyLimitBytes: number): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  mount(router, routes, bodyLimitBytes);
  router.use(() => {
    throw new ApiError('RouteNotFound', 'Not Found');
  });
  return router;
}

function tenantRoutes(options: ApiOptions, clock: Clock): TenantRoutes {
  const { namespace, caches, moreTenants = new Map<string, KnownObjects>() } = options;
  const tenants = [[namespace, caches] as const, ...moreTenants];
  return new Map(
    tenants.map(([namespace, caches]) => [
      namespace,
      createRoutes({ ...options, namespace, caches }, clock),
    ]),
  );
}

/** All endpoints of one namespace, with everything behind them put together. */
function createRoutes(options: ApiOptions, clock: Clock): readonly Route[] {
  const { client, caches, namespace, database, stored } = options;
  const { randomHex = eightHexDigits, random = Math.random } = options;
  const history = database && new History(database, { namespace, clock });
  const shared = { client, namespace, clock };
  const sandboxes = new Repository({ ...shared, cache: caches.sandboxes, type: SANDBOXES });
  const templates = new Templates({
    namespace,
    clock,
    templates: new Repository({ ...shared, cache: caches.templates, type: SANDBOX_TEMPLATES }),
  });
  const sessions = new Sessions({
    sandboxes,
    templates,
    namespace,
    clock,
    randomHex,
    history,
    stored,
  });
  const executions = new Executions({
    executions: new Repository({ ...shared, cache: caches.executions, type: EXECUTIONS }),
    sandboxes,
    sessions,
    namespace,
    clock,
    randomHex,
    history,
  });
  const { executor, addressOf } = options;
  const executors = new Executors({ client, pods: caches.pods, addressOf });
  const activity = new LiveActivity({ executors, executor, clock });
  const containers = new Containers({
    pods: caches.pods,
    sandboxes: () => sandboxes.list(),
    namespace,
  });
  const streams = new RunStreams({ executions, sandboxes, executors, executor, clock, random });
  const probes = {
    ...(stored && { storage: (signal: AbortSignal) => stored.check(signal) }),
    ...(history === undefined ? {} : { database: () => history.ping() }),
    kubernetes_api: kubernetesProbe(client, namespace),
    runtime_nodes: nodesProbe({ sandboxes: () => sandboxes.list(), executors, executor }),
  };
  const startedAt = clock.now();
  const health = healthRoutes({
    version: options.version,
    uptime: () => (clock.now() - startedAt) / 1000,
    dependencies: () => probeAll({ ...options.probes, ...probes }, clock),
    sync: new StateSync({ namespace, caches, history, stored, clock }),
  });
  return [
    ...health,
    ...sessionRoutes(sessions, activity),
    ...dependencyRoutes(new SessionDependencies({ sandboxes, sessions, clock }), sessions),
    ...executionRoutes(executions),
    ...batchRoutes(executions),
    ...usageRoutes({ sessions, executors, executor, clock }),
    ...containerRoutes({ containers, logs: options.logs, clock }),
    ...streamRoutes({ executions, streams, clock }),
    ...fileRoutes(new SessionFiles({ sessions, sandboxes, executors, executor, stored, clock })),
    ...templateRoutes(templates),
    ...runtimeRoutes({ templates, sandboxes: () => sandboxes.list() }),
    metricsRoute(options.metrics ?? new Registry()),
  ];
}

function eightHexDigits(): string {
  return randomBytes(4).toString('hex');
}

function swaggerUiFolder(): string {
  return path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}
