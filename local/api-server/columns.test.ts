import { humanDuration } from './columns.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

test.each([
  [-5, '<invalid>'],
  [-1, '0s'],
  [0, '0s'],
  [119, '119s'],
  [2 * MINUTE, '2m'],
  [2 * MINUTE + 5, '2m5s'],
  [10 * MINUTE + 5, '10m'],
  [3 * HOUR, '3h'],
  [3 * HOUR + 20 * MINUTE, '3h20m'],
  [8 * HOUR + 20 * MINUTE, '8h'],
  [2 * DAY, '2d'],
  [2 * DAY + 3 * HOUR, '2d3h'],
  [8 * DAY + 3 * HOUR, '8d'],
  [2 * YEAR, '2y'],
  [2 * YEAR + 5 * DAY, '2y5d'],
  [9 * YEAR + 5 * DAY, '9y'],
])('%d seconds are %s, as kubectl says it', (seconds, said) => {
  expect(humanDuration(seconds)).toBe(said);
});
