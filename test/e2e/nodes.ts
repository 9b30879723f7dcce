import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const exec = promisify(execFile);
const CLUSTER = path.resolve(import.meta.dirname, '../cluster');
const STATE = process.env['SANDBOX_CLUSTER_STATE'] ?? path.join(os.tmpdir(), 'sandbox-cluster');
const AUDIT_LOG = path.join(STATE, 'log/audit.log');
const API_SERVER_PID = path.join(STATE, 'pid/apiserver');

/** Whether this is the cluster from source, whose API server and audit log are at hand. */
export const IS_FROM_SOURCE = existsSync(API_SERVER_PID);

/** Kills what runs in a pod as a crash would, without a word before. Nodes of both clusters are this machine's processes. */
export async function killProcessesOf(podUID: string): Promise<void> {
  // With the systemd driver the UID is written with underscores.
  const names = [`pod${podUID}`, `pod${podUID.replaceAll('-', '_')}`];
  let killed = 0;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (!names.some((name) => cgroup.includes(name)) || command.trim() === 'pause') continue;
    process.kill(Number(pid), 'SIGKILL');
    killed += 1;
  }
  if (killed === 0) throw new Error(`no process of pod ${podUID}`);
}

/** Kills the API server of the cluster from source and starts it again. */
export async function restartApiServer(): Promise<void> {
  const [pid] = (await readFile(API_SERVER_PID, 'utf8')).split(' ');
  process.kill(Number(pid), 'SIGKILL');
  await exec(path.join(CLUSTER, 'cluster-up'));
}

/** Gives the node an address more, as long as a test needs it. */
export async function addNodeAddress(address: string): Promise<void> {
  await exec('ip', ['address', 'replace', `${address}/32`, 'dev', 'lo']);
}

export async function removeNodeAddress(address: string): Promise<void> {
  await exec('ip', ['address', 'del', `${address}/32`, 'dev', 'lo']);
}

const line = z.object({
  verb: z.string(),
  user: z.object({ username: z.string() }),
  objectRef: z.object({
    resource: z.string(),
    subresource: z.string().optional(),
    namespace: z.string().optional(),
    name: z.string().optional(),
  }),
  responseStatus: z.object({ code: z.number() }),
});
export type Write = z.infer<typeof line>;

/** The successful writes to the objects of a namespace since the API server's log began. */
export async function writesIn(namespace: string): Promise<readonly Write[]> {
  const text = await readFile(AUDIT_LOG, 'utf8');
  return text
    .split('\n')
    .filter((entry) => entry.includes(`"namespace":"${namespace}"`))
    .map((entry) => line.parse(JSON.parse(entry)))
    .filter((write) => write.responseStatus.code < 300);
}
