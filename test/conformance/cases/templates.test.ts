import { createSession, createTemplate, endSessions, tidyUp } from '../fixtures.ts';
import { call, del, get, post, put, unique } from '../target.ts';

afterEach(endSessions);
afterAll(tidyUp);

/** The path of a new template. */
async function newTemplate(more: object = {}): Promise<string> {
  const { status, body } = await createTemplate({ ...more });
  expect(status).toBe(201);
  return `/templates/${String(body['id'])}`;
}

test('122. a template is created with what was asked for', async () => {
  const id = unique('conformance');
  const { status, body } = await createTemplate({ id, name: `${id} name` });
  expect([200, 201]).toContain(status);
  expect(body).toMatchObject({ id, name: `${id} name`, runtime_type: 'python3.11' });
});

test('123. an id or a name that is taken is 409', async () => {
  const id = unique('conformance');
  expect((await createTemplate({ id })).status).toBe(201);
  expect((await createTemplate({ id, name: unique('other') })).status).toBe(409);
  expect((await createTemplate({ name: id })).status).toBe(409);
});

test('124. the list is a bare array', async () => {
  const { status, text } = await get('/templates');
  expect(status).toBe(200);
  expect(JSON.parse(text)).toEqual(expect.any(Array));
});

test('125. a template is read by its id', async () => {
  const path = await newTemplate();
  const { status, body } = await get(path);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    id: path.slice('/templates/'.length),
    name: expect.any(String),
    image_url: expect.any(String),
    runtime_type: 'python3.11',
    default_cpu_cores: expect.any(Number),
    default_memory_mb: expect.any(Number),
    default_disk_mb: expect.any(Number),
  });
});

test('126. an unknown template is 404', async () => {
  expect((await get('/templates/unknown-template-xyz')).status).toBe(404);
});

test('127. changed resources are there afterwards', async () => {
  const path = await newTemplate();
  const changes = { default_cpu_cores: 2, default_memory_mb: 1024 };
  expect([200, 202]).toContain((await put(path, changes)).status);
  expect((await get(path)).body).toMatchObject(changes);
});

test('128. a changed name is there afterwards, one that is taken is 409', async () => {
  const [path, other] = [await newTemplate(), await newTemplate()];
  const name = unique('renamed');
  expect((await put(path, { name })).status).toBe(200);
  expect((await get(path)).body['name']).toBe(name);
  expect((await put(other, { name })).status).toBe(409);
});

test('129. default_timeout comes back as default_timeout_sec', async () => {
  const path = await newTemplate();
  await put(path, { default_timeout: 600 });
  expect((await get(path)).body['default_timeout_sec']).toBe(600);
});

test('130. a deleted template is gone', async () => {
  const path = await newTemplate();
  expect([200, 202, 204]).toContain((await del(path)).status);
  expect((await get(path)).status).toBe(404);
});

test('131. resources are echoed; the four required fields are enough', async () => {
  const resources = { default_cpu_cores: 2, default_memory_mb: 1024, default_disk_mb: 5120 };
  expect((await createTemplate(resources)).body).toMatchObject(resources);
  const id = unique('conformance');
  const minimal = { id, name: id, image_url: 'minimal:latest', runtime_type: 'python3.11' };
  expect((await post('/templates', minimal)).status).toBe(201);
  await del(`/templates/${id}`);
});

describe('132. runtimes', () => {
  test.each([['python3.11'], ['nodejs20'], ['java17'], ['go1.21']])(
    '132. %s is accepted and kept',
    async (runtime_type) => {
      const { status, body } = await createTemplate({ runtime_type });
      expect(status).toBe(201);
      expect(body['runtime_type']).toBe(runtime_type);
    },
  );

  test.each([['python3.10'], ['nodejs18'], ['java11'], ['go1.20'], ['ruby3.0'], ['invalid']])(
    '132. %s is 422',
    async (runtime_type) => {
      expect((await createTemplate({ runtime_type })).status).toBe(422);
    },
  );
});

test.each([[''], [undefined]])('133. image_url %p is 422', async (image_url) => {
  expect((await createTemplate({ image_url })).status).toBe(422);
});

test('134. a template is active', async () => {
  const { body } = await createTemplate({ is_active: undefined });
  expect(body['is_active']).toBe(true);
});

test('135. a template may be changed and deleted while a session uses it', async () => {
  const path = await newTemplate();
  const template_id = path.slice('/templates/'.length);
  const { status, body } = await createSession({ template_id });
  expect(status).toBe(201);
  expect((await put(path, { default_cpu_cores: 1 })).status).toBe(200);
  expect((await del(path)).status).toBe(200);
  expect((await get(`/sessions/${String(body['id'])}`)).status).toBe(200);
});

test.each([
  [{ default_cpu_cores: 0 }],
  [{ default_cpu_cores: 5 }],
  [{ default_memory_mb: 64 }],
  [{ default_disk_mb: 100 }],
  [{ default_timeout: 30 }],
])('136. %j is 422', async (defaults) => {
  expect((await createTemplate(defaults)).status).toBe(422);
});

test('137. changing or deleting an unknown template is 404', async () => {
  expect((await put('/templates/unknown-template-xyz', { default_cpu_cores: 1 })).status).toBe(404);
  expect((await call('DELETE', '/templates/unknown-template-xyz')).status).toBe(404);
});

test('138. a session of a deleted template is 400', async () => {
  const path = await newTemplate();
  await del(path);
  const { status } = await createSession({ template_id: path.slice('/templates/'.length) });
  expect(status).toBe(400);
});
