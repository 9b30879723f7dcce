import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRouter, sendJson, type Route } from './router.ts';

const HEALTH: Route = {
  method: 'GET',
  pattern: /^\/health$/,
  open: true,
  handle: ({ response }) => {
    sendJson(response, {});
    return Promise.resolve();
  },
};

/** Asks for health as often as there are values of the Authorization header; null: without one. */
async function ask(
  accepts: (token: string) => Promise<boolean>,
  ...authorizations: readonly (string | null)[]
): Promise<number[]> {
  const server = createServer(createRouter([HEALTH], accepts, () => undefined));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const codes: number[] = [];
  for (const authorization of authorizations) {
    const headers: Record<string, string> = authorization === null ? {} : { authorization };
    codes.push((await fetch(`http://127.0.0.1:${String(port)}/health`, { headers })).status);
  }
  server.close();
  server.closeAllConnections();
  return codes;
}

test('a token that comes with a question that needs none is looked at', async () => {
  const seen: string[] = [];
  const accepts = (token: string): Promise<boolean> => {
    seen.push(token);
    return Promise.resolve(true);
  };
  expect(await ask(accepts, 'Bearer good', null, 'Basic none')).toEqual([200, 200, 200]);
  expect(seen).toEqual(['good']);
});

test('such a question is answered whatever is thought of its token', async () => {
  const accepts = (token: string): Promise<boolean> =>
    token === 'bad' ? Promise.resolve(false) : Promise.reject(new Error('busy'));
  expect(await ask(accepts, 'Bearer bad', 'Bearer good')).toEqual([200, 200]);
});

test('no second one is looked at meanwhile: they cost who sends them nothing', async () => {
  const seen: string[] = [];
  const accepts = (token: string): Promise<boolean> => {
    seen.push(token);
    return new Promise(() => undefined);
  };
  expect(await ask(accepts, 'Bearer one', 'Bearer two')).toEqual([200, 200]);
  expect(seen).toEqual(['one']);
});
