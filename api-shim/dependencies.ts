import {
  DEFAULT_INDEX_URL,
  isPythonPackageName,
  revisionOf,
  type PackageRequest,
} from '../crds/dependencies.ts';
import { LIMITS } from '../crds/limits.ts';
import type { Runtime } from '../crds/sandbox-template.ts';
import { isEnded, type Sandbox } from '../crds/sandbox.ts';
import { ApiError } from './errors.ts';
import type { RequestedDependency } from './schemas/dependencies.ts';
import type { SessionResponse } from './schemas/session.ts';

/** Dependencies of a session: what a client asks for, and what it is told of them. Pure. */

/** Where packages are as long as no status says so. */
const LOCATION = '/opt/dependencies';

/** A bare version means exactly that one; Python's is written so, as the reference does. Throws DependenciesNotSupported. */
export function packagesOf(
  wanted: readonly RequestedDependency[],
  runtime: Runtime | undefined,
): PackageRequest[] {
  if (wanted.length === 0) return [];
  if (runtime !== undefined && runtime !== 'python3.11' && runtime !== 'nodejs20') {
    throw new ApiError(
      'DependenciesNotSupported',
      `Packages are installed in Python and Node.js sessions only; this one is ${runtime}`,
    );
  }
  const isNode = runtime === 'nodejs20';
  return wanted.map(({ name, version }) => {
    if (!isNode && !isPythonPackageName(name)) throw invalidName(name);
    if (version === undefined || version === null || version === '') return { name };
    return { name, version: !isNode && /^[0-9]/.test(version) ? `==${version}` : version };
  });
}

/** The same package once: of two wishes the later one counts, and keeps the place of the earlier. */
export function mergedPackages(
  before: readonly PackageRequest[],
  next: readonly PackageRequest[],
): PackageRequest[] {
  const byName = new Map<string, PackageRequest>();
  for (const one of [...before, ...next]) byName.set(one.name.toLowerCase(), one);
  const merged = [...byName.values()];
  if (merged.length <= LIMITS.packages) return merged;
  const most = String(LIMITS.packages);
  throw new ApiError('InvalidRequest', `dependencies: a session can have ${most} at most`);
}

/** Undefined stands for the default, in an object as in a request. */
export function indexOf(given: string | null | undefined): string | undefined {
  const url = given ?? '';
  return url === '' || url === DEFAULT_INDEX_URL ? undefined : url;
}

/** The wish in place of the one before, for a merge patch; undefined if it is the same and did not fail. Absent and null fields stay. Throws DependenciesNotSupported. */
export function replacedDependencies(
  wished: {
    readonly dependencies?: readonly RequestedDependency[] | null | undefined;
    readonly python_package_index_url?: string | null | undefined;
  },
  sandbox: Sandbox,
  runtime: Runtime | undefined,
): object | undefined {
  const before = sandbox.spec.dependencies;
  const { dependencies, python_package_index_url: index } = wished;
  const isUntouched = (dependencies ?? index ?? null) === null;
  if (isUntouched) return undefined;
  const packages = mergedPackages(
    [],
    dependencies ? packagesOf(dependencies, runtime) : before.packages,
  );
  const indexUrl = (index ?? null) === null ? before.indexUrl : indexOf(index);
  const next = { ...before, packages, indexUrl };
  const isSame = revisionOf(next) === revisionOf(before);
  if (isSame && installStateOf(sandbox) !== 'failed') return undefined;
  // In a merge patch null takes it away.
  return { packages, indexUrl: indexUrl ?? null, attempt: before.attempt + 1 };
}

type DependencyFields = Pick<
  SessionResponse,
  | 'python_package_index_url'
  | 'requested_dependencies'
  | 'installed_dependencies'
  | 'dependency_install_status'
  | 'dependency_install_error'
  | 'dependency_install_started_at'
  | 'dependency_install_completed_at'
>;

export function presentDependencies(sandbox: Sandbox): DependencyFields {
  const { dependencies } = sandbox.spec;
  const status = sandbox.status?.dependencies;
  const state = installStateOf(sandbox);
  const isOver = state !== 'installing';
  return {
    python_package_index_url: dependencies.indexUrl ?? DEFAULT_INDEX_URL,
    requested_dependencies: dependencies.packages.map(({ name, version = null }) => ({
      name,
      version,
    })),
    installed_dependencies: installedOf(sandbox),
    dependency_install_status: state,
    dependency_install_error: state === 'failed' ? errorOf(sandbox) : null,
    dependency_install_started_at: status?.startedAt ?? null,
    dependency_install_completed_at: (isOver ? status?.finishedAt : undefined) ?? null,
  };
}

/** A wish that the operator has not seen yet counts as being installed. */
export function installStateOf(sandbox: Sandbox): 'installing' | 'completed' | 'failed' {
  const { dependencies: wish } = sandbox.spec;
  const status = sandbox.status?.dependencies;
  if (status === undefined && wish.packages.length === 0) return 'completed';
  const isCurrent = status?.revision === revisionOf(wish);
  if (isCurrent && status.state === 'Installed') return 'completed';
  if (isCurrent && status.state === 'Failed') return 'failed';
  return isEnded(sandbox) ? 'failed' : 'installing';
}

function errorOf({ status }: Sandbox): string {
  const told = status?.dependencies;
  if (told?.state === 'Failed') return told.message ?? told.reason ?? 'the installation failed';
  return 'The session ended before its packages were installed';
}

function installedOf({ status }: Sandbox): DependencyFields['installed_dependencies'] {
  const { installed = [], location = LOCATION, finishedAt, startedAt } = status?.dependencies ?? {};
  const installTime = finishedAt ?? startedAt;
  if (installTime === undefined) return [];
  return installed.map(({ name, version, fromTemplate = false }) => ({
    name,
    version,
    install_location: location,
    install_time: installTime,
    is_from_template: fromTemplate,
  }));
}

function invalidName(name: string): ApiError {
  const msg = `${name} is no name of a Python package`;
  const detail = [{ type: 'custom', loc: ['body', 'dependencies'], msg }];
  return new ApiError('InvalidRequest', `dependencies: ${msg}`, { detail });
}
