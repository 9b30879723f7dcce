import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { listen } from './server.ts';

test('a client that comes back after half a minute finds its connection open', async () => {
  const server = await listen((_request, response) => response.end(), {
    host: '127.0.0.1',
    port: 0,
  });
  const agent = new Agent({ keepAlive: true });
  const call = request({ host: '127.0.0.1', port: server.port, agent }).end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  // What the server says that it will wait for the next.
  expect(response.headers['keep-alive']).toBe('timeout=75');
  agent.destroy();
  await server.close();
});
