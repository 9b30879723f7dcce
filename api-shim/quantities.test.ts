import fc from 'fast-check';
import {
  byteQuantityOf,
  coresOf,
  cpuQuantityOf,
  isCpu,
  isMemory,
  megabytesOf,
} from './quantities.ts';

test.each([
  [0.25, '250m'],
  [0.1, '100m'],
  [1, '1'],
  [2.5, '2500m'],
  [4, '4'],
])('%d cores are %s', (cores, quantity) => {
  expect(cpuQuantityOf(cores)).toBe(quantity);
  expect(coresOf(quantity)).toBe(cores);
});

test('every thousandth of a core survives the way there and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4000 }), (milli) => {
      expect(coresOf(cpuQuantityOf(milli / 1000))).toBe(milli / 1000);
    }),
  );
});

test.each([
  ['512Mi', 512],
  ['1Gi', 1024],
  ['1Ti', 1_048_576],
  ['2048Ki', 2],
  ['1G', 953],
  ['1048576', 1],
  ['1048575', 0],
])('%s is %d MB', (quantity, megabytes) => {
  expect(megabytesOf(quantity)).toBe(megabytes);
});

test('every number of MB survives the way there and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 51_200 }), (megabytes) => {
      expect(megabytesOf(byteQuantityOf(megabytes))).toBe(megabytes);
    }),
  );
});

test.each([
  ['1', true],
  ['0.5', true],
  ['500m', true],
  ['0', false],
  ['0.0', false],
  ['0m', false],
  ['-1', false],
  ['nan', false],
  ['1e9', false],
  ['', false],
])('cpu %s is allowed: %p', (value, allowed) => {
  expect(isCpu(value)).toBe(allowed);
});

test.each([
  ['512Mi', true],
  ['1Gi', true],
  ['0Mi', false],
  ['-5Mi', false],
  ['1G', false],
  ['512mi', false],
  ['1.5Gi', false],
  ['512', false],
  ['9999999999999999Gi', false],
])('memory %s is allowed: %p', (value, allowed) => {
  expect(isMemory(value)).toBe(allowed);
});
