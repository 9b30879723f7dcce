import { jsonShape } from './json-shape.ts';

describe('the shape of JSON', () => {
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
  ])('of %s is %d deep', (text, depth) => {
    expect(jsonShape(text).depth).toBe(depth);
  });

  it.each(['1', '[]', '[1,2]', '{"a":1,"b":[{},",,,"]}', '"[,{"'])(
    'of %s has no fewer values than it holds',
    (text) => {
      const held: unknown[] = [];
      JSON.parse(text, (_key, value: unknown) => {
        held.push(value);
        return value;
      });
      const { values } = jsonShape(text);
      expect(values).toBeGreaterThanOrEqual(held.length);
      expect(values).toBeLessThanOrEqual(2 * held.length);
    },
  );

  it('of a hundred thousand brackets is found without recursion', () => {
    expect(jsonShape('['.repeat(100_000))).toEqual({ depth: 100_000, values: 100_001 });
  });
});
