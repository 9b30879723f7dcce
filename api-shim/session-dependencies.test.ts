import { revisionOf, type DependenciesStatus } from '../crds/dependencies.ts';
import { SANDBOXES } from '../crds/sandbox.ts';
import { RestApi } from '../test/fakes/rest-api.ts';

let api: RestApi;
beforeEach(async () => {
  api = await RestApi.start();
});
afterEach(() => api.stop());

const PYPI = 'https://pypi.org/simple/';
const PYFIGLET = { name: 'pyfiglet', version: '==1.0.2' };
const TIMES = { startedAt: '2026-11-24T07:03:00Z', finishedAt: '2026-11-24T07:03:20Z' };

function create(more: object): ReturnType<typeof api.client.post> {
  return api.client.post('/sessions', { template_id: 'python-basic', ...more });
}

function install(
  id: string,
  dependencies: readonly object[],
  more: object = {},
): ReturnType<typeof api.client.post> {
  return api.client.post(`/sessions/${id}/dependencies/install`, { dependencies, ...more });
}

/** What the operator reports of the packages that the session asks for now. */
function report(id: unknown, dependencies: Partial<DependenciesStatus>): void {
  const { spec, status } = api.sandbox(id);
  const revision = revisionOf(spec.dependencies);
  api.reportSession(id, {
    ...status,
    dependencies: { state: 'Installed', revision, ...TIMES, ...dependencies },
  });
}

/** The operator answers the next wish of a session. */
function whenWished(id: string, dependencies: Partial<DependenciesStatus>): void {
  const { attempt } = api.sandbox(id).spec.dependencies;
  const stop = api.sandboxes.subscribe(({ object }) => {
    if (object.spec.dependencies.attempt === attempt) return;
    stop();
    queueMicrotask(() => {
      report(id, dependencies);
    });
  });
}

describe('creating with dependencies', () => {
  test('case 108: they are echoed as they were sent, and being installed', async () => {
    const { status, body } = await create({
      dependencies: [PYFIGLET],
      python_package_index_url: PYPI,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      python_package_index_url: PYPI,
      requested_dependencies: [PYFIGLET],
      dependency_install_status: 'installing',
      dependency_install_error: null,
      installed_dependencies: [],
    });
  });

  test('case 109: once installed, they are listed with where and when', async () => {
    const { body } = await create({ dependencies: [PYFIGLET] });
    const installed = [
      { name: 'pyfiglet', version: '1.0.2' },
      { name: 'six', version: '1', fromTemplate: true },
    ];
    report(body['id'], { installed, location: '/opt/dependencies/set-1' });
    const session = await api.client.get(`/sessions/${String(body['id'])}`);
    const place = { install_location: '/opt/dependencies/set-1', install_time: TIMES.finishedAt };
    expect(session.body).toMatchObject({
      dependency_install_status: 'completed',
      dependency_install_error: null,
      dependency_install_started_at: TIMES.startedAt,
      dependency_install_completed_at: TIMES.finishedAt,
      installed_dependencies: [
        { name: 'pyfiglet', version: '1.0.2', ...place, is_from_template: false },
        { name: 'six', version: '1', ...place, is_from_template: true },
      ],
    });
  });

  test('case 110: a failure keeps the wish, has its words and its times, and the session runs', async () => {
    const id = await api.runningSession({
      dependencies: [{ name: 'fastapi', version: '==0.13.5' }],
      python_package_index_url: '',
      install_timeout: 120,
    });
    const message = 'uv could not install fastapi==0.13.5: no such version';
    report(id, { state: 'Failed', reason: 'DependencyInstallFailed', message, installed: [] });
    const { body } = await api.client.get(`/sessions/${id}`);
    expect(body).toMatchObject({
      status: 'running',
      requested_dependencies: [{ name: 'fastapi', version: '==0.13.5' }],
      dependency_install_status: 'failed',
      dependency_install_error: message,
      dependency_install_started_at: TIMES.startedAt,
      dependency_install_completed_at: TIMES.finishedAt,
      installed_dependencies: [],
    });
    expect(api.sandbox(id).spec.dependencies.installTimeoutSeconds).toBe(120);
  });

  test('cases 116 and 117: a bare version is an exact one, and the newest of a name counts', async () => {
    const { body } = await create({
      dependencies: [
        { name: 'NumPy', version: '1.0' },
        { name: 'requests' },
        { name: 'numpy', version: '2.3.3' },
      ],
    });
    expect(body['requested_dependencies']).toEqual([
      { name: 'numpy', version: '==2.3.3' },
      { name: 'requests', version: null },
    ]);
  });

  test('an index of one`s own is kept and echoed', async () => {
    const index = 'https://index.example.org/simple/';
    const { body } = await create({ dependencies: [PYFIGLET], python_package_index_url: index });
    expect(body['python_package_index_url']).toBe(index);
    expect(api.sandbox(body['id']).spec.dependencies.indexUrl).toBe(index);
  });

  test.each([
    ['case 113: a path', { dependencies: [{ name: '../../../etc/passwd' }] }],
    ['case 113: a URL', { dependencies: [{ name: 'https://example.org/a.whl' }] }],
    ['case 113: a command', { dependencies: [{ name: 'package; rm -rf /' }] }],
    ['case 114: a short timeout', { install_timeout: 10 }],
    ['case 114: a long timeout', { install_timeout: 2000 }],
    [
      'case 115: 51 packages',
      { dependencies: Array.from({ length: 51 }, (_, n) => ({ name: `a${String(n)}` })) },
    ],
    ['case 116: a version in the name', { dependencies: [{ name: 'pandas2.3.3' }] }],
    ['case 120: an option', { dependencies: [{ name: '--help' }] }],
    [
      'a version with an option',
      { dependencies: [{ name: 'a', version: '==1 --index-url http://x' }] },
    ],
    [
      'a version with a URL',
      { dependencies: [{ name: 'a', version: '@ https://example.org/a.whl' }] },
    ],
    ['a scope, which Python has not', { dependencies: [{ name: '@scope/a' }] }],
    ['an index in a file', { python_package_index_url: 'file:///etc/passwd' }],
    ['an index with credentials', { python_package_index_url: 'https://a:b@example.org/' }],
  ])('%s is refused, and creates nothing', async (_, change) => {
    expect(await create(change)).toMatchObject({ status: 422, body: { code: 'InvalidRequest' } });
    expect(api.cluster.all(SANDBOXES)).toEqual([]);
  });

  test('a Java session has none; a Node.js session has those of npm', async () => {
    await api.addTemplate('java', { runtime: 'java17' });
    await api.addTemplate('node', { runtime: 'nodejs20' });
    const dependencies = [
      { name: '@types/node', version: '^24.0.0' },
      { name: 'is-odd', version: '3.0.1' },
    ];
    expect(await create({ template_id: 'java', dependencies: [PYFIGLET] })).toMatchObject({
      status: 422,
      body: { code: 'DependenciesNotSupported', message: expect.stringContaining('java17') },
    });
    const { status, body } = await create({ template_id: 'node', dependencies });
    expect({ status, requested: body['requested_dependencies'] }).toEqual({
      status: 201,
      requested: dependencies,
    });
  });

  test('a session that ended before is one whose packages failed', async () => {
    const { body } = await create({ dependencies: [PYFIGLET] });
    api.reportSession(body['id'], { phase: 'Failed', reason: 'StartTimeout' });
    const session = await api.client.get(`/sessions/${String(body['id'])}`);
    expect(session.body).toMatchObject({
      dependency_install_status: 'failed',
      dependency_install_error: expect.stringContaining('ended'),
    });
  });
});

describe('installing later', () => {
  test('case 111: it answers when the packages are there', async () => {
    const id = await api.runningSession();
    whenWished(id, { installed: [{ name: 'pyfiglet', version: '1.0.2' }] });
    const { status, body } = await install(id, [PYFIGLET], { python_package_index_url: PYPI });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      python_package_index_url: PYPI,
      requested_dependencies: [PYFIGLET],
      dependency_install_status: 'completed',
      installed_dependencies: [{ name: 'pyfiglet', version: '1.0.2' }],
    });
  });

  test('case 117: what was asked for before stays, but for the same name', async () => {
    const id = await api.runningSession({ dependencies: [PYFIGLET, { name: 'six' }] });
    report(id, {});
    whenWished(id, {});
    const { body } = await install(id, [{ name: 'PyFiglet', version: '0.8' }]);
    expect(body['requested_dependencies']).toEqual([
      { name: 'PyFiglet', version: '==0.8' },
      { name: 'six', version: null },
    ]);
  });

  test.each([
    [undefined, 'https://index.example.org/simple/'],
    ['', PYPI],
    [null, PYPI],
  ])('an index of %j makes it %s', async (given, expected) => {
    const id = await api.runningSession({
      python_package_index_url: 'https://index.example.org/simple/',
    });
    whenWished(id, {});
    const { body } = await install(id, [PYFIGLET], { python_package_index_url: given });
    expect(body['python_package_index_url']).toBe(expected);
  });

  test('case 119: a failure is told with the words of the installer, and the wish stays', async () => {
    const id = await api.runningSession();
    const message = 'uv could not install pyfiglet==1.0.2: no';
    whenWished(id, { state: 'Failed', reason: 'DependencyInstallFailed', message });
    expect(await install(id, [PYFIGLET])).toMatchObject({
      status: 400,
      body: { code: 'DependencyInstallFailed', message },
    });
    const { body } = await api.client.get(`/sessions/${id}`);
    expect(body).toMatchObject({
      requested_dependencies: [PYFIGLET],
      dependency_install_status: 'failed',
      dependency_install_error: message,
    });
  });

  test('the same packages can be asked for again after a failure', async () => {
    const id = await api.runningSession();
    whenWished(id, { state: 'Failed', reason: 'DependencyInstallFailed', message: 'no' });
    await install(id, [PYFIGLET]);
    whenWished(id, {});
    expect((await install(id, [PYFIGLET])).status).toBe(200);
  });

  test('a sandbox that does not come to an end with it is unavailable', async () => {
    const id = await api.runningSession();
    whenWished(id, { state: 'Failed', reason: 'DependencyInstallTimeout', message: 'too slow' });
    expect(await install(id, [PYFIGLET])).toMatchObject({
      status: 503,
      body: { code: 'InstallNotSettled' },
    });
  });

  test('case 118: unknown, ended and installing sessions', async () => {
    expect(await install('nobody', [PYFIGLET])).toMatchObject({
      status: 404,
      body: { code: 'SessionNotFound' },
    });
    const ended = await api.runningSession();
    api.reportSession(ended, { phase: 'Terminated', reason: 'IdleTimeout' });
    expect(await install(ended, [PYFIGLET])).toMatchObject({
      status: 409,
      body: { code: 'SessionNotActive' },
    });
    const busy = await api.runningSession({ dependencies: [PYFIGLET] });
    expect(await install(busy, [PYFIGLET])).toMatchObject({
      status: 409,
      body: {
        code: 'DependencyInstallInProgress',
        message: `Dependency installation already in progress for session: ${busy}`,
      },
    });
  });

  test('of two at once one is done, and the other is told that', async () => {
    const id = await api.runningSession();
    const both = [install(id, [PYFIGLET]), install(id, [{ name: 'six' }])];
    const first = await Promise.race(both);
    expect(first).toMatchObject({ status: 409, body: { code: 'DependencyInstallInProgress' } });
    report(id, {});
    expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('it ends with its session', async () => {
    const id = await api.runningSession();
    const stop = api.sandboxes.subscribe(({ object }) => {
      if (object.spec.dependencies.attempt === 0) return;
      stop();
      queueMicrotask(() => {
        api.reportSession(id, { phase: 'Terminated', reason: 'TerminatedByUser' });
      });
    });
    expect(await install(id, [PYFIGLET])).toMatchObject({
      status: 409,
      body: { code: 'SessionNotActive' },
    });
  });

  test.each([
    ['case 115: none', []],
    ['51 in all', Array.from({ length: 50 }, (_, n) => ({ name: `a${String(n)}` }))],
  ])('%s are refused', async (_, dependencies) => {
    const id = await api.runningSession({ dependencies: [PYFIGLET] });
    report(id, {});
    expect((await install(id, dependencies)).status).toBe(422);
  });
});

describe('changing a session', () => {
  const patch = (id: string, body: object): ReturnType<typeof api.client.send> =>
    api.client.send('PATCH', `/sessions/${id}`, { body });

  test('dependencies take the place of those before, and are being installed', async () => {
    const id = await api.runningSession({ dependencies: [PYFIGLET] });
    report(id, {});
    const { status, body } = await patch(id, {
      dependencies: [{ name: 'six', version: '1.16.0' }],
    });
    expect({ status, ...body }).toMatchObject({
      status: 'running',
      requested_dependencies: [{ name: 'six', version: '==1.16.0' }],
      dependency_install_status: 'installing',
    });
    report(id, {});
    expect((await patch(id, { dependencies: [] })).body['requested_dependencies']).toEqual([]);
  });

  test('the same ones cost no write, unless they failed', async () => {
    const id = await api.runningSession({ dependencies: [PYFIGLET] });
    report(id, {});
    const before = api.cluster.writes.length;
    for (const same of [
      { dependencies: [PYFIGLET] },
      { dependencies: null },
      { python_package_index_url: PYPI },
    ])
      expect((await patch(id, same)).body['dependency_install_status']).toBe('completed');
    expect(api.cluster.writes).toHaveLength(before);
    report(id, { state: 'Failed', reason: 'DependencyInstallFailed', message: 'no' });
    const again = await patch(id, { dependencies: [PYFIGLET] });
    expect(again.body['dependency_install_status']).toBe('installing');
  });

  test('an empty index is the default again', async () => {
    const id = await api.runningSession({
      python_package_index_url: 'https://index.example.org/simple/',
    });
    const { body } = await patch(id, { python_package_index_url: '' });
    expect(body['python_package_index_url']).toBe(PYPI);
  });
});
