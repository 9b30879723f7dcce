import { operatorConfig, settingsIn } from './config.ts';

const KEY = { SANDBOX_SIGNING_KEY_FILE: '/key.pem' };

test('is the only operator and serves no health unless told otherwise', () => {
  expect(operatorConfig(KEY)).toEqual({
    namespace: 'default',
    logLevel: 'info',
    signingKeyFile: '/key.pem',
    lease: undefined,
    healthPort: undefined,
    forbiddenAddress: undefined,
    podName: undefined,
    databaseUrl: undefined,
    retention: { sandboxDays: 90, executionDays: 30, auditDays: 365 },
    settings: {},
  });
});

test('elects a leader where it is told a namespace for the lease', () => {
  expect(operatorConfig({ ...KEY, SANDBOX_LEASE_NAMESPACE: 'system' }).lease).toEqual({
    namespace: 'system',
    name: 'sandbox-operator',
  });
});

test.each([
  [{ KUBERNETES_SERVICE_HOST: '10.96.0.1' }, 'tcp://10.96.0.1:443'],
  [{ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' }, 'tcp://[fd00::1]:6443'],
  [{ KUBERNETES_SERVICE_HOST: '10.96.0.1', SANDBOX_REQUIRE_CLOSED_NETWORK: 'false' }, undefined],
])('holds sandboxes to not reaching the API server: %j', (env, address) => {
  expect(operatorConfig({ ...KEY, ...env }).forbiddenAddress).toBe(address);
});

test('takes every time and bound of a decision from a variable of its name', () => {
  const given = { ...KEY, SANDBOX_START_TIMEOUT_MS: '5000', SANDBOX_MAX_LOSSES_IN_A_ROW: '0' };
  const expected = { startTimeoutMs: 5_000, maxLossesInARow: 0 };
  expect(operatorConfig(given).settings).toEqual(expected);
  expect(settingsIn(given)).toEqual(expected);
});

test.each([
  ['SANDBOX_SIGNING_KEY_FILE', {}],
  ['SANDBOX_HEALTH_PORT', { ...KEY, SANDBOX_HEALTH_PORT: '70000' }],
  ['SANDBOX_SILENCE_MS', { ...KEY, SANDBOX_SILENCE_MS: 'soon' }],
  ['SANDBOX_SILENCE_MS', { ...KEY, SANDBOX_SILENCE_MS: '-1' }],
])('names %s when it is wrong', (variable, env) => {
  expect(() => operatorConfig(env)).toThrow(variable);
});
