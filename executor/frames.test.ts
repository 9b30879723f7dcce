import fc from 'fast-check';
import { type Frame, FrameDecoder, encodeFrame } from './frames.ts';

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    const frame = fc.record({
      kind: fc.constantFrom('O', 'E', 'X'),
      run: fc.nat(2 ** 32 - 1),
      payload: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(fc.array(frame), fc.integer({ min: 1, max: 40 }), (frames, step) => {
        const stream = Buffer.concat(frames.map(encodeFrame));
        const decoder = new FrameDecoder();
        const seen: Frame[] = [];
        for (let at = 0; at < stream.length; at += step)
          seen.push(...decoder.push(Buffer.from(stream.subarray(at, at + step))));
        expect(seen).toEqual(frames);
      }),
    );
  });

  it('are refused when a length tells that the stream is out of step', () => {
    expect(() => new FrameDecoder().push(Buffer.alloc(9, 0xff))).toThrow(
      'frame of 4294967295 bytes',
    );
  });
});
