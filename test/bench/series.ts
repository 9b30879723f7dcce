import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Something to time: one sample per call; a rejection counts as a failure, never as a fast sample. */
export interface Series {
  readonly name: string;
  readonly once: () => Promise<unknown>;
  /** Not timed. */
  readonly prepare?: () => Promise<unknown>;
}

export interface Measured {
  readonly name: string;
  readonly milliseconds: readonly number[];
  readonly failures: number;
}

/** A process start as a physical baseline. */
export function command(name: string, [file, ...args]: readonly [string, ...string[]]): Series {
  return { name, once: () => run(file, args) };
}

/** A run is followed by work of its own, such as the boot of the next interpreter: no sample shall pay for the one before it. */
const PAUSE_MS = 400;

/** Runs the series in turn, `rounds` times, so that each meets the same weather on the machine; `warmup` rounds are not counted. */
export async function measure(
  series: readonly Series[],
  { rounds, warmup }: { rounds: number; warmup: number },
): Promise<Measured[]> {
  const taken = series.map(({ name }) => ({ name, milliseconds: [] as number[], failures: 0 }));
  for (let round = -warmup; round < rounds; round += 1) {
    for (const [index, { once, prepare }] of series.entries()) {
      await prepare?.();
      await delay(PAUSE_MS);
      const sample = await sampleOf(once);
      const into = taken[index];
      if (round < 0 || into === undefined) continue;
      if (sample === undefined) into.failures += 1;
      else into.milliseconds.push(sample);
    }
  }
  return taken;
}

async function sampleOf(once: () => Promise<unknown>): Promise<number | undefined> {
  const start = performance.now();
  try {
    await once();
    return performance.now() - start;
  } catch {
    return undefined;
  }
}
