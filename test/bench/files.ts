import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalRun } from '../local/local-run.ts';
import { S3Server } from '../storage/s3-server.ts';

/**
 * Memory and time of a 100 MB upload and download through a local control plane (one process: API server, operator and REST API), the
 * object store an S3 server: `node test/bench/files.ts [docker|process]`.
 */

const SIZE = 104_857_600;
const MEGABYTE = 2 ** 20;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function memoryOf(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]) * 1_024;
}

/** Megabytes that `work` took above what there was before it, and its seconds. */
async function measure(pid: number, name: string, work: () => Promise<unknown>): Promise<void> {
  const idle = memoryOf(pid, 'VmRSS');
  // proc(5): 5 sets the peak back to what is used now.
  writeFileSync(`/proc/${String(pid)}/clear_refs`, '5');
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1_000;
  const peak = memoryOf(pid, 'VmHWM') - idle;
  say(
    `${name}: ${(peak / MEGABYTE).toFixed(1)} MiB above ${(idle / MEGABYTE).toFixed(0)} MiB, ${seconds.toFixed(2)} s`,
  );
}

async function discard(response: Response): Promise<number> {
  let size = 0;
  for await (const chunk of response.body ?? []) size += (chunk as Uint8Array).length;
  return size;
}

const s3 = await S3Server.start();
const local = await LocalRun.create(process.argv[2] === 'docker' ? 'docker' : 'process');
try {
  await local.up({ ...s3.env, SANDBOX_S3_PUBLIC_ENDPOINT: '' });
  const { api, pid } = local.running;
  const { body } = await local.call('POST', '/sessions', {
    template_id: 'python-basic',
    resources: { cpu: '1', memory: '256Mi', disk: '1Gi' },
  });
  const id = String(body['id']);
  await local.call('POST', `/sessions/${id}/execute-sync`, {
    language: 'python',
    code: 'print(1)',
  });
  const files = `${api}/api/v1/sessions/${id}/files`;
  const upload = async (name: string, size = SIZE): Promise<void> => {
    const form = new FormData();
    form.set('file', new Blob([new Uint8Array(size)]), 'big.bin');
    const answer = await fetch(`${files}/upload?path=${name}`, { method: 'POST', body: form });
    say(`  ${String(answer.status)} ${await answer.text()}`);
  };
  const download = async (): Promise<void> => {
    const answer = await fetch(`${files}/first.bin`);
    if (!answer.ok) throw new Error(await answer.text());
    say(`  ${String(await discard(answer))} bytes`);
  };
  // What the first of all costs, whatever its size: code is loaded and compiled, and connections are made.
  await measure(pid, 'upload of 1 KiB, the first of all', () => upload('small.bin', 1_024));
  await sleep(5_000);
  await measure(pid, 'upload, and storing it on S3 meanwhile', () => upload('first.bin'));
  await sleep(5_000);
  await measure(pid, 'download from the sandbox', download);
  await measure(pid, 'second upload', () => upload('second.bin'));
  await sleep(5_000);
  await local.call('POST', `/sessions/${id}/terminate`);
  await sleep(3_000);
  await measure(pid, 'download from S3, after the session ended', download);
} finally {
  await local.remove();
  await s3.remove();
}
