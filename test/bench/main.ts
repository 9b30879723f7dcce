import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { LocalRun } from '../local/local-run.ts';
import { machine } from './machine.ts';
import { printTable } from './print-table.ts';
import { command, measure, type Series } from './series.ts';

/**
 * Times the main job through the REST API beside physical baselines of the same machine, interleaved in the same run.
 * Prints a table and keeps every sample as JSON. Nothing here passes or fails: promises are compared by a reader.
 */

const { values } = parseArgs({
  options: {
    runner: { type: 'string', default: 'docker' },
    rounds: { type: 'string', default: '200' },
    'cold-rounds': { type: 'string', default: '20' },
    out: { type: 'string', default: 'test/bench/results' },
  },
});
const runner = values.runner === 'process' ? 'process' : 'docker';

const HANDLER = {
  python: 'def handler(event):\n    return {"result": "hello world"}',
  javascript: 'export function handler(event) { return { result: "hello world" } }',
};

async function expectStatus(
  call: Promise<{ status: number; body: object }>,
  status: number,
): Promise<Record<string, unknown>> {
  const answer = await call;
  if (answer.status !== status) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return { ...answer.body };
}

async function createSession(local: LocalRun): Promise<string> {
  const session = await expectStatus(
    local.call('POST', '/sessions', { template_id: 'python-basic' }),
    201,
  );
  return String(session['id']);
}

async function execute(
  local: LocalRun,
  session: string,
  language: keyof typeof HANDLER,
): Promise<void> {
  const body = { code: HANDLER[language], language, timeout: 30 };
  const run = await expectStatus(
    local.call('POST', `/sessions/${session}/execute-sync`, body),
    200,
  );
  if (run['status'] !== 'completed') throw new Error(JSON.stringify(run));
}

async function coldCreate(local: LocalRun): Promise<void> {
  const session = await createSession(local);
  await execute(local, session, 'python');
  await expectStatus(local.call('DELETE', `/sessions/${session}`), 204);
}

/** The interpreter itself: what the name finds may be a script of a version manager, which takes ten times as long. */
const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'])
  .toString()
  .trim();

const local = await LocalRun.create(runner);
try {
  await local.up();
  // One each, as a client would: a session keeps an interpreter ready for the language that it ran last.
  const session = { python: await createSession(local), javascript: await createSession(local) };
  const live: Series[] = [
    command('baseline: python3 -c', [python, '-c', 'print(1)']),
    { name: 'execute-sync python', once: () => execute(local, session.python, 'python') },
    command('baseline: node -e', [process.execPath, '-e', '1']),
    {
      name: 'execute-sync javascript',
      once: () => execute(local, session.javascript, 'javascript'),
    },
  ];
  const cold: Series[] = [
    ...(runner === 'docker'
      ? [
          command('baseline: docker run python3', [
            'docker',
            'run',
            '--rm',
            '--network',
            'none',
            '--entrypoint',
            'python3',
            'sandbox-template-python-basic:latest',
            '-c',
            'print(1)',
          ]),
        ]
      : []),
    { name: 'cold create -> first result (incl. delete)', once: () => coldCreate(local) },
  ];
  const measured = [
    ...(await measure(live, { rounds: Number(values.rounds), warmup: 10 })),
    ...(await measure(cold, { rounds: Number(values['cold-rounds']), warmup: 2 })),
  ];
  printTable(measured);
  mkdirSync(values.out, { recursive: true });
  const file = path.join(values.out, `local-${runner}.json`);
  writeFileSync(
    file,
    `${JSON.stringify({ takenAt: new Date().toISOString(), machine: machine(), runner, measured }, null, 1)}\n`,
  );
  console.log(`\nevery sample: ${file}`);
} finally {
  await local.remove();
}
