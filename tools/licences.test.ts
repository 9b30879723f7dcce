import { isAllowed, PERMISSIVE } from './licences.ts';

describe('the licences of what is shipped', () => {
  test.each([
    ['MIT', true],
    ['(MIT OR GPL-3.0-only)', true],
    ['Apache-2.0 AND MIT', true],
    ['(MIT AND CC-BY-3.0)', false],
    ['(MIT AND GPL-3.0-only)', false],
    ['AGPL-3.0-only', false],
    ['UNKNOWN', false],
    ['Custom: https://example.com', false],
    ['', false],
  ])('%s: %s', (expression, allowed) => {
    expect(isAllowed(expression, PERMISSIVE)).toBe(allowed);
  });
});
