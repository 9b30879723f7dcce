import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { ExecutorTarget } from '../../executor/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import { ConflictError, ForbiddenError, InvalidError, NotFoundError } from '../../kube/errors.ts';
import { creationOf, deletionOf } from '../../kube/expectations.ts';
import { keyOf, refOf } from '../../kube/objects.ts';
import { createOwned } from '../../kube/owner-reference.ts';
import { PODS } from '../../kube/pod.ts';
import type { Pod } from '../../kube/pod.ts';
import type { PackageIndexes } from '../package-index/gateway.ts';
import type { PackageInstall } from '../sandbox/installs.ts';
import { poolPodName } from '../sandbox/pod-name.ts';
import { buildPoolPod } from '../sandbox/pod.ts';
import type { PodSettings } from '../sandbox/pod.ts';
import { preferring } from '../sandbox/preferred-nodes.ts';
import type { WarmPools } from '../warm-pools.ts';

/** Everything that a decision about a pool can have done. */
export type Action =
  | { readonly type: 'createMember'; readonly nodes: readonly string[] }
  | { readonly type: 'deleteMember'; readonly pod: Pod }
  | {
      readonly type: 'installInMember';
      readonly target: ExecutorTarget;
      readonly packages: PackageInstall;
    }
  | { readonly type: 'askHealth'; readonly target: ExecutorTarget }
  /** Members of this make ended by themselves. */
  | { readonly type: 'noteFailure'; readonly make: string }
  | { readonly type: 'forgetFailures' };

export interface ActDeps {
  readonly client: KubeClient;
  readonly pools: WarmPools;
  readonly random: () => number;
  readonly pod: PodSettings;
  readonly packageIndexes: PackageIndexes;
}

interface Subject {
  readonly template: SandboxTemplate;
  readonly signal: AbortSignal;
}

/** All at once; returns why the API server refuses members, if it does: that is the template's author's to mend. */
export async function act(
  deps: ActDeps,
  actions: readonly Action[],
  subject: Subject,
): Promise<string | undefined> {
  const refusals = await Promise.all(actions.map((action) => actOne(deps, action, subject)));
  return refusals.find((refusal) => refusal !== undefined);
}

async function actOne(
  deps: ActDeps,
  action: Action,
  subject: Subject,
): Promise<string | undefined> {
  const key = keyOf(refOf(subject.template));
  switch (action.type) {
    case 'createMember':
      return createMember(deps, action.nodes, subject);
    case 'deleteMember':
      return deleteMember(deps, action.pod, subject);
    case 'installInMember':
      installInMember(deps, action, subject.template);
      return undefined;
    case 'askHealth':
      deps.pools.monitor.askHealth(key, action.target);
      return undefined;
    case 'noteFailure':
      deps.pools.failures.note(key, action.make);
      return undefined;
    case 'forgetFailures':
      deps.pools.failures.forget(key);
      return undefined;
  }
}

function installInMember(
  { pools, packageIndexes }: ActDeps,
  { target, packages }: Extract<Action, { readonly type: 'installInMember' }>,
  template: SandboxTemplate,
): void {
  const index = packageIndexes.open(packages.indexUrl);
  const key = keyOf(refOf(template));
  pools.installs.ensure({ ...packages, forUID: target.podUID, key, target, index });
}

async function createMember(
  { client, pools, random, pod: settings }: ActDeps,
  nodes: readonly string[],
  { template, signal }: Subject,
): Promise<string | undefined> {
  pools.forgetClaims(template.metadata.uid);
  const key = keyOf(refOf(template));
  const name = poolPodName(template.metadata.name, suffix(random));
  const draft = preferring(buildPoolPod(template, name, settings), nodes);
  const expected = creationOf({ namespace: template.metadata.namespace ?? '', name });
  pools.expectations.expect(key, expected);
  try {
    await createOwned(client, PODS, { draft, owner: template, signal });
    return undefined;
  } catch (error) {
    pools.expectations.settle(key, expected);
    if (error instanceof InvalidError || error instanceof ForbiddenError) return error.message;
    throw error;
  }
}

async function deleteMember(
  { client, pools }: ActDeps,
  pod: Pod,
  { template, signal }: Subject,
): Promise<undefined> {
  const key = keyOf(refOf(template));
  const expected = deletionOf(pod);
  const { uid, resourceVersion } = pod.metadata;
  pools.expectations.expect(key, expected);
  // A pod on its way out can still be given to a sandbox, and its end is then no news of this pool.
  pools.withdraw(uid);
  try {
    // The version as well: a sandbox may have got it in the meantime.
    await client.delete(PODS, refOf(pod), { uid, resourceVersion, signal });
  } catch (error) {
    pools.expectations.settle(key, expected);
    pools.refuse(uid);
    if (!(error instanceof NotFoundError || error instanceof ConflictError)) throw error;
  }
}

const SUFFIX_LENGTH = 5;
/** As Kubernetes' own generated names: no vowels, so that no words come about. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

function suffix(random: () => number): string {
  const letter = (): string => LETTERS[Math.floor(random() * LETTERS.length)] ?? 'x';
  return Array.from({ length: SUFFIX_LENGTH }, letter).join('');
}
