import { microTime } from './micro-time.ts';

test('a MicroTime has six digits', () => {
  expect(microTime(Date.parse('2026-01-02T03:04:05.678Z'))).toBe('2026-01-02T03:04:05.678000Z');
});
