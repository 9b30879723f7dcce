import { executionSpec, EXECUTIONS, type Execution } from '../crds/execution.ts';
import { ANNOTATION, API_VERSION, FINALIZER, LABEL, MANAGED_BY } from '../crds/names.ts';
import { SANDBOXES, sandboxSpec, type Sandbox, type SandboxSpec } from '../crds/sandbox.ts';
import {
  SANDBOX_TEMPLATES,
  sandboxTemplateSpec,
  type SandboxTemplate,
} from '../crds/sandbox-template.ts';
import type { Draft, ObjectMetaInput } from '../kube/objects.ts';
import { controllerReference } from '../kube/owner-reference.ts';
import { indexOf, mergedPackages, packagesOf } from './dependencies.ts';
import { ApiError } from './errors.ts';
import { objectNameOf, restIdAnnotation, restIdOf } from './names.ts';
import { byteQuantityOf, cpuQuantityOf, isCpu, isMemory } from './quantities.ts';
import { onIdleOf } from './on-idle.ts';
import type { ExecuteRequest } from './schemas/execution.ts';
import type { CreateSessionRequest } from './schemas/session.ts';
import type { CreateTemplateRequest, UpdateTemplateRequest } from './schemas/template.ts';

/** REST requests -> objects to write. Pure. */

/** Where an object comes from and goes to. */
export interface Origin {
  readonly id: string;
  readonly namespace: string;
  readonly requestId: string;
  /** The caller's name. */
  readonly createdBy: string;
  readonly nowMs: number;
}

function metadataOf(origin: Origin): ObjectMetaInput {
  return {
    name: objectNameOf(origin.id),
    namespace: origin.namespace,
    labels: { [LABEL.managedBy]: MANAGED_BY },
    annotations: {
      ...restIdAnnotation(origin.id),
      [ANNOTATION.requestId]: origin.requestId,
      [ANNOTATION.createdBy]: origin.createdBy,
      [ANNOTATION.createdAt]: new Date(origin.nowMs).toISOString(),
    },
  };
}

/** Throws InvalidQuantity or DependenciesNotSupported where the body asks for what cannot be had. */
export function sandboxDraft(
  body: CreateSessionRequest,
  template: SandboxTemplate,
  origin: Origin,
): Draft<Sandbox> {
  const metadata = metadataOf(origin);
  return {
    apiVersion: API_VERSION,
    kind: SANDBOXES.kind,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [LABEL.template]: template.metadata.name },
      annotations: {
        ...metadata.annotations,
        ...restIdAnnotation(restIdOf(template), ANNOTATION.templateRestId),
      },
      finalizers: [FINALIZER.sandbox],
    },
    spec: sandboxSpec.parse({
      templateRef: { name: template.metadata.name },
      resources: resourcesOf(body),
      env: envOf(body.env_vars),
      timeouts: dropEmpty({ idleSeconds: body.timeout, onIdle: mapped(body.on_idle, onIdleOf) }),
      dependencies: {
        packages: mergedPackages([], packagesOf(body.dependencies, template.spec.runtime)),
        indexUrl: indexOf(body.python_package_index_url),
        installTimeoutSeconds: body.install_timeout,
      },
    }),
  };
}

/** What is left out is the template's to say; only then can a session have a pod that waits. */
function resourcesOf({
  cpu,
  memory,
  disk,
  resources,
}: CreateSessionRequest): SandboxSpec['resources'] {
  const wanted = Object.entries({
    cpu: mapped(cpu ?? resources?.cpu, (value) => checked('cpu', value, isCpu)),
    memory: mapped(memory ?? resources?.memory, (value) => checked('memory', value, isMemory)),
    disk: mapped(disk ?? resources?.disk, (value) => checked('disk', value, isMemory)),
  });
  return Object.fromEntries(wanted.filter(([, amount]) => amount !== undefined));
}

function checked(field: string, value: string, isValid: (value: string) => boolean): string {
  if (isValid(value)) return value;
  throw new ApiError('InvalidQuantity', `Invalid ${field} format: ${value.slice(0, 64)}`);
}

function envOf(
  env: Readonly<Record<string, string>> | null | undefined,
): { name: string; value: string }[] {
  return Object.entries(env ?? {}).map(([name, value]) => ({ name, value }));
}

/** The execution belongs to this very sandbox: garbage collection takes it when that is gone. */
export function executionDraft(
  body: ExecuteRequest,
  sandbox: Sandbox,
  origin: Origin,
): Draft<Execution> {
  const metadata = metadataOf(origin);
  return {
    apiVersion: API_VERSION,
    kind: EXECUTIONS.kind,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [LABEL.sandbox]: sandbox.metadata.name },
      ownerReferences: [controllerReference(sandbox)],
    },
    spec: executionSpec.parse({
      sandboxRef: { name: sandbox.metadata.name },
      language: body.language,
      code: body.code,
      event: body.event ?? {},
      timeoutSeconds: body.timeout,
      env: envOf(body.env_vars),
    }),
  };
}

export function templateDraft(body: CreateTemplateRequest, origin: Origin): Draft<SandboxTemplate> {
  return {
    apiVersion: API_VERSION,
    kind: SANDBOX_TEMPLATES.kind,
    metadata: metadataOf(origin),
    spec: sandboxTemplateSpec.parse({
      displayName: body.name,
      image: body.image_url,
      runtime: body.runtime_type,
      resources: {
        cpu: cpuQuantityOf(body.default_cpu_cores),
        memory: byteQuantityOf(body.default_memory_mb),
        disk: byteQuantityOf(body.default_disk_mb),
      },
      env: envOf(body.default_env_vars),
      dependencies: { packages: packagesOf(body.pre_installed_packages ?? [], body.runtime_type) },
      timeouts: {
        idleSeconds: body.default_timeout,
        onIdle: mapped(body.default_on_idle, onIdleOf),
      },
      executions: { maxConcurrent: body.max_concurrent_executions },
    }),
  };
}

/** A merge patch of what the body names; undefined if it names nothing. */
export function templatePatch(
  body: UpdateTemplateRequest,
  current: SandboxTemplate,
): object | undefined {
  const spec = dropEmpty({
    displayName: body.name,
    image: body.image_url,
    resources: dropEmpty({
      cpu: mapped(body.default_cpu_cores, cpuQuantityOf),
      memory: mapped(body.default_memory_mb, byteQuantityOf),
      disk: mapped(body.default_disk_mb, byteQuantityOf),
    }),
    dependencies: dropEmpty({
      packages: mapped(body.pre_installed_packages, (packages) =>
        packagesOf(packages, current.spec.runtime),
      ),
    }),
    timeouts: dropEmpty({
      idleSeconds: body.default_timeout,
      onIdle: mapped(body.default_on_idle, onIdleOf),
    }),
    executions: dropEmpty({ maxConcurrent: body.max_concurrent_executions }),
    env: mapped(body.default_env_vars, (env) => [...secretEnvOf(current), ...envOf(env)]),
  });
  return spec === undefined ? undefined : { spec };
}

/** REST does not show variables that come from Secrets, so a client that replaces "all" variables does not mean these. */
function secretEnvOf(template: SandboxTemplate): SandboxTemplate['spec']['env'] {
  return template.spec.env.filter((variable) => variable.valueFrom !== undefined);
}

function mapped<T, R>(value: T | null | undefined, map: (value: T) => R): R | undefined {
  return value === null || value === undefined ? undefined : map(value);
}

/** Without absent and null fields: in a merge patch null would delete. */
function dropEmpty(fields: Readonly<Record<string, unknown>>): object | undefined {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}
