import { createHash } from 'node:crypto';
import { ANNOTATION, LABEL, MANAGED_BY } from '../../crds/names.ts';
import { sandboxSpec, type Sandbox } from '../../crds/sandbox.ts';
import type { SandboxTemplate, SandboxTemplateSpec } from '../../crds/sandbox-template.ts';
import { EXECUTOR_PORT } from '../../executor/contract.ts';
import { EXECUTOR_ENV } from '../../executor/environment.ts';
import type { Draft } from '../../kube/objects.ts';
import type { Container, EnvVar, Pod, PodSpec, SecurityContext, Volume } from '../../kube/pod.ts';
import { labelOf, podName, sandboxLabel } from './pod-name.ts';
import { templatePackagesAnnotation } from './template-packages.ts';

/** What every sandbox pod of this installation has in common. */
export interface PodSettings {
  /** Ed25519 public key of the control plane, SPKI in base64: what the executor checks tokens with. */
  readonly executorPublicKey: string;
  /** Where the executor listens; `EXECUTOR_LISTEN` of its contract. */
  readonly executorListen: string;
  /** `EXECUTOR_FORBIDDEN_ADDRESS` of its contract; absent: pods have no network, or NetworkPolicies are not to be relied on. */
  readonly forbiddenAddress?: string | undefined;
}

export const CONTAINER_NAME = 'sandbox';
const WORKSPACE = '/workspace';
const DEPENDENCIES = '/opt/dependencies';
const USER_ID = 1000;

/**
 * The pod of a sandbox, but for the owner reference that its creation adds.
 * It satisfies PodSecurity `restricted` and holds no secret of the control plane.
 */
export function buildPod(
  sandbox: Sandbox,
  template: SandboxTemplate,
  settings: PodSettings,
): Draft<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(sandbox),
      namespace: sandbox.metadata.namespace ?? '',
      labels: labels(sandbox),
      annotations: { ...templatePackagesAnnotation(template.spec), ...suspensions(sandbox) },
    },
    spec: podSpec(sandbox, template.spec, settings),
  };
}

/** A pod that waits for a sandbox that says nothing of resources and environment, but for the owner reference. */
export function buildPoolPod(
  template: SandboxTemplate,
  name: string,
  settings: PodSettings,
): Draft<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: template.metadata.namespace ?? '',
      labels: {
        [LABEL.pool]: labelOf(template.metadata.name),
        [LABEL.make]: poolMake(template, settings),
        [LABEL.template]: template.metadata.name,
        [LABEL.managedBy]: MANAGED_BY,
      },
      annotations: templatePackagesAnnotation(template.spec),
    },
    spec: podSpec(ANY_SANDBOX, template.spec, settings),
  };
}

/** What tells the pods that `buildPoolPod` builds now from those of an earlier template, or of another version of the operator. */
export function poolMake(template: SandboxTemplate, settings: PodSettings): string {
  const made = [
    templatePackagesAnnotation(template.spec),
    podSpec(ANY_SANDBOX, template.spec, settings),
  ];
  return createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 16);
}

/** As far as a pod depends on its sandbox. */
type Wishes = Pick<Sandbox, 'spec'>;

const ANY_SANDBOX: Wishes = { spec: sandboxSpec.parse({ templateRef: { name: 'any' } }) };

function labels(sandbox: Sandbox): Record<string, string> {
  return {
    [LABEL.sandbox]: sandboxLabel(sandbox),
    [LABEL.template]: sandbox.spec.templateRef.name,
    [LABEL.managedBy]: MANAGED_BY,
  };
}

function suspensions({ status }: Sandbox): Record<string, string> {
  const times = status?.suspensions ?? 0;
  return times === 0 ? {} : { [ANNOTATION.suspensions]: String(times) };
}

function podSpec(sandbox: Wishes, template: SandboxTemplateSpec, settings: PodSettings): PodSpec {
  const { runtimeClassName } = template.isolation;
  return {
    containers: [container(sandbox, template, settings)],
    volumes: volumes(diskOf(sandbox, template)),
    restartPolicy: 'Never',
    // The executor is PID 1 and ignores SIGTERM; a longer grace would only delay the kill.
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    hostname: CONTAINER_NAME,
    securityContext: POD_SECURITY,
    imagePullSecrets: template.imagePullSecrets,
    nodeSelector: template.scheduling.nodeSelector,
    tolerations: template.scheduling.tolerations,
    ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
  };
}

function container(
  sandbox: Wishes,
  template: SandboxTemplateSpec,
  settings: PodSettings,
): Container {
  return {
    name: CONTAINER_NAME,
    image: template.image,
    imagePullPolicy: template.imagePullPolicy,
    env: [...executorEnv(settings), ...userEnv(sandbox, template)],
    ports: [{ name: 'executor', containerPort: EXECUTOR_PORT, protocol: 'TCP' }],
    resources: resources(sandbox, template),
    securityContext: CONTAINER_SECURITY,
    volumeMounts: [
      { name: 'workspace', mountPath: WORKSPACE },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'dependencies', mountPath: DEPENDENCIES },
      { name: 'run', mountPath: '/run/executor' },
    ],
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}

const POD_SECURITY: SecurityContext = {
  runAsNonRoot: true,
  runAsUser: USER_ID,
  runAsGroup: USER_ID,
  fsGroup: USER_ID,
  seccompProfile: { type: 'RuntimeDefault' },
};

const CONTAINER_SECURITY: SecurityContext = {
  runAsNonRoot: true,
  runAsUser: USER_ID,
  runAsGroup: USER_ID,
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

function executorEnv(settings: PodSettings): readonly EnvVar[] {
  const { executorListen, executorPublicKey, forbiddenAddress: forbidden } = settings;
  return [
    ...(forbidden === undefined ? [] : [{ name: EXECUTOR_ENV.forbiddenAddress, value: forbidden }]),
    { name: EXECUTOR_ENV.listen, value: executorListen },
    { name: EXECUTOR_ENV.publicKey, value: executorPublicKey },
    { name: EXECUTOR_ENV.audience, valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
    { name: EXECUTOR_ENV.workspace, value: WORKSPACE },
  ];
}

/** The sandbox's variables win over the template's; the prefix keeps all of them away from the daemon itself. */
function userEnv(sandbox: Wishes, template: SandboxTemplateSpec): readonly EnvVar[] {
  const byName = new Map<string, EnvVar>();
  for (const variable of [...template.env, ...sandbox.spec.env]) {
    byName.set(variable.name, userVariable(variable));
  }
  return [...byName.values()];
}

function userVariable(variable: SandboxTemplateSpec['env'][number]): EnvVar {
  const name = `${EXECUTOR_ENV.userPrefix}${variable.name}`;
  if (variable.valueFrom !== undefined) {
    return { name, valueFrom: { secretKeyRef: variable.valueFrom.secretKeyRef } };
  }
  return { name, value: literal(variable.value ?? '') };
}

/** kubelet expands `$(NAME)` in values and reads `$$` as an escaped `$`; a user's value is meant as it stands. */
function literal(value: string): string {
  return /\$[$(]/.test(value) ? value.replaceAll('$', '$$$$') : value;
}

function resources(
  sandbox: Wishes,
  template: SandboxTemplateSpec,
): Required<Container>['resources'] {
  const own = sandbox.spec.resources;
  const limits = {
    cpu: own.cpu ?? template.resources.cpu,
    memory: own.memory ?? template.resources.memory,
    'ephemeral-storage': diskOf(sandbox, template),
  };
  const cpuRequest = own.cpu === undefined ? template.resources.cpuRequest : undefined;
  return { requests: { ...limits, cpu: cpuRequest ?? limits.cpu }, limits };
}

function diskOf(sandbox: Wishes, template: SandboxTemplateSpec): string {
  return sandbox.spec.resources.disk ?? template.resources.disk;
}

function volumes(disk: string): readonly Volume[] {
  return [
    { name: 'workspace', emptyDir: { sizeLimit: disk } },
    { name: 'tmp', emptyDir: { sizeLimit: disk } },
    { name: 'dependencies', emptyDir: { sizeLimit: disk } },
    { name: 'run', emptyDir: { sizeLimit: '16Mi' } },
  ];
}
