import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { LocalRun } from '../local/local-run.ts';
import { printTable } from './print-table.ts';
import { measure, type Series } from './series.ts';

/**
 * What a thousand clients that only wait cost everybody else: 496 idle event streams and 496 waiting execute-syncs on one local control plane (API server,
 * operator and REST API in one process; sandboxes as processes): its memory, and the time of other requests before and meanwhile.
 * `node test/bench/waiting.ts`
 */

const SESSIONS = 16;
const OF_EACH_PER_SESSION = 31;
const ROUNDS = 200;
const SLEEP = { code: 'import time\ntime.sleep(600)', language: 'python', timeout: 900 };
const RETURN = { code: 'def handler(event):\n    return 1', language: 'python', timeout: 30 };

function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024);
}

async function createSession(local: LocalRun): Promise<string> {
  const resources = { cpu: '1', memory: '512Mi', disk: '256Mi' };
  const { body } = await local.call('POST', '/sessions', {
    template_id: 'python-basic',
    resources,
  });
  await local.call('POST', `/sessions/${String(body['id'])}/execute-sync`, RETURN);
  return String(body['id']);
}

const local = await LocalRun.create('process');
const stop = new AbortController();
const dispatcher = new Agent({ connections: null, headersTimeout: 0, bodyTimeout: 0 });

/** A client that only waits; `first` resolves with its status and, for a stream, when it is under way. */
async function wait(path: string, init: { method: string; body?: string }): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const url = `${local.running.api}/api/v1${path}`;
  const answer = await fetch(url, { ...init, headers, dispatcher, signal: stop.signal });
  waiting += 1;
  for await (const _ of answer.body ?? []) if (stop.signal.aborted) break;
}
let waiting = 0;

try {
  await local.up();
  const { pid } = local.running;
  const sessions: string[] = [];
  for (let n = 0; n < SESSIONS; n += 1) sessions.push(await createSession(local));
  // The runs that wait fill theirs.
  const probe = await createSession(local);
  const others = (when: string): Series[] => [
    { name: `GET session, ${when}`, once: () => local.call('GET', `/sessions/${probe}`) },
    {
      name: `execute-sync, ${when}`,
      once: () => local.call('POST', `/sessions/${probe}/execute-sync`, RETURN),
    },
  ];
  const idle = memoryOf(pid);
  const before = await measure(others('nobody waits'), { rounds: ROUNDS, warmup: 10 });

  const clients: Promise<void>[] = [];
  for (const id of sessions) {
    const { body } = await local.call('POST', `/sessions/${id}/execute`, SLEEP);
    const stream = `/executions/${String(body['execution_id'])}/stream`;
    const sync = `/sessions/${id}/execute-sync?sync_timeout=900`;
    for (let n = 0; n < OF_EACH_PER_SESSION; n += 1) {
      clients.push(wait(stream, { method: 'GET' }));
      clients.push(wait(sync, { method: 'POST', body: JSON.stringify(SLEEP) }));
    }
    await delay(200);
  }
  for (const client of clients) client.catch(() => undefined);
  const streams = SESSIONS * OF_EACH_PER_SESSION;
  while (waiting < streams) await delay(100);
  await delay(5_000);
  console.log(`${String(clients.length)} clients wait, of them ${String(waiting)} on streams`);
  console.log(`memory: ${String(idle)} MiB before, ${String(memoryOf(pid))} MiB with them\n`);
  const during = await measure(others('a thousand wait'), { rounds: ROUNDS, warmup: 10 });
  printTable([...before, ...during]);
} finally {
  stop.abort();
  await dispatcher.destroy();
  await local.remove();
}
