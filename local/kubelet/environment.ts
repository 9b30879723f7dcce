import type { KubeClient } from '../../kube/client.ts';
import { KubeError, NotFoundError } from '../../kube/errors.ts';
import type { KubeObject, ResourceType } from '../../kube/objects.ts';
import type { EnvVar, Pod } from '../../kube/pod.ts';
import { PodStartError } from '../runners/pod-runner.ts';

interface Secret extends KubeObject {
  /** In base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export const SECRETS: ResourceType<Secret> = {
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
};

/** What kubelet offers as `fieldRef` that has a meaning on one machine. */
const FIELDS: Readonly<Record<string, (pod: Pod) => string>> = {
  'metadata.name': (pod) => pod.metadata.name,
  'metadata.namespace': (pod) => pod.metadata.namespace ?? '',
  'metadata.uid': (pod) => pod.metadata.uid,
};

/**
 * The environment of the pod's container with every reference resolved. What is missing is a `PodStartError` that may be retried,
 * for a secret can be created later; a field that is not offered stays wrong.
 */
export async function resolveEnvironment(
  pod: Pod,
  client: KubeClient,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const read = secretReader(pod, client, signal);
  const variables = pod.spec.containers[0]?.env ?? [];
  const resolved = await Promise.all(
    variables.map(async (variable) => [variable.name, await valueOf(variable, pod, read)] as const),
  );
  return Object.fromEntries(
    resolved.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

type ReadSecret = (name: string) => Promise<Secret | undefined>;

async function valueOf(
  { value, valueFrom }: EnvVar,
  pod: Pod,
  read: ReadSecret,
): Promise<string | undefined> {
  if (valueFrom?.secretKeyRef !== undefined) return await secretValue(valueFrom.secretKeyRef, read);
  if (valueFrom?.fieldRef !== undefined) return fieldValue(valueFrom.fieldRef.fieldPath, pod);
  // As kubelet reads it: https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
  return (value ?? '').replaceAll('$$', '$');
}

function fieldValue(fieldPath: string, pod: Pod): string {
  const field = FIELDS[fieldPath];
  if (field !== undefined) return field(pod);
  throw configError(`field ${fieldPath} cannot be had in a local run`, { retryable: false });
}

async function secretValue(
  { name, key, optional }: { name: string; key: string; optional?: boolean },
  read: ReadSecret,
): Promise<string | undefined> {
  const secret = await read(name);
  const encoded = secret?.data?.[key];
  if (encoded !== undefined) return Buffer.from(encoded, 'base64').toString('utf8');
  if (optional === true) return undefined;
  const what = secret === undefined ? `secret "${name}"` : `key ${key} in secret "${name}"`;
  throw configError(`${what} not found`, { retryable: true });
}

/** Asks once for each secret, however many variables come from it. */
function secretReader(pod: Pod, client: KubeClient, signal: AbortSignal): ReadSecret {
  const reads = new Map<string, Promise<Secret | undefined>>();
  const get = async (name: string): Promise<Secret | undefined> => {
    try {
      const namespace = pod.metadata.namespace ?? '';
      return await client.get(SECRETS, { namespace, name }, signal);
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      if (!(error instanceof KubeError)) throw error;
      throw configError(`secret "${name}": ${error.message}`, { cause: error, retryable: true });
    }
  };
  return (name) => {
    const read = reads.get(name) ?? get(name);
    reads.set(name, read);
    return read;
  };
}

function configError(
  message: string,
  options: { cause?: unknown; retryable: boolean },
): PodStartError {
  return new PodStartError('CreateContainerConfigError', message, options);
}
