import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import { LABEL } from '../crds/names.ts';
import type { ExecutorClient } from '../executor/client.ts';
import type { Clock } from '../kube/clock.ts';
import { Expectations } from '../kube/expectations.ts';
import { controllerOf } from '../kube/objects.ts';
import type { Logger } from '../kube/logger.ts';
import type { Pod } from '../kube/pod.ts';
import { INDEX } from './caches.ts';
import type { Caches } from './caches.ts';
import { ExecutorMonitor } from './sandbox/executor-monitor.ts';
import { InFlightInstalls, type PackageInstall } from './sandbox/installs.ts';
import { isLive, podState } from './sandbox/pod-state.ts';
import { PoolFailures } from './sandbox-template/failures.ts';

export interface WarmPoolsOptions {
  readonly caches: Pick<Caches, 'pods'>;
  readonly executor: ExecutorClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Says "look at this template again". */
  readonly enqueue: (key: string) => void;
  /** What is installed in its pods before they are handed out; undefined: nothing. */
  readonly packagesOf: (template: SandboxTemplate) => PackageInstall | undefined;
  /** A member whose executor answered longer ago than this is not handed out. */
  readonly freshMs: number;
}

/** When members of a pool were claimed. */
export interface Claims {
  readonly first: number;
  readonly last: number;
}

/** Longer than a healthy watch lags. */
const REFUSED_MS = 5_000;

/**
 * Which pods of the pools can be had right now. A member is taken in memory first, so that no two sandboxes of this process reach for the same one;
 * that no other process has it is for the API server to say. All of it may be lost: who owns a pod stands in the pod.
 */
export class WarmPools {
  /** Of members; a sandbox that takes one gets its own view of it. */
  readonly monitor: ExecutorMonitor;
  /** Of the template's packages in members, by their UIDs. */
  readonly installs: InFlightInstalls;
  /** Of creations and deletions of members, by the key of their template: a pool counts its children. */
  readonly expectations: Expectations;
  /** Of members that ended by themselves, by the key of their template. */
  readonly failures: PoolFailures;
  readonly #options: WarmPoolsOptions;
  readonly #taken = new Set<string>();
  readonly #refusedUntil = new Map<string, number>();
  /** By the UID of the template; until members are started. */
  readonly #claims = new Map<string, Claims>();
  /** By the UID of the sandbox that reached for it. */
  readonly #unsettled = new Map<string, Pod>();

  constructor(options: WarmPoolsOptions) {
    this.#options = options;
    this.monitor = new ExecutorMonitor(options);
    this.installs = new InFlightInstalls(options);
    this.expectations = new Expectations(options.clock);
    this.failures = new PoolFailures(options.clock);
  }

  /** Pods that wait for a sandbox of this template, as far as the cache knows and nobody here has taken them. */
  members(template: SandboxTemplate): readonly Pod[] {
    const owned = this.#options.caches.pods.byIndex(INDEX.owner, template.metadata.uid);
    return owned.filter((pod) => isLive(pod) && !this.#taken.has(pod.metadata.uid));
  }

  hasReady(template: SandboxTemplate, make: string): boolean {
    return this.#ready(template, make).length > 0;
  }

  /** A member of this make that can serve at once, the oldest first; taken until the cache shows it with its new owner or gone. */
  take(template: SandboxTemplate, make: string): Pod | undefined {
    const [member] = this.#ready(template, make).sort((a, b) =>
      a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp),
    );
    if (member === undefined) return undefined;
    this.#taken.add(member.metadata.uid);
    const last = this.#options.clock.now();
    this.#claims.set(template.metadata.uid, { first: last, ...this.claims(template), last });
    return member;
  }

  /** It is about to be deleted, so nobody gets it, and it counts no more; where that comes to nothing, it is refused. */
  withdraw(podUID: string): void {
    this.#taken.add(podUID);
  }

  /** Those since members of the pool were last started. */
  claims({ metadata }: SandboxTemplate): Claims | undefined {
    return this.#claims.get(metadata.uid);
  }

  /** To be called when a member is started, and with a template that is gone. */
  forgetClaims(templateUID: string): void {
    this.#claims.delete(templateUID);
  }

  /** The server did not give it away: it stays in the pool, and is not reached for again before the cache had time to show a new owner. */
  refuse(podUID: string): void {
    this.#taken.delete(podUID);
    this.#refusedUntil.set(podUID, this.#options.clock.now() + REFUSED_MS);
  }

  /** A claim that the API server may or may not have carried out. */
  noteUnsettledClaim(sandboxUID: string, member: Pod): void {
    this.#unsettled.set(sandboxUID, member);
  }

  unsettledClaim(sandboxUID: string): Pod | undefined {
    return this.#unsettled.get(sandboxUID);
  }

  /** Its outcome is known by now: if nobody got the member, it can be had again. */
  settleClaim(sandboxUID: string): void {
    const member = this.#unsettled.get(sandboxUID);
    if (member !== undefined) this.#taken.delete(member.metadata.uid);
    this.#unsettled.delete(sandboxUID);
  }

  packagesOf(template: SandboxTemplate): PackageInstall | undefined {
    return this.#options.packagesOf(template);
  }

  /** Its executor answered lately, and the packages of its template are there. */
  isReady(pod: Pod, packages: PackageInstall | undefined): boolean {
    return this.#isFresh(pod) && (packages === undefined || this.#has(pod, packages));
  }

  #has({ metadata }: Pod, { revision }: PackageInstall): boolean {
    const install = this.installs.view(metadata.uid);
    return install?.revision === revision && install.end?.phase === 'Installed';
  }

  #isFresh(pod: Pod): boolean {
    if (podState(pod).kind !== 'running') return false;
    const { clock, freshMs } = this.#options;
    if ((this.#refusedUntil.get(pod.metadata.uid) ?? 0) > clock.now()) return false;
    const { answeredAt, silentSince } = this.monitor.view(pod.metadata.uid);
    return (
      answeredAt !== undefined && silentSince === undefined && clock.now() - answeredAt <= freshMs
    );
  }

  /** To be called with every change of a pod. */
  observe(pod: Pod, isGone: boolean): void {
    const { uid } = pod.metadata;
    if (!isGone && controllerOf(pod)?.kind === 'SandboxTemplate') return;
    this.#taken.delete(uid);
    this.#refusedUntil.delete(uid);
    this.monitor.forget(uid);
    this.installs.forget(uid);
  }

  /** To be called with the UID of every sandbox that is gone. */
  forget(sandboxUID: string): void {
    this.settleClaim(sandboxUID);
  }

  stop(): void {
    this.monitor.stop();
    this.installs.stop();
  }

  #ready(template: SandboxTemplate, make: string): Pod[] {
    const packages = this.packagesOf(template);
    return this.members(template).filter(
      (pod) => pod.metadata.labels?.[LABEL.make] === make && this.isReady(pod, packages),
    );
  }
}
