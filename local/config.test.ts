import path from 'node:path';
import { localConfig } from './config.ts';

test('without any variable a local run serves on the documented ports and keeps its things in .local', () => {
  expect(localConfig({})).toEqual({
    port: 8000,
    kubePort: 6444,
    stateFolder: path.resolve('.local'),
    runner: undefined,
    callersFile: undefined,
    databaseUrl: undefined,
    mariaDbImage: 'mariadb:lts',
    logLevel: 'info',
  });
});

test.each([
  [{ SANDBOX_PORT: '99999' }, /SANDBOX_PORT/],
  [{ SANDBOX_PORT: 'http' }, /SANDBOX_PORT/],
  [{ SANDBOX_RUNNER: 'podman' }, /SANDBOX_RUNNER/],
])('%j is refused by name', (env, message) => {
  expect(() => localConfig(env)).toThrow(message);
});
