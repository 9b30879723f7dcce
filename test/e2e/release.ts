import { z } from 'zod';
import {
  CHART,
  crdNames,
  eventually,
  helm,
  IMAGE_OPTIONS,
  kubectl,
  kubectlJson,
  portForward,
  tryHelm,
  tryKubectl,
} from './cluster.ts';

export const SYSTEM = 'e2e-system';
export const SANDBOXES = 'e2e-sandboxes';
export const inSystem = (...args: string[]): string[] => ['--namespace', SYSTEM, ...args];
export const inSandboxes = (...args: string[]): string[] => ['--namespace', SANDBOXES, ...args];

/** A fresh release with two operators, and the template `small`, of which many sandboxes fit on a small node. */
export async function installRelease(): Promise<void> {
  await installReleaseWith([]);
}

/** The same with further values of the chart. */
export async function installReleaseWith(values: readonly string[]): Promise<void> {
  await removeRelease();
  await kubectl(['create', 'namespace', SYSTEM]);
  await kubectl(['label', 'namespace', SYSTEM, 'pod-security.kubernetes.io/enforce=restricted']);
  await applyRelease('install', values);
  await createTemplate('small', {});
}

/** Installs or upgrades it; only `more` differs from one call to the next. */
export async function applyRelease(
  verb: 'install' | 'upgrade',
  more: readonly string[],
): Promise<void> {
  const values = [
    `sandboxes.namespace=${SANDBOXES}`,
    'operator.replicas=2',
    'api.autoscaling.enabled=false',
    'api.replicas=1',
    ...more,
  ];
  const options = ['--set', values.join(','), ...IMAGE_OPTIONS, '--wait'];
  await helm([verb, 'sandbox', CHART, '--namespace', SYSTEM, ...options]);
}

export async function removeRelease(): Promise<void> {
  await tryHelm(['uninstall', 'sandbox', '--namespace', SYSTEM, '--ignore-not-found', '--wait']);
  await tryKubectl(['delete', 'crd', '--ignore-not-found', ...(await crdNames())]);
  await tryKubectl(['delete', 'namespace', '--ignore-not-found', SYSTEM, SANDBOXES]);
}

/** An object of ours, for `kubectl -f -`. */
export function object(kind: string, name: string, spec: object): object {
  return {
    apiVersion: 'sandbox.ai/v1alpha1',
    kind,
    metadata: { name, namespace: SANDBOXES },
    spec,
  };
}

const image = z.object({ spec: z.object({ image: z.string() }) });

/** A template like `python-basic`, smaller; what `spec` holds is put over it. */
export async function createTemplate(name: string, spec: object): Promise<void> {
  const basic = await kubectlJson(image, inSandboxes('get', 'sandboxtemplate', 'python-basic'));
  const whole = {
    image: basic.spec.image,
    imagePullPolicy: 'Never',
    resources: { cpu: '50m', memory: '128Mi', disk: '64Mi' },
    ...spec,
  };
  await kubectl(['create', '-f', '-'], object('SandboxTemplate', name, whole));
}

export async function createSandbox(name: string, spec: object = {}): Promise<void> {
  const whole = { templateRef: { name: 'small' }, ...spec };
  await kubectl(['create', '-f', '-'], object('Sandbox', name, whole));
}

/** Returns when it is Ready. */
export async function startSandbox(name: string, spec: object = {}): Promise<void> {
  await createSandbox(name, spec);
  await untilReady(name);
}

export async function untilReady(...names: string[]): Promise<void> {
  const sandboxes = names.map((name) => `sandbox/${name}`);
  await kubectl(inSandboxes('wait', '--for=condition=Ready', ...sandboxes, '--timeout=90s'));
}

export async function submit(sandbox: string, name: string, code: string): Promise<void> {
  const spec = { sandboxRef: { name: sandbox }, language: 'python', code };
  await kubectl(['create', '-f', '-'], object('Execution', name, spec));
}

const outcome = z.object({
  status: z.object({
    phase: z.string(),
    reason: z.string(),
    returnValue: z.unknown().optional(),
    podUID: z.string().optional(),
    attempts: z.number().optional(),
    finishedAt: z.string(),
  }),
});
export type Outcome = z.infer<typeof outcome>['status'];

export async function outcomeOf(name: string): Promise<Outcome> {
  const execution = `execution/${name}`;
  await kubectl(inSandboxes('wait', '--for=condition=Finished', execution, '--timeout=90s'));
  return (await kubectlJson(outcome, inSandboxes('get', execution))).status;
}

/** Runs a Python handler in a sandbox and answers how it ended. */
export async function run(sandbox: string, name: string, code: string): Promise<Outcome> {
  await submit(sandbox, name, code);
  return outcomeOf(name);
}

const sandboxObject = z.object({
  status: z
    .object({
      phase: z.string().optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      podName: z.string().optional(),
      podUID: z.string().optional(),
      restarts: z.number().optional(),
    })
    .default({}),
});
export type SandboxStatus = z.infer<typeof sandboxObject>['status'];

export async function sandboxStatus(name: string): Promise<SandboxStatus> {
  return (await kubectlJson(sandboxObject, inSandboxes('get', 'sandbox', name))).status;
}

/** Waits until a sandbox's status holds what is expected. */
export async function untilStatus(name: string, expected: SandboxStatus): Promise<SandboxStatus> {
  return eventually(async () => {
    const status = await sandboxStatus(name);
    expect(status).toMatchObject(expected);
    return status;
  }, 45_000);
}

/** The key that the chart made, as its administrator reads it. */
export async function adminKey(system = SYSTEM): Promise<string> {
  const data = ['-o', 'jsonpath={.data.admin-key}'];
  const encoded = await kubectl([
    ...['--namespace', system, 'get', 'secret', 'sandbox-api-callers'],
    ...data,
  ]);
  return Buffer.from(encoded, 'base64').toString();
}

/** Calls the REST API through a port-forward of its own; without a key, as a stranger does, if that is empty. */
export async function withRest<T>(
  use: (rest: Rest) => Promise<T>,
  { system = SYSTEM, key }: { readonly system?: string; readonly key?: string } = {},
): Promise<T> {
  const secret = key ?? (await adminKey(system));
  const forwarded = await portForward(['--namespace', system, 'service/sandbox-api', ':80']);
  try {
    return await use((method, path, body) =>
      call({ url: `${forwarded.url}/api/v1${path}`, method, body, key: secret }),
    );
  } finally {
    forwarded.stop();
  }
}
export type Rest = (method: string, path: string, body?: object) => Promise<unknown>;

interface RestCall {
  readonly url: string;
  readonly method: string;
  readonly body: object | undefined;
  readonly key: string;
}

async function call({ url, method, body, key }: RestCall): Promise<unknown> {
  const headers = {
    'content-type': 'application/json',
    ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
  };
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(url, { method, headers, ...content });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${String(response.status)} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
