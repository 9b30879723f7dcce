import { z } from 'zod';
import { endSessions, executeSync, runningSession, shared, tidyUp } from '../fixtures.ts';
import { call, eventually, get, post, type Answer } from '../target.ts';

afterEach(endSessions);
afterAll(tidyUp);

const session = shared(() => runningSession());
const CSV = 'test,data\n1,2\n';

async function upload(
  path: string,
  content: string | Uint8Array<ArrayBuffer>,
  to?: string,
): Promise<Answer> {
  const form = new FormData();
  form.set('file', new Blob([content], { type: 'text/csv' }), 'upload.csv');
  const id = to ?? (await session());
  return post(`/sessions/${id}/files/upload?path=${encodeURIComponent(path)}`, undefined, {
    form,
    timeoutMs: 100_000,
  });
}

const download = async (path: string): Promise<Answer> =>
  get(`/sessions/${await session()}/files/${path}`);

test('139. an upload tells path and size', async () => {
  const path = 'uploads/test_data.csv';
  const { status, body } = await upload(path, CSV);
  expect([200, 201]).toContain(status);
  expect(body).toMatchObject({ session_id: await session(), file_path: path, size: CSV.length });
});

test('140. what was uploaded is downloaded', async () => {
  await upload('uploads/again.csv', CSV);
  const { status, text } = await download('uploads/again.csv');
  expect(status).toBe(200);
  expect(text).toBe(CSV);
});

test('141. code sees what was uploaded', async () => {
  await upload('input/people.csv', 'name\nAlice\n');
  const code =
    'import os\nprint(os.listdir("/workspace/input"))\nprint(open("/workspace/input/people.csv").read())';
  const { body } = await executeSync(await session(), { code });
  expect(body['stdout']).toContain('people.csv');
  expect(body['stdout']).toContain('Alice');
});

test('142. what code writes is downloaded', async () => {
  const code =
    'import os\nos.makedirs("/workspace/output", exist_ok=True)\nopen("/workspace/output/result.txt", "w").write("Test output from code")';
  await executeSync(await session(), { code });
  const { text } = await eventually(
    async () => {
      const answer = await download('output/result.txt');
      return answer.status === 200 ? answer : undefined;
    },
    { what: 'the file of the run', withinMs: 20_000 },
  );
  expect(text).toBe('Test output from code');
});

test('143. a path may be nested', async () => {
  await upload('data/nested/test.csv', CSV);
  expect((await download('data/nested/test.csv')).text).toBe(CSV);
});

test('144. the list has name, place, size, time and etag of each file', async () => {
  await upload('listed.csv', CSV);
  const { status, body } = await get(`/sessions/${await session()}/files`);
  expect(status).toBe(200);
  expect(body).toMatchObject({ session_id: await session(), count: expect.any(Number) });
  expect(body['files']).toContainEqual({
    ...{ name: 'listed.csv', container_path: '/workspace/listed.csv', size: CSV.length },
    modified_time: expect.any(String),
    etag: expect.any(String),
  });
});

test.each([['0'], ['10001']])('145. a list of limit %s is 422', async (limit) => {
  expect((await get(`/sessions/${await session()}/files?limit=${limit}`)).status).toBe(422);
});

test('146. without a path or a file it is 422, with a path from the root or none 400', async () => {
  const form = new FormData();
  form.set('file', new Blob([CSV]), 'x.csv');
  const base = `/sessions/${await session()}/files/upload`;
  expect((await post(base, undefined, { form })).status).toBe(422);
  const empty = new FormData();
  empty.set('other', 'text');
  expect((await post(`${base}?path=x.csv`, undefined, { form: empty })).status).toBe(422);
  expect((await upload('/abs.csv', CSV)).status).toBe(400);
  expect((await upload('', CSV)).status).toBe(400);
});

test('147. a path that leaves the workspace is 400', async () => {
  expect((await upload('../x', CSV)).status).toBe(400);
  expect((await upload('a/../../x', CSV)).status).toBe(400);
});

test('149. a small file comes as bytes with a name, a large one as a link or as bytes', async () => {
  await upload('small.csv', CSV);
  const small = await download('small.csv');
  expect(small.headers.get('content-disposition')).toMatch(/^attachment; filename/);
  const size = 11 * 2 ** 20;
  await upload('large.bin', new Uint8Array(size).fill(120));
  const large = await download('large.bin');
  expect(large.status).toBe(200);
  if (large.body['presigned_url'] === undefined) expect(large.text).toHaveLength(size);
  else expect(large.body).toMatchObject({ file_path: 'large.bin', size });
});

test('150. what is unknown is 404, and 400 to lists and uploads', async () => {
  expect((await download('no/such/file.txt')).status).toBe(404);
  expect((await get('/sessions/unknown-session-xyz/files/x.txt')).status).toBe(404);
  expect((await get('/sessions/unknown-session-xyz/files')).status).toBe(400);
  expect((await upload('x.csv', CSV, 'unknown-session-xyz')).status).toBe(400);
});

test('151. a second upload replaces the first', async () => {
  await upload('twice.csv', 'first');
  await upload('twice.csv', 'second');
  expect((await download('twice.csv')).text).toBe('second');
});

test('163. files that a run wrote are its artifacts, hidden ones aside', async () => {
  const code = [
    'import os',
    'os.makedirs("output", exist_ok=True)',
    'open("output/plot.txt", "w").write("12345")',
    'open("trace.log", "w").write("x")',
    'open("model.bin", "w").write("y")',
    'open(".hidden", "w").write("z")',
  ].join('\n');
  const { body } = await executeSync(await session(), { code });
  const { artifacts } = await eventually(
    async () => {
      const seen = await get(`/executions/${String(body['id'])}/result`);
      const found = artifactsOf(seen.body);
      return found.length > 0 ? { artifacts: found } : undefined;
    },
    { what: 'the artifacts', withinMs: 20_000 },
  );
  expect(artifacts).toEqual([
    { path: 'model.bin', type: 'artifact', size: 1 },
    { path: 'output/plot.txt', type: 'output', size: 5 },
    { path: 'trace.log', type: 'log', size: 1 },
  ]);
});

const artifactList = z.array(z.object({ path: z.string(), type: z.string(), size: z.int() }));

function artifactsOf(body: Readonly<Record<string, unknown>>): z.output<typeof artifactList> {
  return artifactList.parse(body['artifacts']).sort((a, b) => (a.path < b.path ? -1 : 1));
}

test('146. a multipart body that is none is refused', async () => {
  const headers = { 'content-type': 'multipart/form-data; boundary=x' };
  const path = `/sessions/${await session()}/files/upload?path=x.csv`;
  const { status } = await call('POST', path, { raw: 'no multipart', headers });
  expect([400, 422]).toContain(status);
});
