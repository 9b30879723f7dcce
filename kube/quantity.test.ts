import { isSameQuantity, parseQuantity } from './quantity.ts';

test.each([
  ['1', 1],
  ['0.5', 0.5],
  ['500m', 0.5],
  ['512Mi', 536_870_912],
  ['1.5Gi', 1_610_612_736],
  ['1G', 1e9],
  ['1e3', 1000],
  ['2E', 2e18],
  ['10Ki', 10_240],
])('the quantity %s is %d', (text, value) => {
  expect(parseQuantity(text)).toBeCloseTo(value);
});

test.each(['', 'Mi', '1 Gi', '-1', '1mi', '1GiB', 'NaN', '0x10'])('%j is no quantity', (text) => {
  expect(parseQuantity(text)).toBeUndefined();
});

test.each([
  ['1', '1000m', true],
  ['500m', '0.5', true],
  ['1Gi', '1024Mi', true],
  ['512Mi', '536870912', true],
  ['1G', '1Gi', false],
  ['2', '1', false],
])('%s and %s are the same: %s', (one, other, same) => {
  expect(isSameQuantity(one, other)).toBe(same);
});
