import {
  createSession,
  executeSync,
  running,
  runningSession,
  shared,
  tidyUp,
} from '../fixtures.ts';
import { eventually, get, pause, post } from '../target.ts';

/** Cases that mostly wait: side by side, so that the suite takes no longer than the slowest. */

afterAll(tidyUp);

const session = shared(() => runningSession());

test.concurrent('49. a session runs on with the same container, used or not', async () => {
  const id = await session();
  const container = (await get(`/sessions/${id}`)).body['container_id'];
  await executeSync(id, { code: 'print(1)' });
  await pause(35_000);
  expect((await get(`/sessions/${id}`)).body).toMatchObject({
    status: 'running',
    container_id: container,
  });
  expect((await executeSync(id, { code: 'print(2)' })).body['stdout']).toBe('2\n');
});

test.concurrent('98. a run may take longer than 30 s', async () => {
  const code = 'import time; time.sleep(40); print("slept")';
  const { status, body } = await executeSync(await session(), { code, timeout: 60 });
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: 'completed', stdout: 'slept\n' });
});

test.concurrent('171. disuse ends a session, and use keeps it', async () => {
  const { body } = await createSession({ timeout: 12 });
  const id = String(body['id']);
  await running(id);
  for (let n = 0; n < 4; n += 1) {
    await pause(5_000);
    expect((await executeSync(id, { code: 'print(1)' })).status).toBe(200);
  }
  const ended = await eventually(
    async () => {
      const seen = await get(`/sessions/${id}`);
      return seen.body['status'] === 'terminated' ? seen.body : undefined;
    },
    { what: 'the end by disuse', withinMs: 40_000 },
  );
  expect(ended).toMatchObject({ reason: 'IdleTimeout' });
});

const MAX_UPLOAD = 100 * 2 ** 20;

test.concurrent.each([
  [MAX_UPLOAD, 200],
  [MAX_UPLOAD + 1, 413],
])('148. an upload of %d bytes is %d', async (size, expected) => {
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array(size)]), 'big.bin');
  const path = `/sessions/${await session()}/files/upload?path=big-${String(size)}.bin`;
  const { status } = await post(path, undefined, { form, timeoutMs: 100_000 });
  expect(status).toBe(expected);
});
