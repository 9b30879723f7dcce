import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { NetworkGate } from './network-gate.ts';

const LONG_MS = 30_000;

test('a pod without a network has nothing to wait for', async () => {
  const gate = new NetworkGate(undefined);
  await gate.closedOrAfter(LONG_MS);
  expect(gate.isClosed).toBe(true);
});

test('it is open as long as the forbidden address answers, and closed once it refuses', async () => {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const gate = new NetworkGate({ host: '127.0.0.1', port });
  await once(server, 'connection');
  await once(server, 'connection');
  await gate.closedOrAfter(1);
  expect(gate.isClosed).toBe(false);

  server.close();
  await gate.closedOrAfter(LONG_MS);
  expect(gate.isClosed).toBe(true);
});
