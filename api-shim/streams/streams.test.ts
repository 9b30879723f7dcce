import { EXECUTIONS } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import { RestApi, waitUntil } from '../../test/fakes/rest-api.ts';
import { Executions } from '../executions.ts';
import { Executors } from '../executor-of.ts';
import { Repository } from '../repository.ts';
import { Sessions } from '../sessions.ts';
import { Templates } from '../templates.ts';
import { RunStreams, type StreamEvent } from './run-streams.ts';

const CODE = { code: 'print(1)', language: 'python' };
const OUTPUT = (text: string) => ({ text, bytes: text.length, truncated: false });

let api: RestApi;
let session: string;
beforeEach(async () => {
  api = await RestApi.start();
  api.executors.script = () => 'hangs';
  session = await api.runningSession();
});
afterEach(() => api.stop());

/** Of a new execution: its REST id, and the id that its executor knows it by. */
async function submitted(): Promise<{ id: string; uid: string }> {
  const { body } = await api.client.post(`/sessions/${session}/execute`, CODE);
  const id = String(body['execution_id']);
  return { id, uid: api.execution(id).metadata.uid };
}

async function started(): Promise<{ id: string; uid: string }> {
  const run = await submitted();
  await api.handOver(run.id);
  return run;
}

/** The executor ends the run, and the operator reports it. */
function ends({ id, uid }: { id: string; uid: string }, stdout = ''): void {
  api.executors.finish(uid);
  api.reportExecution(id, {
    phase: 'Completed',
    reason: 'Completed',
    exitCode: 0,
    stdout: OUTPUT(stdout),
    podUID: String(api.sandbox(session).status?.podUID),
  });
}

test('tells output as it comes, and at last what GET result says', async () => {
  const run = await submitted();
  const stream = await api.events(`/executions/${run.id}/stream`);
  expect(Object.fromEntries(stream.response.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
    'x-process-time': '0.000',
  });
  const pending = { execution_id: run.id, session_id: session, status: 'pending' };
  expect(await stream.next()).toMatchObject({ event: 'status', data: pending });

  await api.handOver(run.id);
  api.executors.print(run.uid, 'one\n');
  expect(await stream.next()).toMatchObject({ event: 'status', data: { status: 'running' } });
  expect(await stream.next()).toEqual({ event: 'stdout', id: '0', data: { text: 'one\n' } });
  api.executors.print(run.uid, 'two\n', 'stderr');
  expect(await stream.next()).toEqual({ event: 'stderr', id: '1', data: { text: 'two\n' } });

  ends(run);
  const { body } = await api.client.get(`/executions/${run.id}/result`);
  expect(await stream.rest()).toEqual([{ event: 'result', id: 'end', data: body }]);
});

test('the outcome being recorded first loses none of the last output', async () => {
  const run = await started();
  const stream = await api.events(`/executions/${run.id}/stream`);
  api.executors.print(run.uid, 'first');
  await stream.next();
  await stream.next();
  await stream.next();
  api.reportExecution(run.id, { phase: 'Completed', reason: 'Completed', exitCode: 0 });
  api.executors.print(run.uid, 'last words');
  api.executors.finish(run.uid);
  expect(await stream.rest()).toMatchObject([
    { event: 'stdout', id: '1', data: { text: 'last words' } },
    { event: 'result' },
  ]);
});

test.each(['sessions', 'executions/sessions'])(
  'POST /%s/{id}/execute-stream submits and follows',
  async (spelling) => {
    api.executors.script = () => ({});
    const stream = await api.events(`/${spelling}/${session}/execute-stream`, { body: CODE });
    const id = String((await stream.next())?.data['execution_id']);
    const uid = await api.handOver(id);
    ends({ id, uid });
    expect((await stream.rest()).at(-1)).toMatchObject({
      event: 'result',
      data: { id, status: 'completed' },
    });
  },
);

test.each([
  [{ headers: { 'last-event-id': '1' } }, '', ['2']],
  [{}, '?from=1', ['1', '2']],
  [{ headers: { 'last-event-id': '0' } }, '?from=2', ['1', '2']],
  [{ headers: { 'last-event-id': 'nonsense' } }, '', ['0', '1', '2']],
  [{ headers: { 'last-event-id': 'end' } }, '', ['0', '1', '2']],
])('a client that comes back with %j%s goes on where it left off', async (call, query, ids) => {
  const run = await started();
  for (const text of ['a', 'b', 'c']) api.executors.print(run.uid, text);
  const stream = await api.events(`/executions/${run.id}/stream${query}`, call);
  const told = [];
  await stream.next();
  await stream.next();
  for (const _ of ids) told.push((await stream.next())?.id);
  expect(told).toEqual(ids);
  stream.close();
});

test('a client that has been told everything is told to stop coming back', async () => {
  const run = await started();
  ends(run);
  const headers = { 'last-event-id': 'end' };
  expect((await api.client.get(`/executions/${run.id}/stream`, { headers })).status).toBe(204);
});

test('an ended run is told again, from its executor while that has it, else from its outcome', async () => {
  const run = await started();
  api.executors.print(run.uid, 'kept');
  ends(run, 'recorded');
  const path = `/executions/${run.id}/stream`;
  expect(await (await api.events(path)).rest()).toMatchObject([
    { event: 'status', data: { status: 'completed' } },
    { event: 'stdout', id: '0', data: { text: 'kept' } },
    { event: 'result' },
  ]);

  api.executors.forgetRun(run.uid);
  const again = await (await api.events(path)).rest();
  expect(again).toMatchObject([{}, { event: 'stdout', data: { text: 'recorded' } }, {}]);
  expect(again[1]).not.toHaveProperty('id');
  const headers = { 'last-event-id': '0' };
  expect(await (await api.events(path, { headers })).rest()).toMatchObject([
    { event: 'status' },
    { event: 'gap', data: { bytes: null } },
    { event: 'result' },
  ]);
});

test('a long recorded output comes in pieces', async () => {
  const run = await started();
  ends(run, 'x'.repeat(12_000));
  api.executors.forgetRun(run.uid);
  const all = await (await api.events(`/executions/${run.id}/stream`)).rest();
  expect(all.map(({ data: { text = '' } }) => (text as string).length)).toEqual([
    0, 5_000, 5_000, 2_000, 0,
  ]);
});

test('works while the session is still starting', async () => {
  const { body } = await api.client.post('/sessions', { template_id: 'python-basic' });
  session = String(body['id']);
  const run = await submitted();
  const stream = await api.events(`/executions/${run.id}/stream`);
  expect(await stream.next()).toMatchObject({ data: { status: 'pending' } });
  api.becomesReady(session);
  await waitUntil(() => api.executors.readers === 1);
  await api.handOver(run.id);
  api.executors.print(run.uid, 'hello');
  expect(await stream.next()).toMatchObject({ data: { status: 'running' } });
  expect(await stream.next()).toMatchObject({ event: 'stdout', data: { text: 'hello' } });
  stream.close();
});

test('a run that ends without ever being handed over ends its stream at once', async () => {
  const run = await submitted();
  const stream = await api.events(`/executions/${run.id}/stream`);
  await stream.next();
  await waitUntil(() => api.executors.readers === 1);
  api.reportExecution(run.id, { phase: 'Cancelled', reason: 'Cancelled' });
  expect(await stream.rest()).toMatchObject([{ event: 'result', data: { status: 'cancelled' } }]);
});

test('an executor that is lost ends the stream with the outcome that the operator gives', async () => {
  const run = await started();
  api.executors.print(run.uid, 'so far');
  const stream = await api.events(`/executions/${run.id}/stream`);
  for (let n = 0; n < 3; n += 1) await stream.next();
  api.executors.silence(String(api.sandbox(session).status?.podUID));
  await waitUntil(() => api.executors.readers === 0);
  api.reportExecution(run.id, { phase: 'Crashed', reason: 'ExecutorLost' });
  expect(await stream.rest()).toMatchObject([
    { event: 'gap', data: { bytes: null } },
    { event: 'result', data: { status: 'crashed', reason: 'ExecutorLost' } },
  ]);
});

test('a connection that breaks is taken up where it was', async () => {
  const run = await started();
  api.executors.print(run.uid, 'before');
  const stream = await api.events(`/executions/${run.id}/stream`);
  for (let n = 0; n < 3; n += 1) await stream.next();
  const podUID = String(api.sandbox(session).status?.podUID);
  api.executors.silence(podUID);
  api.executors.wake(podUID);
  api.executors.print(run.uid, 'after');
  await waitUntil(() => api.executors.readers === 0);
  await api.clock.run(2_000);
  expect(await stream.next()).toEqual({ event: 'stdout', id: '1', data: { text: 'after' } });
  stream.close();
});

test.each([
  [0, 0],
  [0.99, 1],
])(
  'streams that lost their executor together come back apart, as chance has it (%f)',
  async (random, tries) => {
    await api.stop();
    api = await RestApi.start({ random: () => random });
    api.executors.script = () => 'hangs';
    session = await api.runningSession();
    const run = await started();
    const stream = await api.events(`/executions/${run.id}/stream`);
    await waitUntil(() => api.executors.readers === 1);
    api.executors.silence(String(api.sandbox(session).status?.podUID));
    await waitUntil(() => api.executors.readers === 0);
    await api.clock.run(0);
    const before = api.executors.unanswered.length;
    await api.clock.run(40);
    expect(api.executors.unanswered.length - before).toBe(tries);
    stream.close();
  },
);

test('deleting the session ends the stream with an error', async () => {
  const run = await started();
  const stream = await api.events(`/executions/${run.id}/stream`);
  await waitUntil(() => api.executors.readers === 1);
  await api.client.delete(`/sessions/${session}`);
  expect((await stream.rest()).at(-1)).toMatchObject({
    event: 'error',
    id: 'end',
    data: { code: 'SessionDeleted', request_id: stream.response.headers.get('x-request-id') },
  });
});

test('a client that goes away ends what was asked for it, and the run goes on', async () => {
  const run = await started();
  const listeners = api.executions.listeners;
  const stream = await api.events(`/executions/${run.id}/stream`);
  await waitUntil(() => api.executors.readers === 1);
  stream.close();
  await waitUntil(() => api.executors.readers === 0 && api.executions.listeners === listeners);
  expect(api.executors.cancelled).toEqual([]);
  expect(api.clock.pending).toBe(0);
});

test('an executor that never says that a recorded run is over is not waited for', async () => {
  const run = await started();
  api.executors.print(run.uid, 'x');
  const stream = await api.events(`/executions/${run.id}/stream`);
  for (let n = 0; n < 3; n += 1) await stream.next();
  api.reportExecution(run.id, { phase: 'Completed', reason: 'Completed', exitCode: 0 });
  const rest = stream.rest();
  for (let second = 0; second < 5; second += 1) await api.clock.run(1_000);
  expect((await rest).at(-1)).toMatchObject({ event: 'result' });
});

test('a silent stream is kept open by a comment every 15 s', async () => {
  const run = await started();
  const stream = await api.events(`/executions/${run.id}/stream`);
  await stream.next();
  await waitUntil(() => api.executors.readers === 1);
  api.clock.advance(14_999);
  expect(stream.comments).toEqual([]);
  api.clock.advance(1);
  expect(await stream.comment()).toBe('the stream is open');
  stream.close();
});

test('a slow client holds its place, not its output, and misses nothing that is still held', async () => {
  const run = await started();
  const stream = await api.events(`/executions/${run.id}/stream`);
  await stream.next();
  for (let n = 0; n < 3_000; n += 1) api.executors.print(run.uid, 'x'.repeat(5_000));
  ends(run);
  const all = await stream.rest();
  expect(all.some(({ event }) => event === 'gap')).toBe(true);
  expect(all.at(-1)?.event).toBe('result');
  const numbers = all.flatMap(({ id }) => (id === undefined || id === 'end' ? [] : [Number(id)]));
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(numbers.at(-1)).toBe(2_999);
});

test('one session cannot use up the connections of its executor', async () => {
  const run = await started();
  const path = `/executions/${run.id}/stream`;
  const open = await Promise.all(Array.from({ length: 64 }, () => api.events(path)));
  await waitUntil(() => api.executors.readers === 64);
  const refused = await api.client.get(path);
  expect(refused).toMatchObject({ status: 429, body: { code: 'TooManyStreams' } });
  expect(refused.headers.get('retry-after')).toBe('5');
  const before = api.cluster.writes.length;
  expect((await api.client.post(`/sessions/${session}/execute-stream`, CODE)).status).toBe(429);
  expect(api.cluster.writes).toHaveLength(before);
  for (const stream of open) stream.close();
  await waitUntil(() => api.executors.readers === 0);
  (await api.events(path)).close();
});

test('errors before the first event are errors as everywhere', async () => {
  expect((await api.client.get('/executions/unknown/stream')).body['code']).toBe(
    'ExecutionNotFound',
  );
  expect((await api.client.get('/executions/unknown/stream?from=x')).status).toBe(422);
  expect((await api.client.post('/sessions/unknown/execute-stream', CODE)).status).toBe(404);
  const head = await api.client.send('HEAD', `/executions/${(await started()).id}/stream`);
  expect(head.status).toBe(200);
});

test('a run that only history has is told from its record', async () => {
  const run = await started();
  ends(run, 'recorded');
  const past = { execution: api.execution(run.id), sessionId: session };
  api.executors.forgetRun(run.uid);
  api.cluster.remove(EXECUTIONS, { namespace: 'default', name: past.execution.metadata.name });
  api.cluster.remove(SANDBOXES, {
    namespace: 'default',
    name: past.execution.spec.sandboxRef.name,
  });

  const { clock, cluster: client } = api;
  const shared = { client, clock, namespace: 'default' };
  const executions = new Repository({ ...shared, cache: api.executions, type: EXECUTIONS });
  const sandboxes = new Repository({ ...shared, cache: api.sandboxes, type: SANDBOXES });
  const addressOf = (): undefined => undefined;
  const randomHex = (): string => '00000000';
  const templates = new Templates({
    ...shared,
    templates: new Repository({ ...shared, cache: api.templates, type: SANDBOX_TEMPLATES }),
  });
  const sessions = new Sessions({ ...shared, sandboxes, templates, randomHex });
  const streams = new RunStreams({
    executions: new Executions({ ...shared, executions, sandboxes, sessions, randomHex }),
    sandboxes,
    executors: new Executors({ client, pods: api.pods, addressOf }),
    executor: api.executors,
    clock,
    random: () => 0,
  });
  const told: StreamEvent[] = [];
  for await (const event of streams.of(past, 0, new AbortController().signal)) told.push(event);
  expect(told).toMatchObject([
    { type: 'status' },
    { type: 'stdout', data: 'recorded' },
    { type: 'result', run: past },
  ]);
});

test('a server that stops ends its streams between two events, without an end that would keep clients from coming back', async () => {
  const run = await started();
  api.executors.print(run.uid, 'one');
  const stream = await api.events(`/executions/${run.id}/stream`);
  while ((await stream.next())?.event !== 'stdout');
  const stopped = api.stop(60_000);
  expect(await stream.next()).toBeUndefined();
  expect(stream.comments.at(-1)).toBe('the server is stopping; come back with Last-Event-ID');
  await stopped;
});
