import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findDocker } from './docker-engine.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'engine-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('an engine that answers is found where DOCKER_HOST says', async () => {
  const socketPath = path.join(folder, 'docker.sock');
  const engine = http.createServer((_request, response) => response.end('OK')).listen(socketPath);
  await once(engine, 'listening');
  await expect(findDocker({ DOCKER_HOST: `unix://${socketPath}` })).resolves.toEqual({
    found: true,
    socketPath,
  });
  engine.close();
});

test('an engine of another machine is refused, for its containers could not be reached', async () => {
  const engine = await findDocker({ DOCKER_HOST: 'tcp://192.0.2.1:2375' });
  expect(engine).toEqual({ found: false, reason: expect.stringContaining('DOCKER_HOST') });
});

test('a socket that nobody listens on is an engine that is not running', async () => {
  const socketPath = path.join(folder, 'docker.sock');
  const server = net.createServer().listen(socketPath);
  await once(server, 'listening');
  const stale = `${socketPath}.stale`;
  renameSync(socketPath, stale); // closing removes the path it was made at, and leaves this one
  server.close();
  await once(server, 'close');
  const engine = await findDocker({ DOCKER_HOST: `unix://${stale}` });
  expect(engine).toEqual({ found: false, reason: expect.stringContaining('not running') });
});

test('where there is no socket it says whether Docker is installed', async () => {
  const engine = await findDocker({ DOCKER_HOST: `unix://${folder}/none`, PATH: folder });
  expect(engine).toEqual({
    found: false,
    reason: expect.stringMatching(/not running|not installed/),
  });
});
