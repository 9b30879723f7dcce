import type { ExecutorClient, ExecutorTarget } from '../executor/client.ts';
import type { Activity } from '../executor/contract.ts';
import { FakeClock } from '../test/fakes/clock.ts';
import { FakeExecutors } from '../test/fakes/executor.ts';
import { RestApi, waitUntil } from '../test/fakes/rest-api.ts';

const CREATED = '2026-11-24T07:02:20.607Z';

let api: RestApi;
afterEach(() => api.stop());

const lastActivity = async (id: string): Promise<unknown> =>
  (await api.client.get(`/sessions/${id}`)).body['last_activity_at'];

const NEVER = new AbortController().signal;

/** Answers as it is told, and counts. */
class Scripted extends FakeExecutors {
  asked = 0;
  answer: (signal: AbortSignal) => Promise<Activity> = () => Promise.reject(new Error('not told'));
  override activity(_target: ExecutorTarget, signal = NEVER): Promise<Activity> {
    this.asked += 1;
    return this.answer(signal);
  }
}

async function startWith(executor?: ExecutorClient): Promise<string> {
  api = await RestApi.start(executor === undefined ? {} : { executor });
  return api.runningSession();
}

test('reading a session asks its executor when it was last used', async () => {
  const id = await startWith();
  await api.clock.run(60_000);
  api.executors.use(String(api.sandbox(id).status?.podUID));
  expect(await lastActivity(id)).toBe('2026-11-24T07:03:20.607Z');
});

test('many readers within a second are one question', async () => {
  const scripted = new Scripted(new FakeClock());
  scripted.answer = () => Promise.resolve({ lastActivityAt: CREATED, runningExecutions: 0 });
  const id = await startWith(scripted);
  await Promise.all(Array.from({ length: 10 }, () => lastActivity(id)));
  expect(scripted.asked).toBe(1);
  api.clock.advance(1_000);
  await lastActivity(id);
  expect(scripted.asked).toBe(2);
});

test('an executor that does not answer in time, or not at all, holds up nobody', async () => {
  const scripted = new Scripted(new FakeClock());
  const id = await startWith(scripted);
  expect(await lastActivity(id)).toBe(CREATED);

  api.clock.advance(1_000);
  scripted.answer = (signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', reject);
    });
  const answer = lastActivity(id);
  await waitUntil(() => scripted.asked === 2);
  api.clock.advance(500);
  expect(await answer).toBe(CREATED);
});

test('an executor cannot claim to have been used in the future', async () => {
  const scripted = new Scripted(new FakeClock());
  const lastActivityAt = '2099-01-01T00:00:00.000Z';
  scripted.answer = () => Promise.resolve({ lastActivityAt, runningExecutions: 0 });
  const id = await startWith(scripted);
  expect(await lastActivity(id)).toBe(CREATED);
});
