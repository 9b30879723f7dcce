import { systemClock } from './clock.ts';

test('the system clock calls back once and not after it was cancelled', async () => {
  const called: string[] = [];
  const cancel = systemClock.schedule(() => called.push('cancelled'), 1);
  cancel();
  await new Promise<void>((resolve) => {
    systemClock.schedule(() => {
      called.push('kept');
      resolve();
    }, 2);
  });
  expect(called).toEqual(['kept']);
});
