import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const NAME = 'bench-operator';
const MOUNTED = 'mounted';
const CACHE = 'cache';
const IMAGE = 'sandbox-operator:latest';
/** As in the chart's values.yaml: Node.js sizes its heap by it. */
const MEMORY_LIMIT = '512m';
/** Of /proc/PID/stat: USER_HZ, 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** The operator's image within the chart's memory limit, but beside the cluster rather than in it, so that it can be looked into and killed at any moment. */
export class OperatorProcess {
  readonly #folder: string;
  readonly #namespace: string;
  #pid = 0;

  private constructor(folder: string, namespace: string) {
    this.#folder = folder;
    this.#namespace = namespace;
  }

  /** Makes the container, but does not start it. */
  static async create(namespace: string): Promise<OperatorProcess> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'bench-operator-'));
    const operator = new OperatorProcess(folder, namespace);
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const { stdout: kubeconfig } = await exec('kubectl', ['config', 'view', '--raw', '--flatten']);
    // The image's user is nobody here: what is mounted is for all to read, and the folder around it for this user alone.
    mkdirSync(path.join(folder, MOUNTED), { mode: 0o755 });
    mkdirSync(path.join(folder, CACHE));
    chmodSync(path.join(folder, CACHE), 0o777);
    for (const [name, text] of Object.entries({ 'private.pem': pem, kubeconfig }))
      writeFileSync(path.join(folder, MOUNTED, name), text, { mode: 0o644 });
    await operator.#create();
    return operator;
  }

  async start(): Promise<void> {
    await exec('docker', ['start', NAME]);
    const { stdout } = await exec('docker', ['inspect', '--format', '{{.State.Pid}}', NAME]);
    this.#pid = Number(stdout);
  }

  async kill(): Promise<void> {
    await exec('docker', ['kill', NAME]).catch(() => undefined);
  }

  /** Bytes that it holds now. */
  memory(): number {
    const status = readFileSync(`/proc/${String(this.#pid)}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1_024;
  }

  /** Seconds of CPU since it began. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${String(this.#pid)}/stat`, 'utf8');
    // Behind the name in parentheses, which may hold anything: fields 14 and 15 of proc(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  async remove(): Promise<void> {
    await exec('docker', ['rm', '--force', NAME]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #create(): Promise<void> {
    const variables = {
      KUBECONFIG: '/bench/kubeconfig',
      SANDBOX_NAMESPACE: this.#namespace,
      SANDBOX_SIGNING_KEY_FILE: '/bench/private.pem',
      SANDBOX_LOG_LEVEL: 'warn',
      SANDBOX_PACKAGE_CACHE: '/cache',
    };
    await exec('docker', [
      ...['create', '--name', NAME, '--network', 'host', '--memory', MEMORY_LIMIT],
      ...['--volume', `${path.join(this.#folder, MOUNTED)}:/bench:ro`],
      ...['--volume', `${path.join(this.#folder, CACHE)}:/cache`],
      ...Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      IMAGE,
    ]);
  }
}
