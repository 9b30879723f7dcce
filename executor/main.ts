import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../kube/clock.ts';
import { ActivityLog } from './activity.ts';
import { createGarbageCollector } from './collect-garbage.ts';
import { readConfig } from './config.ts';
import { Dependencies } from './dependencies.ts';
import { dependencyRoutes, indexUpgrade } from './dependency-routes.ts';
import { Execution, type ExecutionContext } from './execution.ts';
import { executionRoutes } from './execution-routes.ts';
import { Executions } from './executions.ts';
import { FolderSizer } from './folder-size.ts';
import { fileRoutes } from './file-routes.ts';
import { createJsonLog } from './json-log.ts';
import { Launcher } from './launcher.ts';
import { HttpListener } from './listener.ts';
import { loadNative } from './native.ts';
import { watchOomKills } from './oom-kills.ts';
import { NetworkGate } from './network-gate.ts';
import { ProblemError } from './problem.ts';
import { LentIndex } from './package-index.ts';
import { rehearse } from './rehearsal.ts';
import { createRouter } from './router.ts';
import { statusRoutes } from './status-routes.ts';
import { TokenVerifier } from './token.ts';
import { WorkspaceChanges } from './workspace-changes.ts';
import { Workspace } from './workspace.ts';

const VERSION = '1';
const EVENT_LIMITS = { bytes: 524_288, events: 4_096 };
const RETENTION = { running: 64, finished: 256, finishedBytes: 25_165_824, forgottenIds: 50_000 };

const log = createJsonLog({ component: 'executor' });
// Everything here rests on it: signals from inside do not reach PID 1, and what it kills with -1 is its own container.
if (process.pid !== 1) throw new Error('the executor must be PID 1 of its container');
const native = loadNative();
native.makeUnreadable();
native.ignoreSignals();

const clock = systemClock;
const config = readConfig(process.env);
const network = new NetworkGate(config.forbiddenAddress);
const workspace = realpathSync(config.workspace);
const launcher = new Launcher({
  python: 'python3',
  script: join(import.meta.dirname, 'launcher.py'),
  settings: {
    workspace,
    path: config.path,
    node: process.execPath,
    nodeArguments: [join(import.meta.dirname, 'node-runner.mjs')],
    env: config.userEnv,
  },
  native,
  passed: createGarbageCollector(),
  log,
});
const files = new Workspace(workspace);
const changes = new WorkspaceChanges(workspace, files);
await changes.open();
const base = { launcher, clock, oomKills: watchOomKills(), events: EVENT_LIMITS, changes };
const index = new LentIndex();
const dependencies = new Dependencies({
  root: config.dependencies,
  index,
  run: (id, request, env) => new Execution(id, request, { ...base, surroundings: () => ({ env }) }),
  path: config.path,
  clock,
  log,
});
const context: ExecutionContext = {
  ...base,
  surroundings: (own) => dependencies.surround({ ...config.userEnv, ...own }),
};
const executions = new Executions(context, RETENTION);
const activity = new ActivityLog(
  clock,
  () => executions.running + (dependencies.isInstalling ? 1 : 0),
);
const sizer = new FolderSizer(workspace, () => clock.monotonic());
const languages = await launcher.open();
const verifier = new TokenVerifier(config.publicKey, config.audience, clock);
const accepts = async (token: string): Promise<boolean> => {
  if (!(await verifier.accepts(token))) return false;
  if (!network.isClosed) throw new ProblemError('Busy', 'the network of the pod is still open');
  return true;
};
const router = createRouter(
  [
    ...executionRoutes(executions, activity, log),
    ...dependencyRoutes(dependencies, activity),
    ...fileRoutes({ workspace: files, changes, activity }),
    ...statusRoutes({ activity, languages, version: VERSION, network, workspace: sizer }),
  ],
  accepts,
  (error, requestId) => {
    const text = error instanceof Error ? error.stack : String(error);
    log.error('request failed', { requestId, error: text });
  },
);
const handlers = { request: router, upgrade: indexUpgrade(index, accepts) };
await new HttpListener(config.listen, handlers, log).open();
rehearse({
  routes: executionRoutes(new Executions(context, RETENTION), new ActivityLog(clock, () => 0)),
  pause: sleep,
  isUsed: () => executions.isUsed,
}).catch((error: unknown) => {
  // Without it the first run is slower, and nothing else.
  log.warn('no rehearsal', { error: String(error) });
});
log.info('listening', { address: config.listen, languages });
