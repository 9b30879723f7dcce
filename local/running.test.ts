import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readRunning, writeRunning } from './running.ts';

const addresses = {
  api: 'http://localhost:1',
  kube: 'http://127.0.0.1:2',
  runner: 'docker',
} as const;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'running-'));
  file = path.join(folder, 'running.json');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a process that wrote the file and lives is found with its addresses', () => {
  writeRunning(file, addresses);
  expect(readRunning(file)).toMatchObject({ pid: process.pid, ...addresses });
});

test('nothing runs where there is no file, half a file, or an old process id that another program has now', () => {
  expect(readRunning(file)).toBeUndefined();
  writeFileSync(file, '{"pid": 1');
  expect(readRunning(file)).toBeUndefined();
  writeRunning(file, addresses);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"startTime":"\d+"/, '"startTime":"1"'));
  expect(readRunning(file)).toBeUndefined();
});

test('a killed process does not run, even while its parent has not noticed', async () => {
  // The shell starts a child, tells its id, and never waits for it: killed, it stays as a zombie.
  const shell = spawn('sh', ['-c', 'sleep 100 & echo $!; exec sleep 100'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [data] = (await once(shell.stdout, 'data')) as [Buffer];
  const pid = Number(data.toString());
  writeRunning(file, addresses);
  const startTime = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21];
  writeFileSync(file, JSON.stringify({ ...addresses, pid, startTime }));
  expect(readRunning(file)).toMatchObject({ pid });
  process.kill(pid, 'SIGKILL');
  while (!readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z'))
    await new Promise(setImmediate);
  expect(readRunning(file)).toBeUndefined();
  shell.kill('SIGKILL');
});
