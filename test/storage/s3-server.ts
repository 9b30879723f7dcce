import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type S3Config } from '../../storage/objects/config.ts';
import { freePort } from '../local/local-run.ts';

const BUILD = path.resolve('test', 's3', 'build');
const PATIENCE_MS = 20_000;

/** A real S3 server of its own, with a folder behind it; it can be taken away and brought back. */
export class S3Server {
  readonly config: S3Config;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string, endpoint: string) {
    this.#folder = folder;
    this.config = {
      bucket: 'sandbox-workspace',
      endpoint,
      publicEndpoint: endpoint,
      region: 'us-east-1',
      accessKey: 'evaluation',
      secretKey: randomBytes(16).toString('hex'),
      accessKeyFile: undefined,
      secretKeyFile: undefined,
    };
  }

  static async start(): Promise<S3Server> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'scp-s3-'));
    const server = new S3Server(folder, `http://127.0.0.1:${await freePort()}`);
    await server.up();
    return server;
  }

  get env(): Record<string, string> {
    const { bucket, endpoint = '', accessKey = '', secretKey = '' } = this.config;
    return {
      SANDBOX_S3_BUCKET: bucket,
      SANDBOX_S3_ENDPOINT: endpoint,
      SANDBOX_S3_PUBLIC_ENDPOINT: endpoint,
      SANDBOX_S3_ACCESS_KEY_ID: accessKey,
      SANDBOX_S3_SECRET_ACCESS_KEY: secretKey,
    };
  }

  async up(): Promise<void> {
    const { endpoint = '', accessKey = '', secretKey = '' } = this.config;
    const program = execFileSync(BUILD, ['--look'], { encoding: 'utf8' }).trim();
    const keys = { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey };
    this.#process = spawn(program, ['--port', new URL(endpoint).host, 'posix', this.#folder], {
      stdio: 'ignore',
      env: { ...process.env, ...keys },
    });
    await this.#untilItAnswers(endpoint);
  }

  /** As if the power had been cut; what it stored stays. */
  async down(): Promise<void> {
    const ended = this.#process;
    this.#process = undefined;
    if (ended?.exitCode !== null) return;
    const exit = once(ended, 'exit');
    ended.kill('SIGKILL');
    await exit;
  }

  async remove(): Promise<void> {
    await this.down();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #untilItAnswers(endpoint: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        await fetch(endpoint);
        return;
      } catch (error) {
        if (this.#process?.exitCode !== null || performance.now() > deadline) throw error;
        await sleep(20);
      }
    }
  }
}
