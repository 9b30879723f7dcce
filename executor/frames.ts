/** The pieces that executor and launcher talk in; `launcher.py` lists their types. */
export interface Frame {
  readonly kind: string;
  /** Number of the run that the frame is about; 0 for none. */
  readonly run: number;
  readonly payload: Buffer;
}

const HEADER_BYTES = 9;
/** More than any frame the launcher makes: a larger length means that the stream is out of step. */
const MAX_PAYLOAD_BYTES = 1_048_576;

export function encodeFrame(frame: Frame): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(frame.kind, 0, 1, 'latin1');
  header.writeUInt32BE(frame.run, 1);
  header.writeUInt32BE(frame.payload.length, 5);
  return Buffer.concat([header, frame.payload]);
}

/** Cuts a byte stream into frames; a payload is valid only until the next call. */
export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Frame[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + payloadLength(bytes, at);
      if (bytes.length < end) break;
      frames.push({
        kind: bytes.toString('latin1', at, at + 1),
        run: bytes.readUInt32BE(at + 1),
        payload: bytes.subarray(at + HEADER_BYTES, end),
      });
      at = end;
    }
    this.#rest = bytes.subarray(at);
    return frames;
  }
}

function payloadLength(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at + 5);
  if (length > MAX_PAYLOAD_BYTES) throw new Error(`frame of ${String(length)} bytes`);
  return length;
}
