import { textPieces } from './text-pieces.ts';

test.each<[string, number, string[]]>([
  ['', 3, []],
  ['abc', 3, ['abc']],
  ['abcdefg', 3, ['abc', 'def', 'g']],
  ['ab🚀cd', 3, ['ab', '🚀c', 'd']],
  ['🚀🚀🚀', 3, ['🚀', '🚀', '🚀']],
])('%j in pieces of %d', (text, length, expected) => {
  expect(textPieces(text, length)).toEqual(expected);
});

test('whatever the text, a piece as JSON takes at most six bytes per unit, and nothing is lost', () => {
  const text = '\u0001🚀é\ud800x'.repeat(1_000);
  const pieces = textPieces(text, 50);
  expect(pieces.join('')).toBe(text);
  for (const piece of pieces)
    expect(Buffer.byteLength(JSON.stringify(piece))).toBeLessThanOrEqual(50 * 6 + 2);
});
