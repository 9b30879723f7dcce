import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Something to time: one sample per call; a rejection counts as a failure, never as a fast sample. */
export interface Series {
  readonly name: string;
  readonly once: () => Promise<unknown>;
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

/** Runs the series in turn, `rounds` times, so that each meets the same weather on the machine; `warmup` rounds are not counted. */
export async function measure(
  series: readonly Series[],
  { rounds, warmup }: { rounds: number; warmup: number },
): Promise<Measured[]> {
  const taken = series.map(({ name }) => ({ name, milliseconds: [] as number[], failures: 0 }));
  for (let round = -warmup; round < rounds; round += 1) {
    for (const [index, { once }] of series.entries()) {
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
