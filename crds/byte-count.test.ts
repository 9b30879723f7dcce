import { byteCountOf } from './byte-count.ts';

test.each([
  ['1', 1],
  ['5k', 5_000],
  ['1Gi', 1_073_741_824],
  ['512Mi', 536_870_912],
  ['2T', 2e12],
])('%s is %d bytes', (quantity, bytes) => {
  expect(byteCountOf(quantity)).toBe(bytes);
});
