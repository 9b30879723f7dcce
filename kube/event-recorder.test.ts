import { aWidget } from '../test/builders/widget.ts';
import { FakeClock } from '../test/fakes/clock.ts';
import { FakeLogger } from '../test/fakes/logger.ts';
import { ScriptedClient } from '../test/fakes/scripted-client.ts';
import type { Patch } from './client.ts';
import { ApiEventRecorder } from './event-recorder.ts';
import type { ObjectEvent } from './events.ts';
import type { KubeObject, ResourceType } from './objects.ts';

function aRecorder() {
  const clock = new FakeClock();
  const logger = new FakeLogger();
  const sent: object[] = [];
  const server = { answer: (): Promise<unknown> => Promise.resolve() };
  const client = {
    ...new ScriptedClient().client,
    create: async <T extends KubeObject>(_type: ResourceType<T>, draft: object) => {
      sent.push(draft);
      await server.answer();
      return draft as T;
    },
    patch: async <T extends KubeObject>(_type: ResourceType<T>, _ref: object, patch: Patch) => {
      sent.push(patch.body);
      await server.answer();
      const answer: object = patch.body;
      return answer as T;
    },
  };
  const options = { client, controller: 'example.com/widgets', instance: 'pod-1', logger, clock };
  return { clock, logger, sent, server, recorder: new ApiEventRecorder(options) };
}

const started = (note = 'began', name = 'a'): ObjectEvent => ({
  regarding: aWidget({ name }),
  type: 'Normal',
  reason: 'Started',
  action: 'Start',
  note,
});

test('an event is written as events.k8s.io wants it', async () => {
  const { recorder, sent, clock } = aRecorder();
  recorder.record(started('x'.repeat(2_000)));
  await clock.run(0);
  expect(sent).toEqual([
    {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace: 'default', name: expect.stringMatching(/^a\.[0-9a-f]{16}$/) },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'example.com/widgets',
      reportingInstance: 'pod-1',
      type: 'Normal',
      reason: 'Started',
      action: 'Start',
      note: 'x'.repeat(1024),
      regarding: {
        apiVersion: 'example.com/v1',
        kind: 'Widget',
        namespace: 'default',
        name: 'a',
        uid: 'uid-a',
        resourceVersion: '1',
      },
    },
  ]);
});

test('equal events become a series that is written at each doubling', async () => {
  const { recorder, sent, clock } = aRecorder();
  for (let round = 0; round < 9; round += 1) recorder.record(started());
  await clock.run(0);
  expect(sent.slice(1)).toEqual(
    [2, 4, 8].map((count) => ({
      series: { count, lastObservedTime: '2026-01-01T00:00:00.000000Z' },
    })),
  );
});

test('after six minutes an equal event is a new one', async () => {
  const { recorder, sent, clock } = aRecorder();
  recorder.record(started());
  await clock.run(6 * 60_000);
  recorder.record(started());
  await clock.run(0);
  expect(sent.filter((body) => 'eventTime' in body)).toHaveLength(2);
});

test('one object that goes mad is held to 25 events, and does not silence the others', async () => {
  const { recorder, sent, clock } = aRecorder();
  for (let round = 0; round < 40; round += 1) recorder.record(started(String(round)));
  recorder.record(started('began', 'b'));
  await clock.run(0);
  expect(sent).toHaveLength(26);
});

test('an object that stays mad gets one event in five minutes', async () => {
  const { recorder, sent, clock } = aRecorder();
  for (let round = 0; round < 40; round += 1) recorder.record(started(String(round)));
  for (let minute = 0; minute < 30; minute += 1) {
    await clock.run(60_000);
    for (let round = 0; round < 5; round += 1) {
      recorder.record(started(`${String(minute)} ${String(round)}`));
    }
  }
  await clock.run(0);
  expect(sent).toHaveLength(25 + 6);
});

test('a note is cut at the server’s limit, which is in bytes, and never inside a character', async () => {
  const { recorder, sent, clock } = aRecorder();
  recorder.record(started('€'.repeat(500)));
  await clock.run(0);
  expect(sent).toEqual([expect.objectContaining({ note: '€'.repeat(341) })]);
});

test('setting back the time of day does not lengthen a series', async () => {
  const { recorder, sent, clock } = aRecorder();
  recorder.record(started());
  clock.step(-3_600_000);
  await clock.run(6 * 60_000);
  recorder.record(started());
  await clock.run(0);
  expect(sent.filter((body) => 'eventTime' in body)).toHaveLength(2);
});

test('an event that could not be written is not counted as told', async () => {
  const { recorder, server, sent, clock } = aRecorder();
  server.answer = () => Promise.reject(new Error('no'));
  recorder.record(started());
  await clock.run(0);
  server.answer = () => Promise.resolve();
  recorder.record(started());
  await clock.run(0);
  expect(sent.filter((body) => 'eventTime' in body)).toHaveLength(2);
});

test('all objects together are held to a hundred at once', async () => {
  const { recorder, sent, clock } = aRecorder();
  for (let round = 0; round < 200; round += 1) recorder.record(started('', `w${String(round)}`));
  await clock.run(0);
  expect(sent).toHaveLength(100);
});

test('a server that refuses events bothers nobody', async () => {
  const { recorder, server, sent, clock, logger } = aRecorder();
  server.answer = () => Promise.reject(new Error('no'));
  recorder.record(started('one'));
  recorder.record(started('two'));
  await clock.run(0);
  expect(sent).toHaveLength(2);
  expect(logger.at('error')).toEqual([]);
});

test('a flush waits for what is on its way, but not for ever', async () => {
  const { recorder, server, sent, clock } = aRecorder();
  let answer = (): void => undefined;
  server.answer = () => new Promise<void>((resolve) => (answer = resolve));
  recorder.record(started('one'));
  recorder.record(started('two'));
  let flushed = false;
  const flush = recorder.flush(1_000).then(() => (flushed = true));
  await clock.run(500);
  expect(flushed).toBe(false);
  await clock.run(500);
  answer();
  await flush;
  expect(sent).toHaveLength(1);
});
