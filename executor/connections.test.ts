import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExecutorTarget } from './client.ts';
import { Connections } from './connections.ts';

const GET = { method: 'GET', path: '/' } as const;

let server: Server;
let connections: Connections;
beforeEach(async () => {
  server = createServer((_, response) => response.end('{}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  connections = new Connections({
    connectTimeoutMs: 10_000,
    answerTimeoutMs: 10_000,
    maxAnswerBytes: 1_000,
    keepAliveMs: 1_500,
  });
});
afterEach(async () => {
  await connections.close();
  server.close();
});

function targetOf(podUID: string): ExecutorTarget {
  const { port } = server.address() as AddressInfo;
  return { podUID, address: { kind: 'tcp', host: '127.0.0.1', port } };
}

async function ask(podUID: string): Promise<void> {
  const { body } = await connections.poolFor(targetOf(podUID), 'call').request(GET);
  await body.dump();
}

test('calls to one pod share a connection', async () => {
  let opened = 0;
  server.on('connection', () => (opened += 1));
  await ask('a');
  // undici gives a connection back in the turn after the answer's end.
  await nextTurn();
  await ask('a');
  expect(opened).toBe(1);
});

test('a pod that nobody asks any more costs nothing', async () => {
  const connected = once(server, 'connection') as Promise<[Socket]>;
  await ask('idle');
  const [socket] = await connected;
  const pool = connections.poolFor(targetOf('idle'), 'call');
  const disconnected = new Promise((resolve) => pool.once('disconnect', resolve));
  if (!socket.closed) await once(socket, 'close');
  await disconnected;
  expect(connections.size).toBe(0);
  await ask('idle');
  expect(connections.size).toBe(1);
});

test('what is forgotten breaks off', async () => {
  server.removeAllListeners('request');
  const asked = once(server, 'request');
  const answer = connections.poolFor(targetOf('gone'), 'call').request(GET);
  await asked;
  connections.forget('gone');
  await expect(answer).rejects.toThrow();
  expect(connections.size).toBe(0);
});
