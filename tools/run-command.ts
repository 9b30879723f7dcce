import { spawn, type ChildProcess } from 'node:child_process';

export interface CommandResult {
  readonly exitCode: number;
  /** What it printed, unless it was shown as it came. */
  readonly output: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Show the output as it comes instead of keeping it. */
  readonly live?: boolean;
  /** After this long it is killed with everything it started, and has failed. */
  readonly timeoutMs?: number;
}

const TIMED_OUT = 124;

/** Runs a command to its end; never throws for what the command does, also not when there is no such command. */
export async function runCommand(
  command: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [file, ...args] = command;
  const stream = options.live === true ? 'inherit' : 'pipe';
  // A process group of its own, so that a timeout reaches grandchildren too.
  const child = spawn(file, args, {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', stream, stream],
    detached: true,
  });
  let output = '';
  for (const source of [child.stdout, child.stderr]) {
    source?.on('data', (data: Buffer) => (output += data.toString()));
  }
  child.once('error', (error) => (output += error.message));

  const limit = limitOf(child, options.timeoutMs);
  const exitCode = await new Promise<number>((resolve) => {
    child.once('close', (code) => {
      resolve(code ?? 1);
    });
  });
  return { exitCode: limit.end() ? TIMED_OUT : exitCode, output };
}

/** Kills the child and all it started when its time is up or when we are told to stop; `end` says whether its time was up. */
function limitOf(child: ChildProcess, timeoutMs: number | undefined): { end(): boolean } {
  let timedOut = false;
  const kill = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  const stop = (): void => {
    kill();
    process.exit(130);
  };
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          kill();
        }, timeoutMs);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  return {
    end: () => {
      clearTimeout(timer);
      process.off('SIGINT', stop).off('SIGTERM', stop);
      return timedOut;
    },
  };
}
