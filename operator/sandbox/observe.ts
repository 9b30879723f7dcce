import type { Execution } from '../../crds/execution.ts';
import { LABEL } from '../../crds/names.ts';
import { incarnationOf, isEnded, SANDBOXES } from '../../crds/sandbox.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { ExecutorAddress, ExecutorTarget } from '../../executor/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { NotFoundError } from '../../kube/errors.ts';
import { keyOf, parseKey, refOf } from '../../kube/objects.ts';
import type { KubeObject, ObjectRef, ResourceType } from '../../kube/objects.ts';
import { isControlledBy } from '../../kube/owner-reference.ts';
import { PODS } from '../../kube/pod.ts';
import type { Pod } from '../../kube/pod.ts';
import { INDEX, templateKeyOf } from '../caches.ts';
import type { Caches } from '../caches.ts';
import type { ClusterAbilities } from '../cluster-abilities.ts';
import type { CreatedPods } from '../created-pods.ts';
import type { Archive } from '../mirror/archive.ts';
import type { OwnWrites } from '../own-writes.ts';
import type { Removal, Workspaces, WorkspaceView } from '../workspace/workspaces.ts';
import type { WarmPools } from '../warm-pools.ts';
import type { ExecutorMonitor, ExecutorView } from './executor-monitor.ts';
import type { InFlightInstalls, InstallView } from './installs.ts';
import { expectedPodName, isServingPod, sandboxLabel } from './pod-name.ts';
import { isLive, podState } from './pod-state.ts';
import { poolMake } from './pod.ts';
import { preferredNodes } from './preferred-nodes.ts';
import type { PodSettings } from './pod.ts';

/** Everything that a decision about one sandbox looks at. */
export interface Observed {
  readonly sandbox: Sandbox;
  readonly template: SandboxTemplate | undefined;
  /** Every pod that this sandbox controls. */
  readonly pods: readonly Pod[];
  /** The one among them that should serve now. */
  readonly pod: Pod | undefined;
  /** Where to reach the executor of `pod`, once it can be reached. */
  readonly target: ExecutorTarget | undefined;
  /** What the executor of `pod` said. */
  readonly executor: ExecutorView;
  /** How its files are looked after; undefined: they are not, for there is no store. */
  readonly workspace: ObservedWorkspace | undefined;
  readonly executions: readonly Execution[];
  /** The installation of packages that this process follows. */
  readonly install: InstallView | undefined;
  /** Nodes that its next pod had better run on; none while it has one. */
  readonly nodes: readonly string[];
  /** Where a started pod for it can be had at once; absent: nowhere. */
  readonly pool: PoolOffer | undefined;
  /** What acting on the decision before this one brought to light. */
  readonly learned: Learned | undefined;
  /** Whether history has it and its executions as they are, and as objects whose time is up; undefined: there is no history. */
  readonly isMirrored: boolean | undefined;
  readonly now: number;
}

export interface ObservedWorkspace extends WorkspaceView {
  /** Of what is stored of a sandbox that is deleted; absent: nobody asked for it. */
  readonly removal?: Removal | undefined;
}

export interface PoolOffer {
  readonly template: SandboxTemplate;
  /** Of the pods that fit. */
  readonly make: string;
  /** The cluster can change the cpu and memory of a pod that runs. */
  readonly canResize: boolean;
}

export interface Claim extends PoolOffer {
  /** The sandbox asks for other resources than the pod has: it serves once its node has applied them. */
  readonly resizes: boolean;
}

export type Learned =
  | { readonly type: 'podRefused'; readonly message: string }
  | { readonly type: 'quotaExceeded'; readonly message: string }
  | { readonly type: 'podNameTaken' }
  | { readonly type: 'podClaimed'; readonly pod: Pod }
  | { readonly type: 'podResized'; readonly pod: Pod }
  | { readonly type: 'resizeRefused' }
  | { readonly type: 'poolEmpty' };

export interface ObserveDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly caches: Caches;
  readonly monitor: ExecutorMonitor;
  readonly installs: InFlightInstalls;
  readonly workspaces: Workspaces | undefined;
  readonly createdPods: CreatedPods;
  readonly pools: WarmPools;
  readonly abilities: Pick<ClusterAbilities, 'resizesPods'>;
  readonly pod: PodSettings;
  readonly writes: OwnWrites<Sandbox>;
  /** Absent: there is no history. */
  readonly archive?: Archive | undefined;
  /** Undefined as long as a pod has no address. */
  readonly addressOf: (pod: Pod) => ExecutorAddress | undefined;
}

/** How a sandbox is looked at. */
export interface Look {
  /** This process leads since a moment ago: what its predecessor wrote last may not have come to its caches. */
  readonly isNewLeader: boolean;
  readonly signal: AbortSignal;
}

/** Undefined: the sandbox is gone. */
export async function observe(
  deps: ObserveDeps,
  key: string,
  look: Look,
): Promise<Observed | undefined> {
  const { signal } = look;
  const cached = deps.caches.sandboxes.get(parseKey(key));
  if (cached === undefined) return undefined;
  const sandbox = await confirmed(deps, deps.writes.newest(cached), look);
  if (sandbox === undefined) return undefined;
  const pods = await podsOf(deps, sandbox, signal);
  const template = deps.caches.templates.get(parseKey(templateKeyOf(sandbox)));
  const executions = deps.caches.executions.byIndex(INDEX.sandbox, keyOf(refOf(sandbox)));
  return {
    sandbox,
    template,
    ...serving(deps, sandbox, pods),
    nodes: pods.some((pod) => isServingPod(sandbox, pod)) ? [] : nodesFor(deps, template),
    pool: offerOf(deps, template),
    executions,
    install: deps.installs.view(sandbox.metadata.uid),
    learned: undefined,
    isMirrored: isMirrored(deps, [sandbox, ...executions]),
    now: deps.clock.now(),
  };
}

function isMirrored({ archive }: ObserveDeps, objects: readonly KubeObject[]): boolean | undefined {
  return archive && objects.every((object) => archive.isKept(object));
}

/** What acting brought to light, as a part of what is decided on next. */
export function withLearned(deps: ObserveDeps, seen: Observed, learned: Learned): Observed {
  if (learned.type !== 'podClaimed' && learned.type !== 'podResized') return { ...seen, learned };
  const { sandbox } = seen;
  const others = seen.pods.filter(({ metadata }) => metadata.uid !== learned.pod.metadata.uid);
  const install = deps.installs.view(sandbox.metadata.uid);
  return { ...seen, ...serving(deps, sandbox, [...others, learned.pod]), install, learned };
}

function serving(
  deps: ObserveDeps,
  sandbox: Sandbox,
  pods: readonly Pod[],
): Pick<Observed, 'pods' | 'pod' | 'target' | 'executor' | 'workspace'> {
  const pod = pods.find((candidate) => isServingPod(sandbox, candidate));
  const executor = pod === undefined ? {} : deps.monitor.view(pod.metadata.uid);
  const workspace = workspaceOf(deps, sandbox, pod);
  return { pods, pod, target: targetOf(deps, pod), executor, workspace };
}

function nodesFor(
  { caches }: ObserveDeps,
  template: SandboxTemplate | undefined,
): readonly string[] {
  if (template === undefined) return [];
  return preferredNodes(template, caches.pods.byIndex(INDEX.madeFrom, keyOf(refOf(template))));
}

function offerOf(
  { pools, pod, abilities }: ObserveDeps,
  template: SandboxTemplate | undefined,
): PoolOffer | undefined {
  if (template === undefined || pools.members(template).length === 0) return undefined;
  const make = poolMake(template, pod);
  if (!pools.hasReady(template, make)) return undefined;
  return { template, make, canResize: abilities.resizesPods };
}

/**
 * The sandbox, asked for at the server where the caches may not know it: if it has living pods that its status does not explain, because the cache of
 * sandboxes may be behind that of pods; and if it seems to need a pod to a new leader, because the one before may have given it one that no cache shows yet.
 */
async function confirmed(
  { client, caches }: ObserveDeps,
  sandbox: Sandbox,
  { isNewLeader, signal }: Look,
): Promise<Sandbox | undefined> {
  const owned = caches.pods.byIndex(INDEX.owner, sandbox.metadata.uid);
  const isExplained = owned.every((pod) => isServingPod(sandbox, pod) || !isLive(pod));
  if (isExplained && !(isNewLeader && needsPod(sandbox, owned))) return sandbox;
  const current = await find(client, SANDBOXES, { ref: refOf(sandbox), signal });
  return current?.metadata.uid === sandbox.metadata.uid ? current : undefined;
}

function needsPod(sandbox: Sandbox, owned: readonly Pod[]): boolean {
  const { spec, status } = sandbox;
  const isResting = status?.phase === 'Suspended' && spec.desiredState === 'Suspended';
  if (isResting || isEnded(sandbox)) return false;
  return !owned.some((pod) => isServingPod(sandbox, pod) && podState(pod).kind !== 'over');
}

async function podsOf(
  deps: ObserveDeps,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  const cached = deps.caches.pods.byIndex(INDEX.owner, sandbox.metadata.uid);
  const isServing = (pod: Pod): boolean => isServingPod(sandbox, pod);
  if (cached.some(isServing)) return cached;
  const created = deps.createdPods.find(sandbox.metadata.uid, isServing);
  if (created !== undefined) return [...cached, created];
  const claimed = await unsettledClaim(deps, sandbox, signal);
  if (claimed !== undefined) return [...cached, claimed];
  return [...cached, ...(await podsUnseen(deps, sandbox, signal))];
}

/** The pod of a claim whose outcome never arrived, if the claim succeeded: before that is known, no second pod may be tried. */
async function unsettledClaim(
  { client, pools, createdPods }: ObserveDeps,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<Pod | undefined> {
  const { uid } = sandbox.metadata;
  const claim = pools.unsettledClaim(uid);
  if (claim === undefined) return undefined;
  const pod = await find(client, PODS, { ref: refOf(claim), signal });
  pools.settleClaim(uid);
  if (pod === undefined || !isControlledBy(pod, sandbox)) return undefined;
  createdPods.remember(uid, pod);
  return pod;
}

/** Absence from a cache proves nothing, so what would follow from it is confirmed at the server first. */
async function podsUnseen(
  { client, caches }: ObserveDeps,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  if (sandbox.metadata.deletionTimestamp !== undefined) {
    if (caches.pods.byIndex(INDEX.owner, sandbox.metadata.uid).length > 0) return [];
    return listPods(client, sandbox, signal);
  }
  if (sandbox.status?.podUID === undefined) return [];
  return recordedPod(client, sandbox, signal);
}

async function recordedPod(
  client: KubeClient,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  const ref = { namespace: sandbox.metadata.namespace ?? '', name: expectedPodName(sandbox) };
  const pod = await find(client, PODS, { ref, signal });
  return pod !== undefined && isControlledBy(pod, sandbox) ? [pod] : [];
}

/** One that was taken from a pool has no label of its sandbox, but stands in the status; in the moment between the two it is left to garbage collection. */
async function listPods(
  client: KubeClient,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  if (incarnationOf(sandbox) === 0 && sandbox.status?.podName !== undefined)
    return recordedPod(client, sandbox, signal);
  const labelSelector = `${LABEL.sandbox}=${sandboxLabel(sandbox)}`;
  const namespace = sandbox.metadata.namespace ?? '';
  const { items } = await client.list(PODS, { namespace, labelSelector, signal });
  return items.filter((pod) => isControlledBy(pod, sandbox));
}

async function find<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  { ref, signal }: { readonly ref: ObjectRef; readonly signal: AbortSignal },
): Promise<T | undefined> {
  try {
    return await client.get(type, ref, signal);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

function workspaceOf(
  { workspaces }: ObserveDeps,
  sandbox: Sandbox,
  pod: Pod | undefined,
): ObservedWorkspace | undefined {
  if (workspaces === undefined) return undefined;
  const removal = workspaces.removal(sandbox.metadata.uid);
  return { ...workspaces.view(pod?.metadata.uid ?? ''), removal };
}

function targetOf({ addressOf }: ObserveDeps, pod: Pod | undefined): ExecutorTarget | undefined {
  const address = pod && addressOf(pod);
  return pod && address && { podUID: pod.metadata.uid, address };
}
