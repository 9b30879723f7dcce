import { EXECUTIONS } from '../../crds/execution.ts';
import type { Execution } from '../../crds/execution.ts';
import type { ExecutorClient, ExecutorTarget } from '../../executor/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import { ConflictError, NotFoundError } from '../../kube/errors.ts';
import type { Logger } from '../../kube/logger.ts';
import { refOf } from '../../kube/objects.ts';
import type { Archive } from '../mirror/archive.ts';
import type { WorkspaceOrder, Workspaces } from '../workspace/workspaces.ts';
import type { InFlightRuns, RunOrder } from './runs.ts';

/** Everything that a decision can have done. Each may be done twice without harm. */
export type Action =
  | { readonly type: 'followRun'; readonly order: RunOrder }
  | { readonly type: 'cancelRun' }
  /** Cancel at an executor that may have a run which this process does not follow. */
  | { readonly type: 'cancelAt'; readonly target: ExecutorTarget }
  | { readonly type: 'forgetRun' }
  | { readonly type: 'keepInHistory' }
  /** The run may have changed files. */
  | { readonly type: 'storeWorkspace'; readonly order: WorkspaceOrder }
  | { readonly type: 'deleteExecution' };

export interface ActDeps {
  readonly client: KubeClient;
  readonly executor: Pick<ExecutorClient, 'cancel'>;
  readonly runs: InFlightRuns;
  readonly workspaces: Workspaces | undefined;
  readonly logger: Logger;
  readonly archive?: Archive | undefined;
}

interface Subject {
  readonly execution: Execution;
  readonly signal: AbortSignal;
}

export async function act(
  deps: ActDeps,
  actions: readonly Action[],
  subject: Subject,
): Promise<void> {
  for (const action of actions) await actOne(deps, action, subject);
}

async function actOne(deps: ActDeps, action: Action, subject: Subject): Promise<void> {
  const { uid } = subject.execution.metadata;
  switch (action.type) {
    case 'followRun':
      deps.runs.ensure(action.order);
      return;
    case 'cancelRun':
      deps.runs.cancel(uid);
      return;
    case 'cancelAt':
      tellCancelled(deps, action.target, uid);
      return;
    case 'forgetRun':
      deps.runs.forget(uid);
      return;
    case 'keepInHistory':
      deps.archive?.keep({ table: 'executions', object: subject.execution });
      return;
    case 'storeWorkspace':
      deps.workspaces?.store(action.order, 'run', uid);
      return;
    case 'deleteExecution':
      return deleteExecution(deps, subject);
  }
}

/** Not waited for: the executor usually has never heard of it. */
function tellCancelled({ executor, logger }: ActDeps, target: ExecutorTarget, uid: string): void {
  executor.cancel(target, uid).catch((error: unknown) => {
    logger.debug('cancelled an execution that its executor does not know', { uid, error });
  });
}

/** Exactly this object, not a later one of its name. */
async function deleteExecution({ client }: ActDeps, { execution, signal }: Subject): Promise<void> {
  try {
    const { uid } = execution.metadata;
    await client.delete(EXECUTIONS, refOf(execution), { uid, signal });
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof ConflictError)) throw error;
  }
}
