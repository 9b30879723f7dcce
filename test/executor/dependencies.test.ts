import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { IndexHandler } from '../../executor/client.ts';
import type { DependenciesState, InstallRequest } from '../../executor/contract.ts';
import { fetchUv } from '../../executor/fetch-uv.ts';
import { type Distribution, aWheel, anSdist, simplePage } from '../builders/python-packages.ts';
import { aTarball } from '../builders/npm-packages.ts';
import { call } from './calls.ts';
import { type TestSandbox, startSandbox } from './sandbox.ts';

const JSON_PAGE = 'application/vnd.pypi.simple.v1+json';
const UV_FOLDER = '.cache/uv';

let sandbox: TestSandbox;
let distributions: Distribution[];
let asked: string[];
let installs = 0;

beforeAll(async () => {
  mkdirSync(UV_FOLDER, { recursive: true });
  const uv = await fetchUv(UV_FOLDER);
  sandbox = await startSandbox({
    binds: [[dirname(uv), '/opt/uv']],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin:/opt/uv' },
  });
});
afterAll(async () => {
  await sandbox.close();
});
beforeEach(() => {
  distributions = [];
  asked = [];
});

/** An index of what the test put into `distributions`. */
const index: IndexHandler = async ({ path }) => {
  asked.push(path);
  const [, project] = /^\/simple\/([^/]+)\/$/.exec(path) ?? [];
  if (project !== undefined) {
    const body = Buffer.from(simplePage(project, distributions, '/files/'));
    const isKnown = distributions.some((one) => one.project === project);
    return isKnown ? { status: 200, contentType: JSON_PAGE, body } : { status: 404 };
  }
  const file = distributions.find(({ filename }) => path === `/files/${filename}`);
  return file === undefined ? { status: 404 } : { status: 200, body: file.bytes };
};

async function install(
  requirements: readonly string[],
  more: Partial<InstallRequest> & { readonly id?: string } = {},
  from: IndexHandler = index,
): Promise<DependenciesState> {
  const { id = `set-${String(++installs)}`, ...rest } = more;
  const wanted = [...requirements];
  const request = { installer: 'uv', timeoutMs: 60_000, ...rest, requirements: wanted } as const;
  const lent = new AbortController();
  const lending = sandbox.client.lendIndex(sandbox.target, from, lent.signal);
  try {
    return await sandbox.client.install(sandbox.target, id, request, { waitMs: 60_000 });
  } finally {
    lent.abort();
    await lending;
  }
}

async function output(
  code: string,
  language: 'python' | 'javascript' | 'shell' = 'python',
): Promise<string> {
  const { stdout, stderr } = await sandbox.run({ code, language });
  return stdout.text + stderr.text;
}

test('a package is installed without a network and is there for the next run, whose interpreter was booted before', async () => {
  distributions = [await aWheel('greeting', '1.2')];
  await sandbox.run({ code: 'pass' });
  const state = await install(['greeting==1.2']);
  expect(state).toMatchObject({
    phase: 'Installed',
    installed: [{ name: 'greeting', version: '1.2' }],
  });
  expect(await output('import greeting; print(greeting.__version__)')).toBe('1.2\n');
});

test('a program that a run starts finds the packages too, and so does a shell', async () => {
  distributions = [await aWheel('child', '1.0')];
  await install(['child']);
  const code =
    'import subprocess, sys; subprocess.run([sys.executable, "-c", "import child; print(child.__version__)"])';
  expect(await output(code)).toBe('1.0\n');
  expect(await output('python3 -c "import child; print(child.__version__)"', 'shell')).toBe(
    '1.0\n',
  );
});

test('a package cannot stand in for the standard library', async () => {
  distributions = [
    await aWheel('fake', '1.0', { 'fake.py': '', 'json.py': 'raise SystemExit(9)' }),
  ];
  await install(['fake']);
  expect(await output('import json, fake; print(json.dumps([1]))')).toBe('[1]\n');
});

test('a set takes the place of the one before, and an empty set of any', async () => {
  distributions = [await aWheel('first', '1.0'), await aWheel('second', '1.0')];
  await install(['first']);
  await install(['second']);
  expect(
    await output(
      'import second; print("second")\ntry:\n  import first\nexcept ImportError: print("gone")',
    ),
  ).toBe('second\ngone\n');
  expect(await install([])).toMatchObject({ phase: 'Installed', installed: [] });
  expect(await output('try:\n  import second\nexcept ImportError: print("gone")')).toBe('gone\n');
});

test('a version that there is not is a failure with the requirement in its message; what was there before stays', async () => {
  distributions = [await aWheel('steady', '1.0')];
  await install(['steady==1.0']);
  const state = await install(['steady==0.13.5']);
  expect(state).toMatchObject({
    phase: 'Failed',
    reason: 'InstallerFailed',
    message: expect.stringContaining('steady==0.13.5'),
    installed: [{ name: 'steady', version: '1.0' }],
  });
  expect(await output('import steady; print(steady.__version__)')).toBe('1.0\n');
});

test('an id is installed once, however often it is sent', async () => {
  distributions = [await aWheel('once', '1.0')];
  const first = await install(['once'], { id: 'the-same' });
  asked = [];
  expect(await install(['once'], { id: 'the-same' })).toEqual(first);
  expect(asked).toEqual([]);
});

test('a set that another one took the place of can be had again', async () => {
  distributions = [await aWheel('former', '1.0'), await aWheel('latter', '1.0')];
  await install(['former'], { id: 'former' });
  await install(['latter']);
  expect(await install(['former'], { id: 'former' })).toMatchObject({ phase: 'Installed' });
  expect(await output('import former; print(former.__version__)')).toBe('1.0\n');
});

test('of a set that is built upon another only the rest is fetched, and that other stays as it was', async () => {
  distributions = [await aWheel('ground', '1.0'), await aWheel('floor', '1.0')];
  await install(['ground'], { id: 'base' });
  for (const id of ['upper-1', 'upper-2', 'upper-3']) {
    asked = [];
    const upper = await install(['ground', 'floor'], { id, base: 'base' });
    expect(upper.installed.map(({ name }) => name)).toEqual(['floor', 'ground']);
    expect(asked.filter((path) => path.startsWith('/files/ground'))).toEqual([]);
  }
  expect(await output('import ground, floor; print(floor.__version__)')).toBe('1.0\n');
  distributions.push(await aWheel('ground', '2.0'));
  await install(['ground==2.0'], { base: 'base' });
  expect(await output('import ground; print(ground.__version__)')).toBe('2.0\n');
  await install(['ground'], { id: 'again', base: 'base' });
  expect(await output('import ground; print(ground.__version__)')).toBe('1.0\n');
});

test('a set whose base is not here is installed as a whole', async () => {
  distributions = [await aWheel('whole', '1.0')];
  expect(await install(['whole'], { base: 'unknown' })).toMatchObject({ phase: 'Installed' });
});

test('an installation goes on when the control plane hangs up and lends the index anew', async () => {
  distributions = [await aWheel('patient', '1.0')];
  const [brief, lasting] = [new AbortController(), new AbortController()];
  const hangsUp: IndexHandler = async () => {
    brief.abort();
    return new Promise(() => undefined);
  };
  const request: InstallRequest = { installer: 'uv', requirements: ['patient'], timeoutMs: 60_000 };
  const first = sandbox.client.lendIndex(sandbox.target, hangsUp, brief.signal);
  const id = `set-${String(++installs)}`;
  const state = sandbox.client.install(sandbox.target, id, request, { waitMs: 60_000 });
  await first;
  const second = sandbox.client.lendIndex(sandbox.target, index, lasting.signal);
  expect(await state).toMatchObject({ phase: 'Installed' });
  lasting.abort();
  await second;
});

test('the build of a source distribution runs in the sandbox: no network, no file of the daemon, nothing left running', async () => {
  const payload = `
import os, socket, subprocess
found = []
try:
    socket.create_connection(('192.0.2.1', 80), timeout=2); found.append('network')
except OSError: pass
for path in ('/proc/1/environ', '/proc/1/mem'):
    try:
        open(path, 'rb').read(1); found.append(path)
    except OSError: pass
try:
    open('/opt/executor/executor.mjs', 'a'); found.append('daemon')
except OSError: pass
if os.fork() == 0:
    os.setsid()
    for fd in range(3): os.dup2(os.open(os.devnull, os.O_RDWR), fd)
    os.execvp('sleep', ['sleep', '654321'])
open('/workspace/found', 'w').write(repr((found, sorted(os.environ))))
`;
  distributions = [await anSdist('hostile', '1.0', payload)];
  expect(await install(['hostile'])).toMatchObject({ phase: 'Installed' });
  const seen = await output('print(open("/workspace/found").read())');
  expect(seen).toMatch(/^\(\[\], /);
  expect(seen).not.toMatch(/EXECUTOR_/);
  const look = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 65432[1]' || true";
  expect(await output(look, 'shell')).toBe('0\n');
});

test('an installation that takes too long ends, and the next one works', async () => {
  distributions = [
    await anSdist('endless', '1.0', 'while True: pass'),
    await aWheel('quick', '1.0'),
  ];
  expect(await install(['endless'], { timeoutMs: 3_000 })).toMatchObject({
    phase: 'Failed',
    reason: 'TimedOut',
  });
  expect(await install(['quick'])).toMatchObject({ phase: 'Installed' });
});

test('a set that is being installed makes way for another', async () => {
  const lent = new AbortController();
  distributions = [await aWheel('wanted', '1.0')];
  const stuck: IndexHandler = ({ path }, signal) =>
    path.includes('unwanted')
      ? new Promise(() => undefined)
      : index({ path, method: 'GET' }, signal);
  const lending = sandbox.client.lendIndex(sandbox.target, stuck, lent.signal);
  const request = { installer: 'uv', timeoutMs: 60_000 } as const;
  const wait = { waitMs: 60_000 };
  const unwanted = sandbox.client.install(
    sandbox.target,
    'unwanted',
    { ...request, requirements: ['unwanted'] },
    wait,
  );
  const wanted = sandbox.client.install(
    sandbox.target,
    'wanted',
    { ...request, requirements: ['wanted'] },
    wait,
  );
  expect(await unwanted).toMatchObject({ phase: 'Failed', reason: 'Superseded' });
  expect(await wanted).toMatchObject({ phase: 'Installed' });
  lent.abort();
  await lending;
});

test('without an installer that is what is said', async () => {
  const bare = await startSandbox({ bare: true, env: { PATH: '/opt/bare' } });
  const request: InstallRequest = { installer: 'uv', requirements: ['any'], timeoutMs: 10_000 };
  const state = await bare.client.install(bare.target, 'any', request, { waitMs: 20_000 });
  await bare.close();
  expect(state).toMatchObject({ phase: 'Failed', reason: 'InstallerNotAvailable' });
});

test('a package of npm is there for require and for import, beside what the workspace has', async () => {
  const tarball = await aTarball({
    'package/package.json': '{"name":"shout","version":"2.0.0"}',
    'package/index.js': 'module.exports = (text) => text.toUpperCase();',
  });
  const registry: IndexHandler = async ({ path }) => {
    if (path === '/npm/shout/-/shout-2.0.0.tgz') return { status: 200, body: tarball.bytes };
    if (path !== '/npm/shout') return { status: 404 };
    const dist = {
      tarball: 'http://index.invalid/shout/-/shout-2.0.0.tgz',
      integrity: tarball.integrity,
    };
    const versions = { '2.0.0': { name: 'shout', version: '2.0.0', dist } };
    const body = Buffer.from(
      JSON.stringify({ name: 'shout', 'dist-tags': { latest: '2.0.0' }, versions }),
    );
    return { status: 200, contentType: 'application/json', body };
  };
  const state = await install(['shout@^2.0.0'], { installer: 'npm' }, registry);
  expect(state).toMatchObject({
    phase: 'Installed',
    installed: [{ name: 'shout', version: '2.0.0' }],
  });
  expect(await output("console.log(require('shout')('required'))", 'javascript')).toBe(
    'REQUIRED\n',
  );
  expect(
    await output("import shout from 'shout'; console.log(shout('imported'))", 'javascript'),
  ).toBe('IMPORTED\n');
  const child =
    'const { execFileSync } = require("child_process"); process.stdout.write(execFileSync(process.execPath, ["-p", "require(\'shout\')(\'child\')"]))';
  expect(await output(child, 'javascript')).toBe('CHILD\n');
  expect(await output("require('no-such-package')", 'javascript')).toContain(
    "Cannot find module 'no-such-package'",
  );
});

test.each([
  ['PUT', '/v1/dependencies/x', 401, {}],
  ['GET', '/v1/dependencies/index', 401, {}],
])('%s %s without a token is refused', async (method, path, status, headers) => {
  expect(await call(sandbox, method as 'PUT', { path, headers, body: '{}' })).toMatchObject({
    status,
  });
});

test.each(['-r', '--help', '../x', 'a b', "a'", 'https://x/y.whl', 'a;b', '-e.'])(
  'the requirement %s is refused',
  async (text) => {
    const body = JSON.stringify({ installer: 'uv', requirements: [text], timeoutMs: 1_000 });
    expect(await call(sandbox, 'PUT', { path: '/v1/dependencies/bad', body })).toMatchObject({
      status: 400,
    });
  },
);

test('the index is at no address but during an installation, and takes questions only', async () => {
  const probe = `
import re, urllib.request, urllib.error
def at(port, method):
    try: return urllib.request.urlopen(urllib.request.Request(f'http://127.0.0.1:{port}/simple/x/', method=method)).status
    except urllib.error.HTTPError as error: return error.code
ports = [int(line.split()[1].split(':')[1], 16) for line in open('/proc/net/tcp').read().splitlines()[1:] if line.split()[3] == '0A']
open('/workspace/methods', 'w').write(repr([[at(port, method) for method in ('GET', 'POST', 'PUT')] for port in ports]))
`;
  distributions = [await anSdist('curious', '1.0', probe)];
  await install(['curious']);
  expect(await output('print(open("/workspace/methods").read())')).toBe('[[404, 405, 405]]\n');
  expect(await output('awk \'$4 == "0A"\' /proc/net/tcp', 'shell')).toBe('');
});
