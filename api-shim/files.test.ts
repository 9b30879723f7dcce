import { Readable } from 'node:stream';
import { ANNOTATION } from '../crds/names.ts';
import type { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import type { FailingStore } from '../test/fakes/failing-store.ts';
import type { FakeFiles } from '../test/fakes/files.ts';
import { RestApi } from '../test/fakes/rest-api.ts';
import type { Answer } from '../test/fakes/rest-client.ts';
import { temporaryFiles } from '../test/fakes/temporary-files.ts';

let api: RestApi;
let id: string;
let store: FailingStore;
let stored: StoredWorkspaces;
let removeFiles: () => void;
let folder: string;

beforeEach(async () => {
  ({ folder, store, stored, removeFiles } = temporaryFiles());
  api = await RestApi.start({ stored });
  id = await api.runningSession();
});
afterEach(async () => {
  await api.stop();
  removeFiles();
});

const files = (): FakeFiles => api.executors.workspace(String(api.sandbox(id).status?.podUID));
const BOUNDARY = 'boundary';

function part(head: string, content: string): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
}

const filePart = (content: string): string => part('name="file"; filename="x.csv"', content);

function form(query: string, ...parts: string[]): Promise<Answer> {
  return api.client.send('POST', `/sessions/${id}/files/upload${query}`, {
    raw: `${parts.join('')}--${BOUNDARY}--\r\n`,
    headers: { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` },
  });
}

function download(name: string, headers: Record<string, string> = {}): Promise<Answer> {
  return api.client.get(`/sessions/${id}/files/${name}`, { headers });
}

/** Ends the session, with what is stored of it. */
async function end(...names: string[]): Promise<void> {
  const { uid } = api.sandbox(id).metadata;
  const listing = (await files().listing()).files.filter((file) => names.includes(file.path));
  for (const file of listing) {
    const { content } = await files().read(file.path);
    await stored.putFile(uid, file, { content });
  }
  await stored.putManifest(uid, { files: listing });
  api.reportSession(id, { phase: 'Terminated', reason: 'IdleTimeout' });
}

describe('an upload', () => {
  test('puts the file of a form where the query says, and has the operator store it', async () => {
    const answer = await form('?path=in%2Fa%20b.csv', filePart('1,2\r\n'));
    expect(answer).toMatchObject({
      status: 200,
      body: { session_id: id, file_path: 'in/a b.csv', size: 5 },
    });
    expect(files().get('in/a b.csv')).toBe('1,2\r\n');
    expect(api.sandbox(id).metadata.annotations).toHaveProperty([ANNOTATION.filesChangedAt]);
  });

  test('may say where in the form, and the query wins', async () => {
    await form('', part('name="path"', 'form.csv'), filePart('x'));
    await form('?path=query.csv', part('name="path"', 'other.csv'), filePart('y'));
    expect([files().get('form.csv'), files().get('query.csv')]).toEqual(['x', 'y']);
    expect(files().get('other.csv')).toBeUndefined();
  });

  test('may be the bytes alone', async () => {
    const answer = await api.client.send('PUT', `/sessions/${id}/files/raw/b.bin`, {
      raw: 'bytes',
      headers: { 'Content-Type': 'application/octet-stream' },
    });
    expect(answer).toMatchObject({ status: 200, body: { file_path: 'raw/b.bin', size: 5 } });
    expect(files().get('raw/b.bin')).toBe('bytes');
  });

  test.each([
    ['without a path', '', [filePart('x')], 422, 'InvalidRequest'],
    [
      'with its path behind the file',
      '',
      [filePart('x'), part('name="path"', 'a')],
      422,
      'InvalidRequest',
    ],
    ['without a file', '?path=a', [part('name="other"', 'x')], 422, 'InvalidRequest'],
    ['to a path from the root', '?path=%2Fabs', [filePart('x')], 400, 'InvalidFilePath'],
    ['to no path', '?path=', [filePart('x')], 400, 'InvalidFilePath'],
    ['out of the workspace', '?path=..%2Fx', [filePart('x')], 400, 'InvalidFilePath'],
    [
      'out of it by the form',
      '',
      [part('name="path"', 'a/../../x'), filePart('x')],
      400,
      'InvalidFilePath',
    ],
    ['to a path with NUL', '?path=a%00', [filePart('x')], 400, 'InvalidFilePath'],
  ])('%s is refused', async (_what, query, parts, status, code) => {
    expect(await form(query, ...parts)).toMatchObject({ status, body: { code } });
    expect((await files().listing()).files).toEqual([]);
  });

  test('that says it is too large is refused before it is read', async () => {
    const answer = await new Promise<number>((resolve, reject) => {
      void import('node:http').then(({ request }) => {
        const sent = request(
          {
            port: api.port,
            method: 'PUT',
            path: `/api/v1/sessions/${id}/files/big`,
            headers: { 'content-type': 'application/octet-stream', 'content-length': 104_857_601 },
          },
          (response) => {
            resolve(response.statusCode ?? 0);
            sent.destroy();
          },
        );
        sent.on('error', reject).flushHeaders();
      });
    });
    expect(answer).toBe(413);
  });

  test('to an unknown session or one that has ended is 400', async () => {
    const unknown = await api.client.send('POST', '/sessions/nobody/files/upload?path=a', {
      raw: `${filePart('x')}--${BOUNDARY}--\r\n`,
      headers: { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` },
    });
    expect(unknown).toMatchObject({ status: 400, body: { code: 'UnknownSession' } });
    await end();
    const ended = await form('?path=a', filePart('x'));
    expect(ended).toMatchObject({ status: 400, body: { code: 'InactiveSession' } });
  });

  test('works while the object storage is away', async () => {
    store.fails = true;
    expect(await form('?path=a', filePart('x'))).toMatchObject({ status: 200 });
    expect((await download('a')).text).toBe('x');
  });
});

describe('a download', () => {
  test('of a live session comes from its sandbox, as a file that no browser runs', async () => {
    files().set('out/page.html', '<script>');
    const { status, text, headers } = await download('out/page.html');
    expect([status, text]).toEqual([200, '<script>']);
    expect(headers.get('content-type')).toBe('application/octet-stream');
    expect(headers.get('content-disposition')).toBe('attachment; filename=page.html');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('names files of any name', async () => {
    files().set('a "b"\n€.txt', 'x');
    const { headers } = await download(encodeURIComponent('a "b"\n€.txt'));
    expect(headers.get('content-disposition')).toMatch(
      /^attachment; filename=".*"; filename\*=UTF-8''/,
    );
    expect(headers.get('content-type')).toBe('text/plain');
  });

  test.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=0-1,4-5', 200, '0123456789', null],
    ['lines=1-2', 200, '0123456789', null],
  ])('of %s is %d', async (range, status, text, contentRange) => {
    files().set('digits', '0123456789');
    const answer = await download('digits', { Range: range });
    expect([answer.status, answer.text]).toEqual([status, text]);
    expect(answer.headers.get('content-range')).toBe(contentRange);
  });

  test('of what the client has already is a word, until the file changes', async () => {
    files().set('a', 'one');
    const etag = (await download('a')).headers.get('etag') ?? '';
    expect(await download('a', { 'If-None-Match': etag })).toMatchObject({ status: 304, text: '' });
    files().set('a', 'two');
    expect(await download('a', { 'If-None-Match': etag })).toMatchObject({
      status: 200,
      text: 'two',
    });
    expect(await download('a', { 'If-Range': etag, Range: 'bytes=0-0' })).toMatchObject({
      status: 200,
    });
  });

  test('of an ended session comes from the store', async () => {
    files().set('a.txt', '0123');
    await end('a.txt');
    expect(await download('a.txt')).toMatchObject({ status: 200, text: '0123' });
    expect(await download('a.txt', { Range: 'bytes=1-2' })).toMatchObject({
      status: 206,
      text: '12',
    });
  });

  test.each([
    ['a file that is not there', 'missing', 404, 'FileNotFound'],
    ['a path out of the workspace', '..%2Fx', 400, 'InvalidFilePath'],
    ['a path with an empty part', 'a//b', 400, 'InvalidFilePath'],
  ])('of %s is refused', async (_what, name, status, code) => {
    expect(await download(name)).toMatchObject({ status, body: { code } });
  });

  test('of an unknown session is 404', async () => {
    expect(await api.client.get('/sessions/nobody/files/a')).toMatchObject({
      status: 404,
      body: { code: 'SessionNotFound' },
    });
  });

  test('of a file named like the way to upload works', async () => {
    files().set('upload', 'x');
    expect((await download('upload')).text).toBe('x');
  });

  test.each([
    ['upload', 'POST, OPTIONS'],
    ['a/b.csv', 'GET, PUT, DELETE, HEAD, OPTIONS'],
  ])('and all else that %s takes is told as the document has it', async (name, allow) => {
    const answer = await api.client.send('OPTIONS', `/sessions/${id}/files/${name}`);
    expect(answer.headers.get('Allow')).toBe(allow);
  });

  test('of an ended session waits for a store that is away to be back', async () => {
    files().set('a', 'x');
    await end('a');
    store.fails = true;
    const answer = await download('a');
    expect(answer).toMatchObject({ status: 503, body: { code: 'StorageUnavailable' } });
    expect(answer.headers.get('retry-after')).toBe('5');
  });
});

describe('a large download', () => {
  const LARGE = Buffer.alloc(10_485_760, 'x');

  test('is a link where the store can give one, once it has this very file', async () => {
    store.link = 'https://files.example.org/large?signed';
    files().set('large.bin', LARGE);
    await end('large.bin');
    expect((await download('large.bin')).body).toEqual({
      session_id: id,
      file_path: 'large.bin',
      presigned_url: store.link,
      size: LARGE.length,
    });
  });

  test('is bytes where it cannot', async () => {
    files().set('large.bin', LARGE);
    expect((await download('large.bin')).text).toHaveLength(LARGE.length);
  });

  test('of a range is that range', async () => {
    store.link = 'https://files.example.org/large?signed';
    files().set('large.bin', LARGE);
    expect(await download('large.bin', { Range: 'bytes=0-2' })).toMatchObject({
      status: 206,
      text: 'xxx',
    });
  });
});

describe('a list', () => {
  const names = (answer: Answer): unknown[] =>
    (answer.body['files'] as { name: string }[]).map(({ name }) => name);
  const list = (query = ''): Promise<Answer> => api.client.get(`/sessions/${id}/files${query}`);

  beforeEach(() => {
    for (const name of ['out/b', 'out/a/z', 'output/x', 'out.txt', '.env']) files().set(name, name);
  });

  test('has everything, folders deep, by name', async () => {
    const answer = await list();
    expect(names(answer)).toEqual(['.env', 'out.txt', 'out/a/z', 'out/b', 'output/x']);
    expect(answer.body).toMatchObject({ session_id: id, count: 5 });
    expect(answer.body['files']).toContainEqual({
      name: 'out/b',
      container_path: '/workspace/out/b',
      size: 5,
      modified_time: expect.stringMatching(/Z$/),
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
    });
  });

  test.each([
    ['?path=out', ['out/a/z', 'out/b']],
    ['?path=/out/', ['out/a/z', 'out/b']],
    ['?path=out/b', ['out/b']],
    ['?path=ou', []],
    ['?limit=2', ['.env', 'out.txt']],
  ])('of %s has %j', async (query, expected) => {
    expect(names(await list(query))).toEqual(expected);
  });

  test.each(['?limit=0', '?limit=10001'])('of %s is refused', async (query) => {
    expect(await list(query)).toMatchObject({ status: 422 });
  });

  test('of an ended session is of what is stored, with the same tags', async () => {
    const before = await list('?path=out/b');
    await end('out/b');
    expect((await list()).body).toEqual(before.body);
  });

  test('of an unknown session is 400', async () => {
    expect(await api.client.get('/sessions/nobody/files')).toMatchObject({ status: 400 });
  });
});

test('a session says where its files are kept', async () => {
  const { uid } = api.sandbox(id).metadata;
  const { body } = await api.client.get(`/sessions/${id}`);
  expect(body['workspace_path']).toBe(`file://${folder}/objects/sessions/${uid}`);
});

test('what is stored anew while it is read is not sent as what it was', async () => {
  files().set('a', 'one');
  await end('a');
  const { uid } = api.sandbox(id).metadata;
  const path = { path: 'a', size: 9 };
  await stored.putFile(uid, path, { content: Readable.from([Buffer.from('and a lie')]) });
  const refused = { status: 409, body: { code: 'Conflict' } };
  expect(await download('a')).toMatchObject(refused);
  expect(await download('a', { Range: 'bytes=0-1' })).toMatchObject(refused);
});

test('a sandbox that sends more than it announced is not passed on', async () => {
  files().set('a', 'one');
  files().read = async (name) => {
    const head = await files().head(name);
    if (head === undefined) throw new Error('no such file');
    return { head: { ...head, size: 9 }, content: Readable.from([Buffer.from('and a lie')]) };
  };
  expect(await download('a')).toMatchObject({ status: 409, body: { code: 'Conflict' } });
});

test('a file is deleted, and gone', async () => {
  files().set('a', 'x');
  expect(await api.client.delete(`/sessions/${id}/files/a`)).toMatchObject({ status: 204 });
  expect(await api.client.delete(`/sessions/${id}/files/a`)).toMatchObject({ status: 404 });
});

test('without a store the files of an ended session are said to be gone', async () => {
  const bare = await RestApi.start();
  const ended = await bare.runningSession();
  bare.reportSession(ended, { phase: 'Terminated', reason: 'IdleTimeout' });
  expect(await bare.client.get(`/sessions/${ended}/files`)).toMatchObject({
    status: 409,
    body: { code: 'FilesNotKept' },
  });
  await bare.stop();
});
