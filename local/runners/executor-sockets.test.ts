import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ExecutorSockets, socketsFit } from './executor-sockets.ts';

let folder: string;
let sockets: ExecutorSockets;
const servers: net.Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sockets-'));
  sockets = new ExecutorSockets(folder);
});
afterEach(() => {
  sockets.close();
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true });
});

/** As an executor does; what it says to whoever connects tells who it is. */
async function listen(file: string, says: string): Promise<void> {
  const server = net.createServer((socket) => socket.end(says));
  servers.push(server);
  server.listen(file);
  await once(server, 'listening');
  chmodSync(file, 0o666);
}

/** Waits for the pinned socket, as the operator's readiness check does. */
async function reached(podUID: string): Promise<string> {
  const address = sockets.address(podUID);
  const file = address.kind === 'unix' ? address.path : '';
  for (;;) {
    const socket = net.connect(file);
    const said = await new Promise<string | undefined>((resolve) => {
      socket.once('error', () => {
        resolve(undefined);
      });
      socket.once('data', (data) => {
        resolve(data.toString());
      });
    });
    socket.destroy();
    if (said !== undefined) return said;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('an executor is reached at its address once it listens', async () => {
  const shared = await sockets.provide('pod');
  await listen(path.join(shared, 'executor.sock'), 'hello');
  await expect(reached('pod')).resolves.toBe('hello');
});

test('what is done about a change is no change itself', async () => {
  const shared = await sockets.provide('pod');
  await listen(path.join(shared, 'executor.sock'), 'hello');
  await reached('pod');
  const watcher = watch(shared);
  const changed: (string | null)[] = [];
  watcher.on('change', (_, name) => changed.push(String(name)));
  // Each of these wakes whoever follows the folder; events come in the order of what happened.
  const marks = Array.from({ length: 20 }, (_, n) => `mark-${String(n)}`);
  for (const mark of marks) {
    writeFileSync(path.join(shared, mark), '');
    while (!changed.includes(mark)) await once(watcher, 'change');
  }
  watcher.close();
  expect([...new Set(changed)].sort()).toEqual(marks.toSorted());
});

test('removing the socket that the pod sees, or linking another in its place, changes nothing', async () => {
  const shared = await sockets.provide('pod');
  const born = path.join(shared, 'executor.sock');
  const other = path.join(folder, 'other');
  await listen(other, 'another socket of this machine');
  await listen(born, 'hello');
  await reached('pod');
  unlinkSync(born);
  symlinkSync(other, born);
  await sockets.adopt('pod');
  await expect(reached('pod')).resolves.toBe('hello');
});

test('an executor that listened before the control plane started again is adopted', async () => {
  const shared = await sockets.provide('pod');
  sockets.close();
  sockets = new ExecutorSockets(folder);
  await listen(path.join(shared, 'executor.sock'), 'hello');
  await sockets.adopt('pod');
  await expect(reached('pod')).resolves.toBe('hello');
});

test('what is left of other pods is cleared away, and nothing else', async () => {
  await sockets.provide('kept');
  await sockets.provide('gone');
  const before = readdirSync(folder);
  await sockets.keepOnly(() => ['kept']);
  expect(before).toHaveLength(2);
  expect(readdirSync(folder)).toHaveLength(1);
  await sockets.remove('kept');
  expect(existsSync(folder)).toBe(true);
  expect(readdirSync(folder)).toEqual([]);
});

test('a folder is too long when a socket in it would have more than 107 bytes', () => {
  expect(socketsFit(`/${'f'.repeat(68)}`)).toBe(true);
  expect(socketsFit(`/${'f'.repeat(69)}`)).toBe(false);
});
