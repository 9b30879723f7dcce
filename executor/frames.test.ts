import fc from 'fast-check';
import { type Frame, FrameDecoder, encodeFrame } from './frames.ts';

/** The same frames with the pieces of streamed ones put together. */
function joined(frames: readonly Frame[]): Frame[] {
  const whole: Frame[] = [];
  for (const frame of frames) {
    const last = whole.at(-1);
    const goesOn = last?.kind === frame.kind && last.run === frame.run && frame.kind !== 'X';
    if (goesOn)
      whole.splice(-1, 1, { ...last, payload: Buffer.concat([last.payload, frame.payload]) });
    else whole.push({ ...frame, payload: Buffer.from(frame.payload) });
  }
  return whole;
}

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
        expect(joined(seen)).toEqual(joined(frames));
      }),
    );
  });

  it('are refused when a length tells that the stream is out of step', () => {
    expect(() => new FrameDecoder().push(Buffer.alloc(9, 0xff))).toThrow(
      'frame of 4294967295 bytes',
    );
  });
});
