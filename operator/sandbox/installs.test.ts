import type { DependenciesState } from '../../executor/contract.ts';
import { target } from '../../test/builders/observed-sandbox.ts';
import { FakeClock } from '../../test/fakes/clock.ts';
import { FakeLogger } from '../../test/fakes/logger.ts';
import { InFlightInstalls } from './installs.ts';

const installing: DependenciesState = {
  id: 'set',
  phase: 'Installing',
  installed: [],
  location: '/opt/dependencies',
  startedAt: '2026-01-01T00:00:00Z',
};

test('an executor that says at once that it still installs is asked once a second, and not for ever', async () => {
  const clock = new FakeClock();
  let calls = 0;
  const news: string[] = [];
  const installs = new InFlightInstalls({
    executor: {
      install: () => {
        calls += 1;
        return Promise.resolve(installing);
      },
      lendIndex: () => new Promise(() => undefined),
    },
    clock,
    random: () => 0,
    logger: new FakeLogger(),
    enqueue: (key) => news.push(key),
  });
  const installer = 'uv' as const;
  const request = { installer, requirements: ['thing'], timeoutMs: 60_000 };
  const index = (): Promise<{ status: number }> => Promise.resolve({ status: 404 });
  installs.ensure({ forUID: 'uid', key: 'default/box', target, revision: 'set', request, index });
  await clock.run(10_000);
  expect(calls).toBeLessThan(15);
  expect(news).toEqual([]);
  await clock.run(100_000);
  expect(installs.view('uid')?.end).toMatchObject({ phase: 'Lost' });
  expect(news).toEqual(['default/box']);
});
