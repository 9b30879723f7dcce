import {
  createSession,
  endSessions,
  executeSync,
  running,
  runningSession,
  shared,
  tidyUp,
} from '../fixtures.ts';
import { del, eventually, get, post, unique, type Answer } from '../target.ts';

afterEach(endSessions);
afterAll(tidyUp);

const INDEX = 'https://pypi.org/simple/';
const PYFIGLET = { name: 'pyfiglet', version: '==1.0.2' };
const PREVIEW =
  'import pyfiglet\ndef handler(event):\n    return {"version": pyfiglet.__version__, "preview": pyfiglet.figlet_format("Hi").splitlines()[0]}';

const plain = shared(() => runningSession());

type Body = Readonly<Record<string, unknown>>;

/** The session once its installation is over. */
function installed(id: string): Promise<Body> {
  return eventually(
    async () => {
      const { body } = await get(`/sessions/${id}`);
      const status = body['dependency_install_status'];
      return status === 'completed' || status === 'failed' ? body : undefined;
    },
    { what: `the installation of ${id}`, withinMs: 90_000 },
  );
}

const install = (id: string, body: object): Promise<Answer> =>
  post(`/sessions/${id}/dependencies/install`, body, { timeoutMs: 100_000 });

function expectInstalled(body: Body): void {
  expect(body).toMatchObject({
    dependency_install_status: 'completed',
    dependency_install_started_at: expect.any(String),
    dependency_install_completed_at: expect.any(String),
    requested_dependencies: [PYFIGLET],
  });
  expect([null, '']).toContain(body['dependency_install_error']);
  expect(body['installed_dependencies']).toContainEqual(
    expect.objectContaining({ name: 'pyfiglet', version: expect.stringMatching(/^1\.0\.2/) }),
  );
}

test('107. a session without dependencies runs', async () => {
  expect((await get(`/sessions/${await plain()}`)).body['status']).toBe('running');
});

test('108. 109. dependencies that were asked for are installed and can be imported', async () => {
  const created = await createSession({
    dependencies: [PYFIGLET],
    python_package_index_url: INDEX,
    install_timeout: 300,
  });
  expect(created.status).toBe(201);
  expect(created.body).toMatchObject({
    python_package_index_url: INDEX,
    requested_dependencies: [PYFIGLET],
    dependency_install_status: 'installing',
  });
  const id = String(created.body['id']);
  const body = await installed(id);
  expectInstalled(body);
  await running(id);
  const ran = await executeSync(id, { code: PREVIEW });
  expect(ran.body).toMatchObject({
    status: 'completed',
    return_value: { version: expect.any(String), preview: expect.any(String) },
  });
});

test('110. what cannot be installed is told, and the session can be deleted', async () => {
  const id = unique('test_invalid_dependency_install');
  const created = await createSession({
    id,
    dependencies: [{ name: 'fastapi', version: '==0.13.5' }],
    python_package_index_url: '',
    install_timeout: 120,
  });
  expect(created.status).toBe(201);
  expect(created.body['dependency_install_status']).toBe('installing');
  const body = await installed(id);
  expect(body).toMatchObject({
    dependency_install_status: 'failed',
    dependency_install_started_at: expect.any(String),
    dependency_install_completed_at: expect.any(String),
    installed_dependencies: [],
  });
  expect(body['dependency_install_error']).toContain('fastapi==0.13.5');
  expect((await del(`/sessions/${id}`)).status).toBe(204);
});

test('111. dependencies are installed into a session that runs', async () => {
  const id = await runningSession();
  expect((await get(`/sessions/${id}`)).body).toMatchObject({
    dependency_install_status: 'completed',
    installed_dependencies: [],
  });
  const request = { dependencies: [PYFIGLET], python_package_index_url: INDEX };
  const { status, body } = await install(id, request);
  expect(status).toBe(200);
  expect(body).toMatchObject({ id, python_package_index_url: INDEX });
  expectInstalled(body);
  expectInstalled((await get(`/sessions/${id}`)).body);
  const code = 'import importlib.metadata\nprint(importlib.metadata.version("pyfiglet"))';
  expect((await executeSync(id, { code })).body['stdout']).toContain('1.0.2');
});

test('112. several, also without a version, can be imported', async () => {
  const dependencies = [{ name: 'requests', version: '==2.31.0' }, { name: 'six' }];
  const { status, body } = await createSession({ dependencies });
  expect(status).toBe(201);
  const id = String(body['id']);
  expect((await installed(id))['dependency_install_status']).toBe('completed');
  await running(id);
  const code = 'import requests, six\nprint(requests.__version__)';
  expect((await executeSync(id, { code })).body['stdout']).toBe('2.31.0\n');
});

test.each([['../../../etc/passwd'], ['https://evil.example/x.whl'], ['package; rm -rf /']])(
  '113. the name %s is 422',
  async (name) => {
    expect((await createSession({ dependencies: [{ name }] })).status).toBe(422);
  },
);

test.each([[10], [2000]])('114. install_timeout %d is 422', async (install_timeout) => {
  expect((await createSession({ install_timeout })).status).toBe(422);
});

test('115. more than 50 are 422, and none to install too', async () => {
  const dependencies = Array.from({ length: 51 }, (_, n) => ({ name: `package-${String(n)}` }));
  expect((await createSession({ dependencies })).status).toBe(422);
  expect((await install(await plain(), { dependencies: [] })).status).toBe(422);
});

test('116. a version that is glued to the name is 422; one without an operator means exactly that', async () => {
  expect((await createSession({ dependencies: [{ name: 'pandas2.3.3' }] })).status).toBe(422);
  const dependencies = [{ name: 'six', version: '1.16.0' }];
  const { status, body } = await createSession({ dependencies });
  expect(status).toBe(201);
  const seen = await installed(String(body['id']));
  expect(seen['installed_dependencies']).toContainEqual(
    expect.objectContaining({ name: 'six', version: '1.16.0' }),
  );
});

test('117. of one package, however spelled, the newest request counts', async () => {
  const id = await runningSession();
  await install(id, { dependencies: [{ name: 'six', version: '==1.15.0' }] });
  const { status, body } = await install(id, {
    dependencies: [{ name: 'SIX', version: '==1.16.0' }],
  });
  expect(status).toBe(200);
  expect(body['requested_dependencies']).toHaveLength(1);
  expect(body['installed_dependencies']).toContainEqual(
    expect.objectContaining({ version: '1.16.0' }),
  );
});

test('118. installing is 404 in an unknown session and 409 in one that ended', async () => {
  const dependencies = [PYFIGLET];
  expect((await install('unknown-session-xyz', { dependencies })).status).toBe(404);
  const { body } = await createSession();
  await post(`/sessions/${String(body['id'])}/terminate`);
  expect((await install(String(body['id']), { dependencies })).status).toBe(409);
});

test('118. installing is 409 while an installation goes on', async () => {
  const { body } = await createSession({ dependencies: [PYFIGLET] });
  const answer = await install(String(body['id']), { dependencies: [{ name: 'six' }] });
  expect(answer.status).toBe(409);
});

test('119. an installation that fails is 4xx with the requirement, and the session says so', async () => {
  const id = await runningSession();
  const dependencies = [{ name: 'fastapi', version: '==0.13.5' }];
  const { status, text } = await install(id, { dependencies });
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(text).toContain('fastapi==0.13.5');
  expect((await get(`/sessions/${id}`)).body['dependency_install_status']).toBe('failed');
});

test.each([['-r'], ['--index-url'], ['-e']])('120. the name %s is 422', async (name) => {
  expect((await createSession({ dependencies: [{ name }] })).status).toBe(422);
});

test('121. a session whose dependencies cannot be had says so', async () => {
  const dependencies = [{ name: 'nonexistent-package-xyz-123', version: '==999.999.999' }];
  const { body } = await createSession({ dependencies });
  const seen = await installed(String(body['id']));
  expect(seen['dependency_install_status']).toBe('failed');
  expect(seen['dependency_install_error']).toContain('nonexistent-package-xyz-123');
});

test('91. click can be imported where it was asked for', async () => {
  const { body } = await createSession({ dependencies: [{ name: 'click' }] });
  const id = String(body['id']);
  await installed(id);
  await running(id);
  const code = 'import click\nprint(click.__name__)';
  expect((await executeSync(id, { code })).body['stdout']).toBe('click\n');
});
