import { readConfig } from './config.ts';

const required = {
  EXECUTOR_LISTEN: 'tcp://0.0.0.0:8080',
  EXECUTOR_PUBLIC_KEY: 'AAAA',
  EXECUTOR_AUDIENCE: 'uid',
};

describe('readConfig', () => {
  it.each([
    ['tcp://0.0.0.0:8080', { kind: 'tcp', host: '0.0.0.0', port: 8080 }],
    ['tcp://[::]:8080', { kind: 'tcp', host: '::', port: 8080 }],
    ['unix:///run/executor/executor.sock', { kind: 'unix', path: '/run/executor/executor.sock' }],
  ])('listens on %s', (text, listen) => {
    expect(readConfig({ ...required, EXECUTOR_LISTEN: text }).listen).toEqual(listen);
  });

  it.each(['', 'tcp://x', 'unix://relative', 'http://x:1'])('refuses to listen on %j', (text) => {
    expect(() => readConfig({ ...required, EXECUTOR_LISTEN: text })).toThrow('must be tcp://');
  });

  it('knows what the pod must not reach', () => {
    const given = { ...required, EXECUTOR_FORBIDDEN_ADDRESS: 'tcp://[fd00::1]:443' };
    expect(readConfig(given).forbiddenAddress).toMatchObject({ host: 'fd00::1', port: 443 });
    const socket = { ...required, EXECUTOR_FORBIDDEN_ADDRESS: 'unix:///run/x.sock' };
    expect(() => readConfig(socket)).toThrow('must be tcp://address:port');
  });

  it('shows user code the prefixed variables and none of its own', () => {
    const env = {
      ...required,
      SANDBOX_USER_A: '1',
      SANDBOX_USER_EXECUTOR_LISTEN: 'x',
      HOSTNAME: 'h',
      PATH: '/bin',
    };
    expect(readConfig(env).userEnv).toEqual({
      PATH: '/bin',
      HOME: '/workspace',
      LANG: 'C.UTF-8',
      TMPDIR: '/tmp',
      A: '1',
      EXECUTOR_LISTEN: 'x',
    });
  });

  it('lets a template replace what user code finds', () => {
    const config = readConfig({
      ...required,
      PATH: '/bin',
      SANDBOX_USER_PATH: '/opt/bin',
      SANDBOX_USER_HOME: '/tmp',
    });
    expect({ path: config.path, user: config.userEnv }).toMatchObject({
      path: '/bin',
      user: { PATH: '/opt/bin', HOME: '/tmp' },
    });
  });
});
