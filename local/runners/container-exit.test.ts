import { exitReason } from './container-exit.ts';

test.each([
  [0, false, 'Completed'],
  [0, true, 'Completed'],
  [1, false, 'Error'],
  [1, true, 'Error'],
  [137, false, 'Error'],
  [137, true, 'OOMKilled'],
])('exit code %d, memory killed: %s, is %s', (exitCode, oomKilled, reason) => {
  expect(exitReason(exitCode, oomKilled)).toBe(reason);
});
