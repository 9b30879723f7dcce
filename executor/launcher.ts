import { type ChildProcess, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Logger } from '../kube/logger.ts';
import { type Frame, FrameDecoder, encodeFrame } from './frames.ts';
import { type Native, childrenOfInit } from './native.ts';

/** What the launcher tells of one run, in this order; exactly one of the last three comes, and nothing after it. */
export interface RunListener {
  output(stream: 'stdout' | 'stderr', chunk: Buffer): void;
  result(text: string): void;
  ended(end: RunEnd): void;
  refused(refusal: RunRefusal): void;
  lost(): void;
}

const runEnd = z.object({
  code: z.int().min(-64).max(255),
  cpuMs: z.number().min(0),
  maxRssBytes: z.int().min(0),
});
export type RunEnd = z.infer<typeof runEnd>;
const runRefusal = z.object({
  reason: z.enum(['LanguageNotAvailable', 'CannotStart']),
  message: z.string(),
});
export type RunRefusal = z.infer<typeof runRefusal>;
const readiness = z.object({ languages: z.array(z.string()) });

export interface LauncherOptions {
  readonly python: string;
  readonly script: string;
  /** Handed to the script as its only argument, in JSON. */
  readonly settings: {
    readonly workspace: string;
    readonly path: string;
    readonly node: string;
    readonly nodeArguments: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
  readonly native: Native;
  /** Told of the bytes that came from the launcher. */
  readonly passed: (bytes: number) => void;
  readonly log: Logger;
}

const REAP_INTERVAL_MS = 10_000;
const WAKE_INTERVAL_MS = 500;
const CLEARING_STEP_MS = 5;
const RESPAWN_PAUSE_MS = 200;

/**
 * Keeps one launcher process (`launcher.py`) alive and talks to it. Runs are of the same user, so any of them can kill or stop it: then the runs
 * in flight are lost, everything left in the container is killed, and a new one takes over. PID 1, where this code runs, is out of their reach.
 */
export class Launcher {
  readonly #options: LauncherOptions;
  readonly #runs = new Map<number, RunListener>();
  readonly #ready = Promise.withResolvers<readonly string[]>();
  #process: ChildProcess | undefined;
  #channel: Duplex | undefined;
  #next = 1;
  #closed = false;
  #backlog: Frame[] = [];
  #timers: NodeJS.Timeout[] = [];

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** Starts the launcher; resolves with the languages that it can run. */
  async open(): Promise<readonly string[]> {
    this.#spawn();
    this.#timers = [
      setInterval(() => {
        this.#reapZombies();
      }, REAP_INTERVAL_MS),
      // A launcher that user code has stopped is woken.
      setInterval(() => {
        if (this.#runs.size > 0) this.#process?.kill('SIGCONT');
      }, WAKE_INTERVAL_MS),
    ];
    return this.#ready.promise;
  }

  /** Starts a run; the number is for `kill`. */
  run(request: object, listener: RunListener): number {
    const run = this.#next++;
    this.#runs.set(run, listener);
    this.#send({ kind: 'S', run, payload: Buffer.from(JSON.stringify(request)) });
    return run;
  }

  kill(run: number): void {
    if (this.#runs.has(run)) this.#send({ kind: 'K', run, payload: Buffer.alloc(0) });
  }

  /** For a run that does not end when killed: ends the launcher, and so every run. */
  restart(): void {
    this.#options.log.warn('launcher does not answer; replacing it');
    if (this.#process === undefined) this.#lose(this.#runs.keys());
    else this.#process.kill('SIGKILL');
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#process?.kill('SIGKILL');
  }

  #spawn(): void {
    const { python, script, settings } = this.#options;
    const started = spawn(python, ['-I', script, JSON.stringify(settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      env: { PATH: settings.path, LANG: 'C.UTF-8' },
      cwd: '/',
    });
    const channel = started.stdio[3];
    if (!(channel instanceof Duplex)) throw new Error('launcher has no channel');
    const decoder = new FrameDecoder();
    channel.on('data', (chunk: Buffer) => {
      this.#hearAll(decoder, chunk);
      this.#options.passed(chunk.length);
    });
    channel.on('error', () => undefined);
    const closed = new Promise((resolve) => started.once('close', resolve));
    started.once('exit', (code, signal) => {
      // The channel may still hold ends of runs that came before the launcher's own; it closes once no other process has it either.
      void this.#replace(String(signal ?? code), closed);
    });
    started.once('error', (error) => {
      this.#ready.reject(error);
      void this.#replace(error.message, sleep(RESPAWN_PAUSE_MS));
    });
    this.#process = started;
    this.#channel = channel;
    for (const frame of this.#backlog.splice(0)) this.#send(frame);
  }

  #send(frame: Frame): void {
    if (this.#channel === undefined) {
      this.#backlog.push(frame);
      return;
    }
    this.#process?.kill('SIGCONT');
    this.#channel.write(encodeFrame(frame));
  }

  #hearAll(decoder: FrameDecoder, chunk: Buffer): void {
    try {
      for (const frame of decoder.push(chunk)) this.#hear(frame);
    } catch (cause) {
      this.#options.log.error('launcher is not understood', { cause: String(cause) });
      this.restart();
    }
  }

  #hear({ kind, run, payload }: Frame): void {
    if (kind === 'R') {
      this.#ready.resolve(readiness.parse(JSON.parse(payload.toString())).languages);
      return;
    }
    const listener = this.#runs.get(run);
    if (listener === undefined) return;
    if (kind === 'X' || kind === 'F') this.#runs.delete(run);
    tell(listener, kind, payload);
  }

  async #replace(how: string, drained: Promise<unknown>): Promise<void> {
    this.#process = undefined;
    this.#channel = undefined;
    if (this.#closed) return;
    const inFlight = [...this.#runs.keys()];
    this.#options.log.warn('launcher ended', { how, runs: inFlight.length });
    await this.#killEverything();
    await drained;
    this.#lose(inFlight);
    this.#spawn();
  }

  #lose(runs: Iterable<number>): void {
    for (const run of [...runs]) {
      const listener = this.#runs.get(run);
      this.#runs.delete(run);
      listener?.lost();
    }
  }

  /** Only PID 1 may do this: for it, and only for it, "all processes" are those of this container. */
  async #killEverything(): Promise<void> {
    if (process.pid !== 1) throw new Error('not PID 1');
    while (childrenOfInit().length > 0) {
      try {
        process.kill(-1, 'SIGKILL');
      } catch (error) {
        if (!isNoSuchProcess(error)) throw error;
      }
      this.#reapZombies();
      await sleep(CLEARING_STEP_MS);
    }
  }

  #reapZombies(): void {
    for (const pid of childrenOfInit())
      if (pid !== this.#process?.pid) this.#options.native.reap(pid);
  }
}

function tell(listener: RunListener, kind: string, payload: Buffer): void {
  if (kind === 'O') listener.output('stdout', payload);
  else if (kind === 'E') listener.output('stderr', payload);
  else if (kind === 'V') listener.result(payload.toString('utf8'));
  else if (kind === 'X') listener.ended(runEnd.parse(JSON.parse(payload.toString())));
  else if (kind === 'F') listener.refused(runRefusal.parse(JSON.parse(payload.toString())));
}

function isNoSuchProcess(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH';
}
