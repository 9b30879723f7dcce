import {
  DEFAULT_INDEX_URL,
  DEFAULT_REGISTRY_URL,
  requirementOf,
  revisionOf,
  sandboxDependencies,
  type DependenciesStatus,
  type PackageRequest,
  type SandboxDependencies,
} from '../../crds/dependencies.ts';
import { LIMITS } from '../../crds/limits.ts';
import type { DependencyReason } from '../../crds/reasons.ts';
import type { Runtime } from '../../crds/sandbox-template.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { DependenciesState, InstallRequest } from '../../executor/contract.ts';
import type { Pod } from '../../kube/pod.ts';
import { indexProblem, type IndexPolicy } from '../package-index/allowed.ts';
import { timestamp } from '../timestamp.ts';
import type { Action } from './act.ts';
import type { InstallEnd, InstallView, PackageInstall } from './installs.ts';
import type { Observed } from './observe.ts';
import { templatePackagesOf, type TemplatePackages } from './template-packages.ts';

/** Which packages a sandbox should have, and how far it is. */

const INSTALLER_OF: Readonly<Partial<Record<Runtime, InstallRequest['installer']>>> = {
  'python3.11': 'uv',
  nodejs20: 'npm',
};

/** What to have installed in one pod. */
interface Target {
  /** Of what the sandbox itself says. */
  readonly revision: string;
  /** Under which the executor installs it once. */
  readonly installId: string;
  /** Of the template's packages, which may be there already and are a part of these. */
  readonly base: string | undefined;
  readonly runtime: Runtime;
  readonly packages: readonly PackageRequest[];
  readonly indexUrl: string;
  readonly timeoutMs: number;
}

function targetOf({ spec: { dependencies: own } }: Sandbox, pod: Pod): Target {
  const template = templatePackagesOf(pod) ?? NO_TEMPLATE;
  const byName = new Map<string, PackageRequest>();
  for (const one of [...template.dependencies.packages, ...own.packages]) {
    byName.set(one.name.toLowerCase(), one);
  }
  return {
    ...keysOf(own, template),
    runtime: template.runtime,
    packages: [...byName.values()],
    indexUrl: own.indexUrl ?? indexOf(template),
    timeoutMs: own.installTimeoutSeconds * 1_000,
  };
}

const NO_TEMPLATE: TemplatePackages = { runtime: 'python3.11', dependencies: { packages: [] } };

function indexOf({ runtime, dependencies: { indexUrl } }: TemplatePackages): string {
  return indexUrl ?? (runtime === 'nodejs20' ? DEFAULT_REGISTRY_URL : DEFAULT_INDEX_URL);
}

/** A sandbox without wishes of its own has what its template has, under the name that it has there. */
function keysOf(
  own: SandboxDependencies,
  template: TemplatePackages,
): Pick<Target, 'revision' | 'installId' | 'base'> {
  const revision = revisionOf(own);
  if (template.dependencies.packages.length === 0)
    return { revision, installId: revision, base: undefined };
  const base = templateInstallId(template);
  const isTemplates = revision === revisionOf(NO_WISHES);
  return isTemplates
    ? { revision, installId: base, base: undefined }
    : { revision, installId: revision, base };
}

const NO_WISHES = sandboxDependencies.parse({});

/** The same for all pods of a template, so that one which waited for its sandbox has it already. */
function templateInstallId({ runtime, dependencies }: TemplatePackages): string {
  const wishes = sandboxDependencies.parse(dependencies);
  return `template-${runtime.replaceAll('.', '_')}-${revisionOf(wishes)}`;
}

/** What a pod that waits for a sandbox has installed before; undefined: nothing, or nothing that could be, which its sandbox then says. */
export function templateInstall(
  template: TemplatePackages,
  policy: IndexPolicy,
): PackageInstall | undefined {
  const { runtime, dependencies } = template;
  const { packages } = dependencies;
  const target = { runtime, packages, indexUrl: indexOf(template) };
  if (packages.length === 0 || problemOf(target, policy) !== undefined) return undefined;
  const timeoutMs = LIMITS.installTimeoutSeconds.default * 1_000;
  const installId = templateInstallId(template);
  return installOf({ ...target, installId, base: undefined, timeoutMs });
}

function installOf(target: Omit<Target, 'revision'>): PackageInstall {
  const { installId, base, indexUrl, timeoutMs } = target;
  const installer = INSTALLER_OF[target.runtime] ?? 'uv';
  const separator = installer === 'npm' ? '@' : '';
  const requirements = target.packages.map((one) => requirementOf(one, separator));
  const request = { installer, requirements, timeoutMs, ...(base !== undefined && { base }) };
  return { revision: installId, indexUrl, request };
}

/** The first installation in this pod is not over: an execution that started now would not find its packages. */
export function awaitsPackages(sandbox: Sandbox, pod: Pod): boolean {
  if (targetOf(sandbox, pod).packages.length === 0) return false;
  return sandbox.status?.dependencies?.settledPodUID !== pod.metadata.uid;
}

export interface PackageStep {
  readonly status: DependenciesStatus | undefined;
  readonly actions: readonly Action[];
}

/** The next step towards the packages that a serving sandbox should have. */
export function packageStep(seen: Observed, policy: IndexPolicy): PackageStep {
  const { sandbox, pod, install } = seen;
  const before = sandbox.status?.dependencies;
  if (pod === undefined) return { status: before, actions: [] };
  const target = targetOf(sandbox, pod);
  if (target.packages.length === 0 && before === undefined) return NOTHING;
  if (isSettled(before, target, pod)) {
    return { status: before, actions: install === undefined ? [] : [{ type: 'forgetInstall' }] };
  }
  const problem = problemOf(target, policy);
  if (problem !== undefined) return { status: failed(seen, target, problem), actions: [] };
  return isFollowed(install, target, pod) ? follow(seen, target) : begin(seen, target);
}

function isFollowed(install: InstallView | undefined, target: Target, pod: Pod): boolean {
  return install?.revision === target.installId && install.podUID === pod.metadata.uid;
}

function follow(seen: Observed, target: Target): PackageStep {
  const end = seen.install?.end;
  if (end === undefined) return { status: installing(seen, target), actions: [] };
  return { status: settled(seen, target, end), actions: [{ type: 'forgetInstall' }] };
}

const NOTHING: PackageStep = { status: undefined, actions: [] };

/** While there is no pod to install anything in. */
export function awaitingPod(sandbox: Sandbox): DependenciesStatus | undefined {
  const before = sandbox.status?.dependencies;
  const revision = revisionOf(sandbox.spec.dependencies);
  const isWanted = sandbox.spec.dependencies.packages.length > 0 || before !== undefined;
  if (!isWanted) return undefined;
  return {
    state: 'Pending',
    reason: 'AwaitsPod',
    message: 'the sandbox is not ready yet',
    revision,
  };
}

function isSettled(before: DependenciesStatus | undefined, target: Target, pod: Pod): boolean {
  const isOver = before?.state === 'Installed' || before?.state === 'Failed';
  return isOver && before.revision === target.revision && before.podUID === pod.metadata.uid;
}

interface Problem {
  readonly reason: DependencyReason;
  readonly message: string;
}

function problemOf(
  { runtime, packages, indexUrl }: Pick<Target, 'runtime' | 'packages' | 'indexUrl'>,
  policy: IndexPolicy,
): Problem | undefined {
  if (packages.length === 0) return undefined;
  if (INSTALLER_OF[runtime] === undefined) {
    const message = `packages are installed in Python and Node.js sandboxes, and this one is ${runtime}`;
    return { reason: 'InstallerNotAvailable', message };
  }
  const problem = indexProblem(indexUrl, policy);
  if (problem === undefined) return undefined;
  return {
    reason: 'IndexNotAllowed',
    message: `the package index ${indexUrl} cannot be used: ${problem}`,
  };
}

function begin(seen: Observed, target: Target): PackageStep {
  const status = installing(seen, target);
  if (seen.target === undefined) return { status, actions: [] };
  const action: Action = { type: 'install', ...installOf(target), target: seen.target };
  return { status, actions: [action] };
}

function installing(seen: Observed, target: Target): DependenciesStatus {
  const podUID = seen.pod?.metadata.uid;
  return {
    ...keptFrom(seen, target),
    state: 'Installing',
    reason: 'Installing',
    message: `installing ${target.packages.map(({ name }) => name).join(', ')}`.slice(0, 1_024),
    revision: target.revision,
    ...(podUID !== undefined && { podUID }),
  };
}

/** What this pod has by now stays known; an installation that an earlier process began goes on since then. */
function keptFrom(
  { sandbox, pod, now }: Observed,
  { revision }: Target,
): Pick<DependenciesStatus, 'startedAt' | 'installed' | 'location' | 'settledPodUID'> {
  const before = sandbox.status?.dependencies;
  const startedAt = timestamp(now);
  if (before === undefined || before.podUID !== pod?.metadata.uid) return { startedAt };
  const { installed, location, settledPodUID } = before;
  const isSame = before.state === 'Installing' && before.revision === revision;
  const since = isSame ? before.startedAt : startedAt;
  return { startedAt: since, installed, location, settledPodUID };
}

function failed(seen: Observed, target: Target, problem: Problem): DependenciesStatus {
  const { message: _, ...begun } = installing(seen, target);
  return {
    ...begun,
    ...problem,
    state: 'Failed',
    settledPodUID: seen.pod?.metadata.uid,
    finishedAt: timestamp(seen.now),
  };
}

const REASON_OF: Readonly<Record<NonNullable<DependenciesState['reason']>, DependencyReason>> = {
  InstallerFailed: 'DependencyInstallFailed',
  TimedOut: 'DependencyInstallTimeout',
  InstallerNotAvailable: 'InstallerNotAvailable',
  Superseded: 'DependencyInstallFailed',
};

/** The executor's words are believed within the limits of the schema; its times are not. */
function settled(seen: Observed, target: Target, end: InstallEnd): DependenciesStatus {
  if (end.phase === 'Lost') {
    return failed(seen, target, { reason: 'DependencyInstallTimeout', message: end.message });
  }
  const { reason = 'InstallerFailed', message = 'the installer gave no reason', location } = end;
  const isFailed = end.phase !== 'Installed';
  const outcome = isFailed
    ? failed(seen, target, { reason: REASON_OF[reason], message })
    : { ...failed(seen, target, INSTALLED), state: 'Installed' as const, message: undefined };
  return { ...outcome, installed: installedOf(seen, end), location };
}

const INSTALLED: Problem = { reason: 'Installed', message: '' };

function installedOf(
  { pod }: Observed,
  { installed }: DependenciesState,
): DependenciesStatus['installed'] {
  const packages = (pod && templatePackagesOf(pod)?.dependencies.packages) ?? [];
  const ofTemplate = new Set(packages.map(({ name }) => normalized(name)));
  return installed.slice(0, LIMITS.installedPackages).map(({ name, version }) => ({
    name,
    version,
    ...(ofTemplate.has(normalized(name)) && { fromTemplate: true }),
  }));
}

function normalized(name: string): string {
  return name.replaceAll(/[-_.]+/g, '-').toLowerCase();
}
