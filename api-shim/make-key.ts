import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parseCallers } from './auth/callers.ts';
import { newKey } from './auth/new-key.ts';

/** `node api-shim/make-key.ts --name ci --role write`: makes a key, prints it once and the line for the file of callers. */

const USAGE = `Usage: node api-shim/make-key.ts --name NAME [--role read|write|admin] [--namespace NAMESPACE]
         [--requests-per-second N] [--burst N] [--sessions N]
`;

const text = { type: 'string' } as const;

function main(args: readonly string[]): void {
  const { values } = parseArgs({
    args: [...args],
    options: {
      name: text,
      role: { ...text, default: 'write' },
      namespace: text,
      'requests-per-second': text,
      burst: text,
      sessions: text,
    },
  });
  const { 'requests-per-second': perSecond, burst, sessions, ...rest } = values;
  const { key, line } = newKey(randomBytes(32), {
    ...rest,
    requests_per_second: numberOf(perSecond),
    burst: numberOf(burst),
    sessions: numberOf(sessions),
  });
  parseCallers(line, [values.namespace ?? 'default']);
  process.stdout.write(`The key, which is not kept anywhere:\n\n  ${key}\n\n`);
  process.stdout.write(`Its line in the file of SANDBOX_CALLERS_FILE:\n\n${line}\n`);
}

function numberOf(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 64;
}
