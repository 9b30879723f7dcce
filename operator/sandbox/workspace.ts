import { ANNOTATION } from '../../crds/names.ts';
import { SANDBOX_CONDITIONS } from '../../crds/reasons.ts';
import type { WorkspaceReason } from '../../crds/reasons.ts';
import { isEnded } from '../../crds/sandbox.ts';
import type { SandboxStatus } from '../../crds/sandbox.ts';
import { findCondition, setCondition } from '../../kube/conditions.ts';
import type { ConditionUpdate } from '../../kube/conditions.ts';
import type { Settings } from '../settings.ts';
import { timeOf } from '../timestamp.ts';
import { workspaceOrder } from '../workspace/order.ts';
import type { StoreCause } from '../workspace/workspaces.ts';
import type { WorkspaceAction } from './act.ts';
import { isReady } from './deadlines.ts';
import type { Observed } from './observe.ts';
import { isLive, podState } from './pod-state.ts';

/** What becomes of a sandbox's files: pure answers that the rules of decide.ts and status.ts put together. */

/** Its files must come into this pod before it serves: an earlier pod, which was Ready, is lost or was given up. */
export function mustRestore(seen: Observed): boolean {
  if (seen.workspace === undefined || seen.target === undefined || isReady(seen)) return false;
  const { readyAt } = seen.sandbox.status ?? {};
  return readyAt === undefined && !isNew(seen) && seen.workspace.restored === undefined;
}

export function restore(seen: Observed): readonly WorkspaceAction[] {
  const order = workspaceOrder(seen);
  return order === undefined ? [] : [{ type: 'restoreWorkspace', order }];
}

/** What a serving sandbox has to have stored that nobody asked for yet. Runs ask by themselves. */
export function storeChanges(seen: Observed): readonly WorkspaceAction[] {
  const { workspace, sandbox, pod } = seen;
  const order = workspaceOrder(seen);
  if (workspace === undefined || order === undefined || pod === undefined) return [];
  const actions: WorkspaceAction[] = [];
  const { uid } = pod.metadata;
  if (workspace.asked.seen !== uid) {
    actions.push(
      isNew(seen)
        ? { type: 'adoptWorkspace', order, value: uid }
        : { type: 'storeWorkspace', order, cause: 'seen', value: uid },
    );
  }
  const changedAt = sandbox.metadata.annotations?.[ANNOTATION.filesChangedAt];
  if (changedAt !== undefined && workspace.asked.files !== changedAt)
    actions.push({ type: 'storeWorkspace', order, cause: 'files', value: changedAt });
  return actions;
}

/** No pod of it was ever Ready, so nobody can have put anything into its workspace. */
function isNew({ sandbox: { status } }: Observed): boolean {
  const { readyAt, lostAt, suspendedAt } = status ?? {};
  return [readyAt, lostAt, suspendedAt].every((time) => time === undefined);
}

/** All that may be in the workspace of a sandbox whose pod is about to be given up. */
export function storeBeforeSuspension(seen: Observed): readonly WorkspaceAction[] {
  const order = workspaceOrder(seen);
  const value = seen.sandbox.status?.suspendedAt;
  if (order === undefined || value === undefined) return [];
  return [...storeChanges(seen), { type: 'storeWorkspace', order, cause: 'end', value }];
}

/** Every change that anybody told of is stored since then, and no file had to be left out. */
export function isStoredForSuspension({ sandbox, workspace }: Observed): boolean {
  if (workspace === undefined || workspace.left > 0) return false;
  const { asked, stored } = workspace;
  const wanted = {
    ...asked,
    files: sandbox.metadata.annotations?.[ANNOTATION.filesChangedAt],
    end: sandbox.status?.suspendedAt,
  };
  return Object.entries(wanted).every(
    ([cause, value]) => value === undefined || stored[cause as StoreCause] === value,
  );
}

/** How long its pod has to stay because its files may not all be stored; 0: it may go. */
export function awaitStoredMs(seen: Observed, { storeTimeoutMs }: Settings): number {
  if (!mayHoldUnstored(seen)) return 0;
  const endedAt = timeOf(seen.sandbox.status?.terminatedAt) ?? seen.now;
  return Math.max(endedAt + storeTimeoutMs - seen.now, 0);
}

export function storeLastChanges(seen: Observed): readonly WorkspaceAction[] {
  const order = workspaceOrder(seen);
  const value = seen.sandbox.status?.terminatedAt;
  if (order === undefined || value === undefined) return [];
  return [{ type: 'storeWorkspace', order, cause: 'end', value }];
}

function mayHoldUnstored({ sandbox, pod, target, workspace }: Observed): boolean {
  const { readyAt, terminatedAt } = sandbox.status ?? {};
  if (workspace === undefined || target === undefined || pod === undefined) return false;
  if (!isLive(pod) || podState(pod).kind !== 'running' || readyAt === undefined) return false;
  return workspace.stored.end !== terminatedAt;
}

/** Something may be stored of it that has to go with it. */
export function mustRemoveStored(seen: Observed): boolean {
  const { workspace } = seen;
  return workspace !== undefined && !isNew(seen) && workspace.removal?.isDone !== true;
}

/** When the files that cannot be stored come to be told. */
export function storeQuietUntil(
  { workspace }: Observed,
  { storeQuietMs }: Settings,
): number | undefined {
  const since = workspace?.failingSince;
  return since === undefined ? undefined : since + storeQuietMs;
}

/** The status with what there is to tell of the files; the ordinary case costs no write. */
export function withWorkspace(
  seen: Observed,
  status: SandboxStatus,
  settings: Settings,
): SandboxStatus {
  const observedGeneration = seen.sandbox.metadata.generation ?? 0;
  return [restoredCondition(seen), storedCondition(seen, settings)]
    .filter((stated) => stated !== undefined)
    .reduce((next, stated) => {
      const told = { ...stated, observedGeneration };
      return { ...next, conditions: [...setCondition(next.conditions, told, seen.now)] };
    }, status);
}

function restoredCondition({ workspace }: Observed): ConditionUpdate | undefined {
  if (workspace?.restored === undefined) return undefined;
  const { files, bytes, left } = workspace.restored;
  const words = `${String(files)} files of ${String(bytes)} bytes`;
  const message = left === 0 ? words : `${words}; ${String(left)} could not be restored`;
  return update(SANDBOX_CONDITIONS.workspaceRestored, 'True', { reason: 'Restored', message });
}

function storedCondition(seen: Observed, settings: Settings): ConditionUpdate | undefined {
  if (seen.workspace === undefined) return undefined;
  const { problem: message = '' } = seen.workspace;
  if (isEnded(seen.sandbox) && mayHoldUnstored(seen)) {
    const words = `the last changes were not stored in time: ${message}`;
    return update(STORED, 'False', { reason: 'StoreTimeout', message: words });
  }
  const quietUntil = storeQuietUntil(seen, settings);
  if (quietUntil === undefined) return storedAgain(seen, seen.workspace.left);
  if (quietUntil > seen.now) return undefined;
  return update(STORED, 'False', { reason: 'StorageUnavailable', message });
}

/** Said where the contrary was, or where it is not the whole truth. */
function storedAgain({ sandbox }: Observed, left: number): ConditionUpdate | undefined {
  const isTold = findCondition(sandbox.status?.conditions, STORED) !== undefined;
  if (isEnded(sandbox) || (!isTold && left === 0)) return undefined;
  return update(STORED, 'True', { reason: 'Stored', message: left === 0 ? '' : leftWords(left) });
}

/** Of files that cannot be stored, whatever is tried. */
export function leftWords(left: number): string {
  return `${String(left)} files are too large to be stored, too many, or their names too long`;
}

const STORED = SANDBOX_CONDITIONS.workspaceStored;

function update(
  type: string,
  status: 'True' | 'False',
  words: { readonly reason: WorkspaceReason; readonly message: string },
): ConditionUpdate {
  return { type, status, ...words };
}
