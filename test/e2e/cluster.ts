import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

const ROOT = path.resolve(import.meta.dirname, '../..');
export const CHART = path.join(ROOT, 'charts/sandbox');

/** What `with-cluster` provides. */
const environment = z
  .object({
    KUBECONFIG: z.string(),
    SANDBOX_HELM: z.string(),
    SANDBOX_IMAGE_TAG: z.string(),
    SANDBOX_EVALUATION_VALUES: z.string(),
  })
  .parse(process.env, { error: () => 'run through test/e2e/with-cluster' });

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, args: readonly string[], input = ''): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(file, args, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({ exitCode: typeof code === 'number' ? code : 1, stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

function output(command: string, { exitCode, stdout, stderr }: Outcome): string {
  if (exitCode !== 0) throw new Error(`${command}: ${stderr.trim()}`);
  return stdout;
}

/** Runs kubectl and tells how it went. */
export function tryKubectl(args: readonly string[], input?: unknown): Promise<Outcome> {
  return run('kubectl', args, input === undefined ? '' : JSON.stringify(input));
}

/** Has kubectl read YAML from its standard input. */
export async function kubectlWith(args: readonly string[], yaml: string): Promise<string> {
  return output(`kubectl ${args.join(' ')}`, await run('kubectl', args, yaml));
}

/** Standard output of kubectl; `input` is an object for `-f -`. */
export async function kubectl(args: readonly string[], input?: unknown): Promise<string> {
  return output(`kubectl ${args.join(' ')}`, await tryKubectl(args, input));
}

export async function kubectlJson<T>(
  schema: z.ZodType<T>,
  args: readonly string[],
  input?: unknown,
): Promise<T> {
  return schema.parse(JSON.parse(await kubectl([...args, '-o', 'json'], input)));
}

/** Makes a Service or pod reachable from here; `target` is what comes after `kubectl port-forward`. */
export async function portForward(
  target: readonly string[],
): Promise<{ readonly url: string; stop(): void }> {
  const child = spawn('kubectl', ['port-forward', ...target], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = z.tuple([z.string()]).parse(await once(createInterface(child.stdout), 'line'));
  const [, address] = /from (127\.0\.0\.1:\d+)/.exec(line) ?? [];
  if (address === undefined) throw new Error(`kubectl port-forward said: ${line}`);
  return {
    url: `http://${address}`,
    stop() {
      child.kill();
    },
  };
}

export function tryHelm(args: readonly string[]): Promise<Outcome> {
  return run(environment.SANDBOX_HELM, args);
}

export async function helm(args: readonly string[]): Promise<string> {
  return output(`helm ${args.join(' ')}`, await tryHelm(args));
}

/** Options that make Helm take the images of this checkout. */
export const IMAGE_OPTIONS = ['--set', `images.tag=${environment.SANDBOX_IMAGE_TAG}`];

/** Gives a claim a volume, where the cluster has no storage class that would. */
export async function provideVolume(namespace: string, claim: string): Promise<void> {
  const script = path.join(ROOT, 'test/cluster/volume');
  output(`volume ${claim}`, await run(script, [namespace, claim]));
}

/** Takes away the volumes that were provided in a namespace. */
export async function removeVolumes(namespace: string): Promise<void> {
  await kubectl(['delete', 'persistentvolume', '--selector', `${VOLUME_LABEL}=${namespace}`]);
}
const VOLUME_LABEL = 'test.sandbox.ai/namespace';

/** The chart's servers for evaluation, with images that the cluster has or can pull. */
export const EVALUATION_VALUES: readonly string[] = [
  'storage.evaluationServer.enabled=true',
  'history.evaluationServer.enabled=true',
  ...environment.SANDBOX_EVALUATION_VALUES.split(',').filter((value) => value !== ''),
];

/** Fails with what `attempt` threw last if it does not succeed in time. */
export async function eventually<T>(attempt: () => Promise<T>, timeoutMs = 30_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(250);
    }
  }
}

/** Names of our CustomResourceDefinitions. */
export async function crdNames(): Promise<readonly string[]> {
  const files = await readdir(path.join(ROOT, 'crds/manifests'));
  return files.map((file) => `${path.basename(file, '.yaml')}.sandbox.ai`);
}
