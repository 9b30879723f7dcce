import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ApiContract } from '../fakes/api-contract.ts';

const run = promisify(execFile);
const cli = path.resolve('local/cli.ts');

const runningFile = z.object({ pid: z.int(), api: z.string(), kube: z.string() });

/** A REST answer: status and whatever JSON came with it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * A local control plane as a person starts it, through the command line, in a state folder and on ports of its own.
 * Everything it leaves behind is removed by `remove`.
 */
export class LocalRun {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;
  #contract: Promise<ApiContract> | undefined;

  private constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.#env = env;
  }

  static async create(runner: 'docker' | 'process'): Promise<LocalRun> {
    const folder = mkdtempSync(path.join(os.tmpdir(), `scp-${runner}-`));
    const env = {
      ...process.env,
      SANDBOX_STATE: folder,
      SANDBOX_RUNNER: runner,
      // Has a suite of its own.
      SANDBOX_MARIADB_IMAGE: 'none',
      SANDBOX_PORT: String(await freePort()),
      SANDBOX_KUBE_PORT: String(await freePort()),
    };
    return new LocalRun(folder, env);
  }

  get kubeconfig(): string {
    return path.join(this.folder, 'kubeconfig');
  }

  get running(): z.infer<typeof runningFile> {
    return runningFile.parse(
      JSON.parse(readFileSync(path.join(this.folder, 'running.json'), 'utf8')),
    );
  }

  /** What `up` prints. */
  async up(env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { stdout } = await run(process.execPath, [cli, 'up'], { env: { ...this.#env, ...env } });
    return stdout;
  }

  /** Like `up`, but a failure is an answer: what it printed and its exit code. */
  async tryUp(env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, [cli, 'up'], { env: { ...this.#env, ...env } });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, output };
  }

  async down(): Promise<void> {
    await run(process.execPath, [cli, 'down'], { env: this.#env });
  }

  async remove(): Promise<void> {
    await run(process.execPath, [cli, 'clean'], { env: this.#env });
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The control plane ends as if the power had been cut; what runs in sandboxes stays. */
  kill(): void {
    process.kill(this.running.pid, 'SIGKILL');
  }

  /** Throws where the answer is none that the API's own document knows. */
  async call(method: string, route: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.running.api}/api/v1${route}`, {
      method,
      ...(body === undefined
        ? {}
        : {
            headers: { 'content-type': 'application/json' },
            body: typeof body === 'string' ? body : JSON.stringify(body),
          }),
    });
    const text = await response.text();
    const json: unknown = text === '' ? undefined : JSON.parse(text);
    const { status, headers } = response;
    this.#contract ??= ApiContract.of(this.running.api);
    (await this.#contract).check({ method, url: `/api/v1${route}`, status, headers, json });
    return { status, headers, body: asRecord(json ?? {}) };
  }
}

const record = z.record(z.string(), z.unknown());

function asRecord(json: unknown): Record<string, unknown> {
  return record.parse(Array.isArray(json) ? { items: json } : json);
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
