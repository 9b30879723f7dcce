import { request } from 'node:http';
import { RestApi } from '../test/fakes/rest-api.ts';

/** fetch does not let one choose the Host. */
function statusFor(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', path: '/api/v1/health', headers: { Host: host } };
    const call = request(options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on('error', reject).end();
  });
}

let api: RestApi;
afterEach(() => api.stop());

test.each([
  ['localhost', 200],
  ['localhost:8000', 200],
  ['LocalHost', 200],
  ['127.0.0.1:8000', 200],
  ['[::1]:8000', 200],
  ['evil.example', 421],
  ['localhost.evil.example', 421],
  ['127.0.0.1.evil.example:8000', 421],
])(
  'a request to the host %s is %d: no other name may be made to point here',
  async (host, expected) => {
    api = await RestApi.start();
    expect(await statusFor(api.port, host)).toBe(expected);
  },
);

test('other hosts can be named, or all be allowed', async () => {
  api = await RestApi.start({ allowedHosts: ['api.example'] });
  expect(await statusFor(api.port, 'api.example')).toBe(200);
  expect(await statusFor(api.port, 'localhost')).toBe(421);
  await api.stop();
  api = await RestApi.start({ allowedHosts: 'any' });
  expect(await statusFor(api.port, 'whatever.example')).toBe(200);
});
