import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runCommand } from '../../tools/run-command.ts';
import { reportOf } from './report.ts';

/** `BASE_URL=... [API_KEY=...] run.ts [--name NAME] [-t PATTERN]`: tries every case and writes the table of results. */

const USAGE = `The suite tries an API that runs already, and starts none:

  make conformance BASE_URL=http://localhost:8000 [API_KEY=...] [NAME=docker]

make up starts one on this machine.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { name: { type: 'string' }, only: { type: 'string', short: 't' } },
  });
  const url = process.env['BASE_URL'] ?? '';
  if (url === '') {
    process.stderr.write(USAGE);
    return 64;
  }
  const folder = values.name === undefined ? '.cache' : path.join(import.meta.dirname, 'results');
  const json = path.resolve('.cache', 'conformance.json');
  await mkdir(folder, { recursive: true });
  await mkdir('.cache', { recursive: true });
  const { exitCode } = await runCommand(jest(json, values.only), {
    live: true,
    env: { NODE_OPTIONS: '--experimental-vm-modules --no-warnings' },
  });
  const name = values.name ?? 'conformance';
  const { markdown, failed } = reportOf(await readFile(json, 'utf8'), `Conformance: ${name}`);
  const file = path.join(folder, `${name}.md`);
  await writeFile(file, markdown);
  process.stdout.write(
    `\n${markdown.split('\n')[2] ?? ''} ${failed.join(', ')}\nThe table: ${path.relative('.', file)}\n`,
  );
  return exitCode;
}

/** Three workers: the cases mostly wait for the system. */
function jest(json: string, only: string | undefined): [string, ...string[]] {
  return [
    process.execPath,
    path.join('node_modules', 'jest', 'bin', 'jest.js'),
    ...['--selectProjects', 'conformance', '--maxWorkers', '3', '--json', `--outputFile=${json}`],
    ...(only === undefined ? [] : ['--testNamePattern', only]),
  ];
}

process.exitCode = await main();
