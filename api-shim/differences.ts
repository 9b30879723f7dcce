import { isFinished, type Execution } from '../crds/execution.ts';
import { isNobodys } from '../crds/ownership.ts';
import { isEnded, type Sandbox } from '../crds/sandbox.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Pod } from '../kube/pod.ts';
import type { OpenRow } from '../storage/history/writer.ts';

/** Ways in which objects, pods, rows and files can be out of step, and who is. Pure. */

export const LIVE_DIFFERENCES = [
  'pods_without_session',
  'sessions_without_pod',
  'executions_without_session',
  'executions_without_executor',
] as const;
export const ROW_DIFFERENCES = [
  'objects_without_row',
  'rows_behind',
  'rows_without_object',
] as const;
export const FILE_DIFFERENCES = ['workspaces_without_session'] as const;

export type Difference = (
  typeof LIVE_DIFFERENCES | typeof ROW_DIFFERENCES | typeof FILE_DIFFERENCES
)[number];

/** Each by what tells it from others of its kind; a kind that is absent was not looked for. */
export type Differences = Readonly<Partial<Record<Difference, ReadonlySet<string>>>>;

export interface LiveState {
  readonly sandboxes: readonly Sandbox[];
  readonly templates: readonly SandboxTemplate[];
  readonly executions: readonly Execution[];
  readonly pods: readonly Pod[];
}

export function liveDifferences({
  sandboxes,
  templates,
  executions,
  pods,
}: LiveState): Differences {
  const owners = uidsOf([...sandboxes, ...templates]);
  const names = new Set(sandboxes.map(({ metadata }) => metadata.name));
  const serving = uidsOf(pods.filter(canServe));
  const isLost = (podUID: string | undefined): boolean =>
    podUID !== undefined && !serving.has(podUID);
  const unfinished = executions.filter((execution) => !isFinished(execution));
  const hasSession = ({ spec }: Execution): boolean => names.has(spec.sandboxRef.name);
  const isMeantToRun = ({ spec, metadata }: Sandbox): boolean =>
    spec.desiredState === 'Running' && metadata.deletionTimestamp === undefined;
  return {
    pods_without_session: uidsOf(pods.filter((pod) => isNobodys(pod, owners))),
    sessions_without_pod: uidsOf(
      sandboxes.filter(
        (sandbox) => isMeantToRun(sandbox) && !isEnded(sandbox) && isLost(sandbox.status?.podUID),
      ),
    ),
    executions_without_session: uidsOf(unfinished.filter((execution) => !hasSession(execution))),
    executions_without_executor: uidsOf(
      unfinished.filter((execution) => hasSession(execution) && isLost(execution.status?.podUID)),
    ),
  };
}

/** All objects before and after the rows were read: only what is the same in both can be compared with them. */
export interface TwoLooks {
  readonly before: readonly KubeObject[];
  readonly after: readonly KubeObject[];
}

export function rowDifferences({ before, after }: TwoLooks, rows: readonly OpenRow[]): Differences {
  const written = new Map(rows.map(({ uid, resourceVersion }) => [uid, resourceVersion]));
  const later = new Set(after.map(versionOf));
  const settled = before.filter((object) => later.has(versionOf(object)));
  const there = uidsOf([...before, ...after]);
  const behind = settled.filter(({ metadata: { uid, resourceVersion } }) => {
    const version = written.get(uid);
    return version !== undefined && version !== resourceVersion;
  });
  return {
    objects_without_row: uidsOf(settled.filter(({ metadata }) => !written.has(metadata.uid))),
    // By their versions: one that was renewed and is behind once more is another difference.
    rows_behind: new Set(behind.map(versionOf)),
    rows_without_object: new Set([...written.keys()].filter((uid) => !there.has(uid))),
  };
}

function versionOf({ metadata }: KubeObject): string {
  return `${metadata.uid} ${metadata.resourceVersion}`;
}

function canServe({ status }: Pod): boolean {
  return status?.phase !== 'Failed' && status?.phase !== 'Succeeded';
}

function uidsOf(objects: readonly KubeObject[]): ReadonlySet<string> {
  return new Set(objects.map(({ metadata }) => metadata.uid));
}
