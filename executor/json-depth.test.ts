import { jsonDepth } from './json-depth.ts';

describe('jsonDepth', () => {
  it.each([
    ['1', 0],
    ['[]', 1],
    ['{"a":[{}]}', 3],
    ['[[],[]]', 2],
    ['"[[["', 0],
    ['"\\"[[["', 0],
    ['["\\\\",[]]', 2],
    ['[[["', 3],
    [']]][', 0],
    ['', 0],
  ])('of %s is %d', (text, depth) => {
    expect(jsonDepth(text)).toBe(depth);
  });

  it('of a hundred thousand brackets is counted without recursion', () => {
    expect(jsonDepth('['.repeat(100_000))).toBe(100_000);
  });
});
