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

/** Frames whose payload means the same in pieces: they are passed on as they come, without being put together first. */
const STREAMED = new Set(['O', 'E']);

/** Cuts a byte stream into frames; what is streamed may come out as several frames. A payload is valid only until the next call. */
export class FrameDecoder {
  /** The beginning of what cannot be given out yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** What still belongs to a streamed frame. */
  #open: { readonly kind: string; readonly run: number; missing: number } | undefined;

  push(chunk: Buffer): Frame[] {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      const next = this.#open === undefined ? this.#whole(bytes) : this.#piece(bytes, this.#open);
      if (next === undefined) break;
      if (next.frame !== undefined) frames.push(next.frame);
      bytes = bytes.subarray(next.length);
    }
    this.#rest = bytes;
    return frames;
  }

  #whole(bytes: Buffer): { readonly frame?: Frame; readonly length: number } | undefined {
    if (bytes.length < HEADER_BYTES) return undefined;
    const kind = bytes.toString('latin1', 0, 1);
    const run = bytes.readUInt32BE(1);
    const length = payloadLength(bytes);
    if (STREAMED.has(kind)) {
      this.#open = { kind, run, missing: length };
      return { length: HEADER_BYTES };
    }
    const end = HEADER_BYTES + length;
    if (bytes.length < end) return undefined;
    return { frame: { kind, run, payload: bytes.subarray(HEADER_BYTES, end) }, length: end };
  }

  #piece(
    bytes: Buffer,
    open: { readonly kind: string; readonly run: number; missing: number },
  ): { readonly frame: Frame; readonly length: number } | undefined {
    if (bytes.length === 0 && open.missing > 0) return undefined;
    const payload = bytes.subarray(0, open.missing);
    open.missing -= payload.length;
    if (open.missing === 0) this.#open = undefined;
    return { frame: { kind: open.kind, run: open.run, payload }, length: payload.length };
  }
}

function payloadLength(bytes: Buffer): number {
  const length = bytes.readUInt32BE(5);
  if (length > MAX_PAYLOAD_BYTES) throw new Error(`frame of ${String(length)} bytes`);
  return length;
}
