import { apiConfig, UnsafeConfigError } from './config.ts';

const KEY = { SANDBOX_SIGNING_KEY_FILE: '/keys/private.pem' };

test('listens on loopback unless told otherwise', () => {
  expect(apiConfig(KEY)).toEqual({
    host: '127.0.0.1',
    port: 8000,
    healthPort: undefined,
    namespaces: ['default'],
    callersFile: undefined,
    tokenAudience: undefined,
    databaseUrl: undefined,
    logLevel: 'info',
    signingKeyFile: '/keys/private.pem',
    corsOrigins: [],
    allowedHosts: undefined,
  });
});

test.each([
  ['0.0.0.0'],
  ['::'],
  ['10.0.0.1'],
  ['api.example'],
  ['127.evil.example'],
  ['localhost.evil.example'],
])('refuses to listen on %s without authentication', (host) => {
  expect(() => apiConfig({ ...KEY, SANDBOX_HOST: host })).toThrow(UnsafeConfigError);
  expect(
    apiConfig({ ...KEY, SANDBOX_HOST: host, SANDBOX_ALLOW_UNAUTHENTICATED: 'true' }),
  ).toMatchObject({
    host,
    allowedHosts: 'any',
  });
});

test.each([['127.0.0.1'], ['127.1.2.3'], ['::1'], ['localhost']])(
  'takes %s for loopback',
  (host) => {
    expect(apiConfig({ ...KEY, SANDBOX_HOST: host })).toMatchObject({
      host,
      allowedHosts: undefined,
    });
  },
);

test('reads lists and names the variable at fault', () => {
  expect(
    apiConfig({ ...KEY, SANDBOX_CORS_ORIGINS: 'https://a.example, https://b.example,' })
      .corsOrigins,
  ).toEqual(['https://a.example', 'https://b.example']);
  expect(() => apiConfig({ ...KEY, SANDBOX_PORT: '70000' })).toThrow('SANDBOX_PORT');
  expect(() => apiConfig({})).toThrow('SANDBOX_SIGNING_KEY_FILE');
});

test('a file of callers lets it listen anywhere, and Kubernetes tokens need one', () => {
  const callers = { ...KEY, SANDBOX_CALLERS_FILE: '/callers' };
  expect(apiConfig({ ...callers, SANDBOX_HOST: '0.0.0.0' })).toMatchObject({
    callersFile: '/callers',
    allowedHosts: 'any',
  });
  expect(apiConfig({ ...callers, SANDBOX_TOKEN_AUDIENCE: 'api' }).tokenAudience).toBe('api');
  expect(() => apiConfig({ ...KEY, SANDBOX_TOKEN_AUDIENCE: 'api' })).toThrow(UnsafeConfigError);
});

test('the first of several namespaces is that of callers without one of their own', () => {
  const given = { ...KEY, SANDBOX_NAMESPACE: 'team-a, team-b' };
  expect(apiConfig(given).namespaces).toEqual(['team-a', 'team-b']);
});
