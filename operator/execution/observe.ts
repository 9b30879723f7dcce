import type { Execution } from '../../crds/execution.ts';
import { countAhead } from '../../crds/execution-queue.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { ExecutorAddress, ExecutorTarget } from '../../executor/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { NotFoundError } from '../../kube/errors.ts';
import { parseKey } from '../../kube/objects.ts';
import type { Pod } from '../../kube/pod.ts';
import { INDEX, sandboxKeyOf, templateKeyOf } from '../caches.ts';
import type { Caches } from '../caches.ts';
import type { Archive } from '../mirror/archive.ts';
import type { OwnWrites } from '../own-writes.ts';
import { podState } from '../sandbox/pod-state.ts';
import { handedTo, isHandedOver } from './handed-to.ts';
import type { InFlightRuns, RunView } from './runs.ts';

/** Everything that a decision about one execution looks at. */
export interface Observed {
  readonly execution: Execution;
  readonly sandbox: Sandbox | undefined;
  readonly template: SandboxTemplate | undefined;
  /** The pod that it was handed to, or else the one that serves its sandbox. */
  readonly pod: Pod | undefined;
  /** Where to reach that pod's executor. */
  readonly target: ExecutorTarget | undefined;
  /** Absent: this process does not follow the run. */
  readonly run: RunView | undefined;
  /** How many other executions of its sandbox run or have their turn before it. */
  readonly ahead: number;
  /** It appeared while this process leads: nobody else can have handed it out. */
  readonly isNewcomer: boolean;
  /** Whether history has it as it is, and as one whose time is up; undefined: there is no history. */
  readonly isMirrored: boolean | undefined;
  readonly now: number;
}

export interface ObserveDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly caches: Caches;
  readonly runs: InFlightRuns;
  readonly writes: OwnWrites<Execution>;
  readonly sandboxWrites: OwnWrites<Sandbox>;
  readonly isNewcomer: (uid: string) => boolean;
  /** Absent: there is no history. */
  readonly archive?: Archive | undefined;
  /** Undefined as long as a pod has no address. */
  readonly addressOf: (pod: Pod) => ExecutorAddress | undefined;
}

/** Undefined: the execution is gone. */
export async function observe(
  deps: ObserveDeps,
  key: string,
  signal: AbortSignal,
): Promise<Observed | undefined> {
  const cached = deps.caches.executions.get(parseKey(key));
  if (cached === undefined) return undefined;
  const execution = deps.writes.newest(cached);
  const seen = look(deps, execution, cachedSandbox(deps, execution));
  if (!looksLost(seen)) return seen;
  return look(deps, execution, await currentSandbox(deps, execution, signal));
}

function look(deps: ObserveDeps, execution: Execution, sandbox: Sandbox | undefined): Observed {
  const run = deps.runs.view(execution.metadata.uid);
  const pod = cachedPod(deps, execution, run ?? execution.status, sandbox?.status);
  return {
    execution,
    sandbox,
    template: sandbox && deps.caches.templates.get(parseKey(templateKeyOf(sandbox))),
    pod,
    target: targetOf(deps, pod),
    run,
    ahead: ahead(deps, execution),
    isNewcomer: deps.isNewcomer(execution.metadata.uid),
    isMirrored: deps.archive?.isKept(execution),
    now: deps.clock.now(),
  };
}

function ahead({ caches, runs, writes }: ObserveDeps, execution: Execution): number {
  const others = caches.executions.byIndex(INDEX.unfinished, sandboxKeyOf(execution));
  const newest = others.map((other) => writes.newest(other));
  return countAhead(execution, newest, (other) => isHandedOver(other, runs));
}

function cachedSandbox(deps: ObserveDeps, execution: Execution): Sandbox | undefined {
  const cached = deps.caches.sandboxes.get(parseKey(sandboxKeyOf(execution)));
  return cached && deps.sandboxWrites.newest(cached);
}

interface PodIdentity {
  readonly podName?: string | undefined;
  readonly podUID?: string | undefined;
}

function cachedPod(
  { caches }: ObserveDeps,
  { metadata }: Execution,
  ...candidates: readonly (PodIdentity | undefined)[]
): Pod | undefined {
  const wanted = candidates.find((candidate) => candidate?.podUID !== undefined);
  if (wanted?.podName === undefined) return undefined;
  const pod = caches.pods.get({ namespace: metadata.namespace ?? '', name: wanted.podName });
  return pod?.metadata.uid === wanted.podUID ? pod : undefined;
}

function targetOf({ addressOf }: ObserveDeps, pod: Pod | undefined): ExecutorTarget | undefined {
  const address = pod && addressOf(pod);
  return pod && address && { podUID: pod.metadata.uid, address };
}

/**
 * What the caches of two kinds say together may never have been true: they are not ordered. So before an execution
 * ends because of its sandbox or its pod, the sandbox is asked for at the server.
 */
function looksLost(seen: Observed): boolean {
  if (seen.sandbox === undefined || seen.run?.progress.phase === 'lost') return true;
  const podUID = handedTo(seen);
  if (podUID === undefined) return false;
  return seen.sandbox.status?.podUID !== podUID || podState(seen.pod).kind === 'over';
}

async function currentSandbox(
  { client }: ObserveDeps,
  execution: Execution,
  signal: AbortSignal,
): Promise<Sandbox | undefined> {
  try {
    return await client.get(SANDBOXES, parseKey(sandboxKeyOf(execution)), signal);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
