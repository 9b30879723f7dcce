/** The spec of a pod that the admission policy admits; what `container` and `pod` hold is put over it. */
export function sandboxPod(pod: object = {}, container: object = {}): object {
  const amounts = { cpu: '1', memory: '512Mi', 'ephemeral-storage': '1Gi' };
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'sandbox',
        image: 'any',
        env: [
          { name: 'EXECUTOR_AUDIENCE', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
          { name: 'SANDBOX_USER_TOKEN', valueFrom: secret('token') },
        ],
        resources: { limits: amounts, requests: amounts },
        securityContext: containerSecurity(),
        ...container,
      },
    ],
    volumes: [{ name: 'workspace', emptyDir: { sizeLimit: '1Gi' } }],
    ...pod,
  };
}

function containerSecurity(over: object = {}): object {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    ...over,
  };
}

function secret(key: string): object {
  return { secretKeyRef: { name: 'credentials', key } };
}

function podSecurity(over: object): object {
  const whole = {
    runAsNonRoot: true,
    runAsUser: 1000,
    seccompProfile: { type: 'RuntimeDefault' },
    ...over,
  };
  return { securityContext: whole };
}

const limited = (limits: object, requests: object = limits): object => ({
  resources: { limits, requests },
});
const secured = (over: object): object => ({ securityContext: containerSecurity(over) });
const variable = (over: object): object => ({ env: [{ name: 'X', ...over }] });
const volume = (over: object): object => ({ volumes: [{ name: 'data', ...over }] });

const IDENTITY = 'holds no Kubernetes identity';
const VOLUMES = 'mounts nothing but emptyDir volumes';
const VARIABLES = 'takes variables from Secrets only under names';
const NODE = 'shares nothing with its node';
const CALLS = 'no probes and no lifecycle hooks';
const USER = 'runs as a user other than root';
const CAPABILITIES = 'has no capability';
const PRIVILEGES = 'gains no privileges';
const SECCOMP = 'filtered by seccomp';
const LIMITS = 'has limits of cpu, memory and ephemeral-storage';

/** As a template with `cpuRequest` has it. */
export function overcommittedPod(): object {
  const limits = { cpu: '1', memory: '512Mi', 'ephemeral-storage': '1Gi' };
  return sandboxPod({}, limited(limits, { ...limits, cpu: '100m' }));
}

/** What each rule refuses: the pod in words, its spec, and a part of the reason. */
export function refusedPods(): readonly (readonly [string, object, string])[] {
  const bare = (spec: object): object => sandboxPod({}, spec);
  const all = { cpu: '1', memory: '512Mi', 'ephemeral-storage': '1Gi' };
  return [
    ['with a token', sandboxPod({ automountServiceAccountToken: true }), IDENTITY],
    [
      'that leaves the token open',
      sandboxPod({ automountServiceAccountToken: undefined }),
      IDENTITY,
    ],
    ['with service links', sandboxPod({ enableServiceLinks: true }), 'no service addresses'],
    ['with a Secret', sandboxPod(volume({ secret: { secretName: 's' } })), VOLUMES],
    ['with a ConfigMap', sandboxPod(volume({ configMap: { name: 'c' } })), VOLUMES],
    ['with a host path', sandboxPod(volume({ hostPath: { path: '/' } })), VOLUMES],
    ['with a boundless volume', sandboxPod(volume({ emptyDir: {} })), VOLUMES],
    [
      'with a projected token',
      sandboxPod(volume({ projected: { sources: [{ serviceAccountToken: { path: 't' } }] } })),
      VOLUMES,
    ],
    ['whose daemon reads a Secret', bare(variable({ valueFrom: secret('k') })), VARIABLES],
    [
      'that learns of its node',
      bare(variable({ valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } })),
      VARIABLES,
    ],
    ['with envFrom', bare({ envFrom: [{ secretRef: { name: 's' } }] }), VARIABLES],
    ['in the network of its node', sandboxPod({ hostNetwork: true }), NODE],
    ['among the processes of its node', sandboxPod({ hostPID: true }), NODE],
    ['with IPC of its node', sandboxPod({ hostIPC: true }), NODE],
    ['on a port of its node', bare({ ports: [{ containerPort: 80, hostPort: 80 }] }), NODE],
    [
      'that has its node call the metadata service, again and again',
      bare({ livenessProbe: { httpGet: { host: '169.254.169.254', port: 80 } } }),
      CALLS,
    ],
    [
      'that has its node call the metadata service as it starts',
      bare({ lifecycle: { postStart: { httpGet: { host: '169.254.169.254', port: 80 } } } }),
      CALLS,
    ],
    ['as root', sandboxPod(podSecurity({ runAsUser: 0, runAsNonRoot: false })), USER],
    ['of an unknown user', sandboxPod(podSecurity({ runAsUser: undefined })), USER],
    ['with a container as root', bare(secured({ runAsUser: 0 })), USER],
    ['with all capabilities', bare(secured({ capabilities: {} })), CAPABILITIES],
    [
      'with one capability',
      bare(secured({ capabilities: { drop: ['ALL'], add: ['NET_RAW'] } })),
      CAPABILITIES,
    ],
    [
      'that may gain privileges',
      bare(secured({ allowPrivilegeEscalation: undefined })),
      PRIVILEGES,
    ],
    [
      'that is privileged',
      bare(secured({ privileged: true, allowPrivilegeEscalation: true })),
      PRIVILEGES,
    ],
    [
      'with a writable image',
      bare(secured({ readOnlyRootFilesystem: undefined })),
      'cannot change its image',
    ],
    ['without seccomp', sandboxPod(podSecurity({ seccompProfile: undefined })), SECCOMP],
    [
      'with a container without seccomp',
      bare(secured({ seccompProfile: { type: 'Unconfined' } })),
      SECCOMP,
    ],
    ['without limits', bare({ resources: {} }), LIMITS],
    ['without a limit of disk', bare(limited({ cpu: '1', memory: '512Mi' })), LIMITS],
    [
      'that may use more memory than it asks for',
      bare(limited(all, { ...all, memory: '128Mi' })),
      LIMITS,
    ],
    [
      'whose first container is lax',
      sandboxPod({ initContainers: [{ name: 'first', image: 'any' }] }),
      CAPABILITIES,
    ],
  ];
}
