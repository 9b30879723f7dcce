import { EXECUTIONS } from '../../crds/execution.ts';
import type { Execution } from '../../crds/execution.ts';
import { FINALIZER } from '../../crds/names.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { ExecutorTarget } from '../../executor/client.ts';
import type { InstallRequest } from '../../executor/contract.ts';
import type { KubeClient, Patch } from '../../kube/client.ts';
import { ConflictError, InvalidError, NotFoundError } from '../../kube/errors.ts';
import { addFinalizerPatch, removeFinalizerPatch } from '../../kube/finalizers.ts';
import { keyOf, refOf } from '../../kube/objects.ts';
import type { KubeObject, ResourceType } from '../../kube/objects.ts';
import { PODS } from '../../kube/pod.ts';
import type { Pod } from '../../kube/pod.ts';
import type { Archive } from '../mirror/archive.ts';
import type { OwnWrites } from '../own-writes.ts';
import type { PackageIndexes } from '../package-index/gateway.ts';
import type { StoreCause, WorkspaceOrder, Workspaces } from '../workspace/workspaces.ts';
import { claimPod, createPod, resizePod } from './acquire-pod.ts';
import type { AcquireDeps, Subject, WantedPod, WantedResize } from './acquire-pod.ts';
import type { Urgency } from './executor-monitor.ts';
import type { Claim, Learned } from './observe.ts';

/** Everything that a decision can have done. Each may be done twice without harm. */
export type Action =
  | { readonly type: 'addFinalizer' }
  | { readonly type: 'removeFinalizer' }
  | { readonly type: 'claimPod'; readonly pool: Claim }
  | ({ readonly type: 'resizePod' } & WantedResize)
  | ({ readonly type: 'createPod' } & WantedPod)
  | { readonly type: 'deletePod'; readonly pod: Pod }
  | { readonly type: 'keepInHistory'; readonly executions: readonly Execution[] }
  | { readonly type: 'deleteSandbox' }
  /** Of the sandbox's spec, unless somebody else has changed it meanwhile. */
  | { readonly type: 'setDesiredState'; readonly from: DesiredState; readonly to: DesiredState }
  | { readonly type: 'deleteExecution'; readonly execution: Execution }
  | { readonly type: 'askHealth'; readonly target: ExecutorTarget; readonly urgency: Urgency }
  | { readonly type: 'askActivity'; readonly target: ExecutorTarget }
  | {
      readonly type: 'install';
      readonly target: ExecutorTarget;
      readonly revision: string;
      readonly indexUrl: string;
      readonly request: InstallRequest;
    }
  | { readonly type: 'forgetInstall' }
  | WorkspaceAction;

type DesiredState = Sandbox['spec']['desiredState'];

export type WorkspaceAction =
  | { readonly type: 'restoreWorkspace'; readonly order: WorkspaceOrder }
  | {
      readonly type: 'storeWorkspace';
      readonly order: WorkspaceOrder;
      readonly cause: StoreCause;
      readonly value: string;
    }
  | { readonly type: 'adoptWorkspace'; readonly order: WorkspaceOrder; readonly value: string }
  | { readonly type: 'removeStoredFiles' };

export interface ActDeps extends AcquireDeps {
  readonly workspaces: Workspaces | undefined;
  readonly writes: OwnWrites<Sandbox>;
  readonly archive?: Archive | undefined;
  readonly packageIndexes: PackageIndexes;
}

/** Carries out the actions in order; what that taught, the next decision must take into account. */
export async function act(
  deps: ActDeps,
  actions: readonly Action[],
  subject: Subject,
): Promise<Learned | undefined> {
  let learned: Learned | undefined;
  for (const action of actions) learned = (await actOne(deps, action, subject)) ?? learned;
  return learned;
}

async function actOne(
  deps: ActDeps,
  action: Action,
  subject: Subject,
): Promise<Learned | undefined> {
  switch (action.type) {
    case 'addFinalizer':
      return patchFinalizer(deps, subject, addFinalizerPatch);
    case 'removeFinalizer':
      return patchFinalizer(deps, subject, removeFinalizerPatch);
    case 'deletePod':
      deps.monitor.forget(action.pod.metadata.uid);
      deps.workspaces?.forget(action.pod.metadata.uid);
      return remove(deps.client, PODS, { object: action.pod, signal: subject.signal });
    case 'deleteSandbox':
      return remove(deps.client, SANDBOXES, { object: subject.sandbox, signal: subject.signal });
    case 'setDesiredState':
      return setDesiredState(deps, action, subject);
    case 'deleteExecution':
      return remove(deps.client, EXECUTIONS, { object: action.execution, signal: subject.signal });
    default:
      return acquire(deps, action, subject);
  }
}

async function acquire(
  deps: ActDeps,
  action: Acquisition | Undertaking,
  subject: Subject,
): Promise<Learned | undefined> {
  switch (action.type) {
    case 'claimPod':
      return claimPod(deps, action.pool, subject);
    case 'resizePod':
      return resizePod(deps, action, subject);
    case 'createPod':
      return createPod(deps, action, subject);
    default:
      begin(deps, action, subject);
      return undefined;
  }
}

type Acquisition = Extract<Action, { readonly type: 'claimPod' | 'resizePod' | 'createPod' }>;

type Undertaking =
  | WorkspaceAction
  | Extract<
      Action,
      { readonly type: 'keepInHistory' | 'askHealth' | 'askActivity' | 'install' | 'forgetInstall' }
    >;

/** What goes on outside the reconcile and has the sandbox looked at again when there is news. */
function begin(deps: ActDeps, action: Undertaking, subject: Subject): void {
  const key = keyOf(refOf(subject.sandbox));
  const sandboxUID = subject.sandbox.metadata.uid;
  switch (action.type) {
    case 'keepInHistory': {
      keepInHistory(deps, action.executions, subject);
      return;
    }
    case 'askHealth': {
      deps.monitor.askHealth(key, action.target, action.urgency);
      return;
    }
    case 'askActivity': {
      deps.monitor.askActivity(key, action.target);
      return;
    }
    case 'install': {
      const index = deps.packageIndexes.open(action.indexUrl);
      deps.installs.ensure({ ...action, forUID: sandboxUID, key, index });
      return;
    }
    case 'forgetInstall': {
      deps.installs.forget(sandboxUID);
      return;
    }
    default:
      actOnWorkspace(deps, action, subject.sandbox);
  }
}

function actOnWorkspace({ workspaces }: ActDeps, action: WorkspaceAction, sandbox: Sandbox): void {
  switch (action.type) {
    case 'restoreWorkspace':
      workspaces?.restore(action.order);
      return;
    case 'storeWorkspace':
      workspaces?.store(action.order, action.cause, action.value);
      return;
    case 'adoptWorkspace':
      workspaces?.adopt(action.order, action.value);
      return;
    case 'removeStoredFiles':
      workspaces?.remove(sandbox.metadata.uid, keyOf(refOf(sandbox)));
  }
}

function keepInHistory(
  { archive }: ActDeps,
  executions: readonly Execution[],
  { sandbox }: Subject,
): void {
  for (const object of executions) archive?.keep({ table: 'executions', object });
  // Last: the row of the sandbox is written when those of its executions are.
  archive?.keep({ table: 'sandboxes', object: sandbox });
}

async function patchFinalizer(
  { client, writes }: ActDeps,
  { sandbox, signal }: Subject,
  patchFor: (object: KubeObject, finalizer: string) => Patch | undefined,
): Promise<undefined> {
  const patch = patchFor(sandbox, FINALIZER.sandbox);
  if (patch === undefined) return;
  try {
    writes.note(sandbox, await client.patch(SANDBOXES, refOf(sandbox), patch, { signal }));
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
}

/** What a person wished meanwhile stands: the watch tells of it. */
async function setDesiredState(
  { client, writes }: ActDeps,
  { from, to }: Extract<Action, { readonly type: 'setDesiredState' }>,
  { sandbox, signal }: Subject,
): Promise<undefined> {
  const patch: Patch = {
    kind: 'json',
    body: [
      { op: 'test', path: '/metadata/uid', value: sandbox.metadata.uid },
      { op: 'test', path: '/spec/desiredState', value: from },
      { op: 'replace', path: '/spec/desiredState', value: to },
    ],
  };
  try {
    writes.note(sandbox, await client.patch(SANDBOXES, refOf(sandbox), patch, { signal }));
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof InvalidError)) throw error;
  }
}

/** Exactly this object, not a later one of its name. */
async function remove<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  { object, signal }: { readonly object: T; readonly signal: AbortSignal },
): Promise<undefined> {
  try {
    await client.delete(type, refOf(object), { uid: object.metadata.uid, signal });
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof ConflictError)) throw error;
  }
}
