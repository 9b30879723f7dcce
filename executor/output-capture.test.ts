import fc from 'fast-check';
import { OutputCapture } from './output-capture.ts';

const LIMIT = 1_000;
const jsonSize = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

function capture(chunks: readonly Buffer[], limit = LIMIT): ReturnType<OutputCapture['result']> {
  const output = new OutputCapture(limit);
  for (const chunk of chunks) output.push(chunk);
  return output.result();
}

describe('OutputCapture', () => {
  it('keeps everything that fits, as it came', () => {
    expect(capture([Buffer.from('a\0b'), Buffer.from('\uFEFF🚀\n')])).toEqual({
      text: 'a\0b\uFEFF🚀\n',
      bytes: 11,
      truncated: false,
    });
  });

  it('is whole up to the last byte of the limit', () => {
    expect(capture([Buffer.from('x'.repeat(LIMIT))])).toEqual({
      text: 'x'.repeat(LIMIT),
      bytes: LIMIT,
      truncated: false,
    });
  });

  it('keeps head and tail of what is longer, and says how much is missing between them', () => {
    const { text, bytes, truncated } = capture([
      Buffer.from('a'.repeat(5_000)),
      Buffer.from('z'.repeat(5_000)),
    ]);
    const [, head = '', missing, tail = ''] =
      /^(a+)\n\[\.\.\. (\d+) bytes left out \.\.\.\]\n(z+)$/.exec(text) ?? [];
    expect({ bytes, truncated, missing }).toEqual({
      bytes: 10_000,
      truncated: true,
      missing: String(10_000 - head.length - tail.length),
    });
    expect(Math.min(head.length, tail.length)).toBeGreaterThan(LIMIT / 2 - 50);
  });

  it('joins characters whose bytes come in different chunks', () => {
    const bytes = Buffer.from('日本語🚀');
    expect(capture([...bytes].map((byte) => Buffer.from([byte]))).text).toBe('日本語🚀');
  });

  it('cuts between characters, never within one', () => {
    expect(capture([Buffer.from('語'.repeat(3_000))]).text).toMatch(/^語+\n\[.*\]\n語+$/);
  });

  it('replaces bytes that are no UTF-8', () => {
    expect(capture([Buffer.from([0x61, 0xff, 0x62])])).toEqual({
      text: 'a\uFFFDb',
      bytes: 3,
      truncated: false,
    });
  });

  it('never exceeds the limit as a JSON string, nor loses count, whatever comes in whatever pieces', () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 700 }),
      fc.string({ unit: 'binary', maxLength: 400 }).map((text) => new TextEncoder().encode(text)),
      fc.nat(3_000).map((length) => new Uint8Array(length)),
    );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 12 }), (chunks) => {
        const buffers = chunks.map((bytes) => Buffer.from(bytes));
        const { text, bytes, truncated } = capture(buffers);
        expect(jsonSize(text)).toBeLessThanOrEqual(LIMIT);
        expect(bytes).toBe(Buffer.concat(buffers).length);
        if (!truncated) expect(text).toBe(Buffer.concat(buffers).toString('utf8'));
      }),
    );
  });
});
