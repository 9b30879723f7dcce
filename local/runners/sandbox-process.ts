import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import type { ContainerLimits } from './container-limits.ts';
import { RecentLog } from './recent-log.ts';

export interface SandboxProcessOptions {
  /** An isolator's command. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: ContainerLimits;
  /** Of the process's user; what cgroups do not hold, this does. */
  readonly maxProcesses: number;
  /** `SandboxCgroup.entrances`. */
  readonly entrances: readonly string[];
  /** For the times of its log. */
  readonly now: () => number;
}

/** How it ended, and the last that it wrote. */
export interface ProcessEnd {
  readonly exitCode: number;
  readonly lastWords: string;
}

const LOG_CHARACTERS = 2048;

/** In need of memory the kernel shall take a sandbox before anything else of this machine. */
const PRELUDE =
  'echo 500 >/proc/self/oom_score_adj; while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@"';

/** The process that holds a sandbox's namespaces, in a session of its own so that Ctrl-C in a terminal does not reach it. */
export class SandboxProcess {
  readonly ended: Promise<ProcessEnd>;
  readonly log: RecentLog;
  readonly #child: ChildProcess;
  #lastWords = '';

  constructor(options: SandboxProcessOptions) {
    const { limits, entrances, command, env, maxProcesses, now } = options;
    this.log = new RecentLog(now);
    const rlimits = [
      `--nofile=${String(limits.openFiles)}`,
      `--fsize=${String(limits.diskBytes)}`,
      `--nproc=${String(maxProcesses)}`,
      '--core=0',
    ];
    const args = ['-c', PRELUDE, 'sh', ...entrances, '--', 'prlimit', ...rlimits, ...command];
    this.#child = spawn('/bin/sh', args, {
      env,
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#lastWords = (this.#lastWords + text).slice(-LOG_CHARACTERS);
        this.log.push(text);
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => {
        this.log.end();
        resolve({
          exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
          lastWords: this.#lastWords.trim(),
        });
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Kills PID 1 of the sandbox, with whom the kernel ends everything in it before its parent learns of it; the parent too if it has
   * not come that far. Resolves when all is gone.
   */
  async kill(): Promise<void> {
    const pid = this.#child.pid;
    if (pid === undefined) return;
    const inner = await childrenOf(pid);
    for (const each of inner.length === 0 ? [pid] : inner) killQuietly(each);
    await this.ended;
  }
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').catch(
    () => '',
  );
  return text
    .split(' ')
    .filter((part) => part !== '')
    .map(Number);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended already
  }
}
