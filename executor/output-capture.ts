import { isUtf8 } from 'node:buffer';
import type { CapturedOutput } from './contract.ts';

/** Room for the line that stands between head and tail. */
const MARKER_BYTES = 80;

/**
 * Keeps the head and the tail of a byte stream of any length in bounded memory; together with the line between them that says how much
 * is missing they take no more than `limit` bytes as a JSON string.
 */
export class OutputCapture {
  readonly #limit: number;
  readonly #head: BoundedBytes;
  readonly #tail: RingBytes;
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
    // A byte never takes less than one byte of JSON, so no more raw bytes than this can be shown.
    this.#head = new BoundedBytes(Math.floor(limit / 2));
    this.#tail = new RingBytes(Math.ceil(limit / 2));
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const taken = this.#head.push(chunk);
    if (taken < chunk.length) this.#tail.push(chunk.subarray(taken));
  }

  result(): CapturedOutput {
    const head = this.#head.bytes();
    const tail = this.#tail.bytes();
    const whole =
      head.length + tail.length === this.#bytes ? Buffer.concat([head, tail]) : undefined;
    if (whole !== undefined && jsonBytes(whole) <= this.#limit) {
      return { text: whole.toString('utf8'), bytes: this.#bytes, truncated: false };
    }
    const budget = Math.floor((this.#limit - MARKER_BYTES) / 2);
    const first = fittingHead(whole ?? head, budget);
    const last = fittingTail(whole?.subarray(first.length) ?? tail, budget);
    const missing = this.#bytes - first.length - last.length;
    const text = `${first.toString('utf8')}\n[... ${String(missing)} bytes left out ...]\n${last.toString('utf8')}`;
    return { text, bytes: this.#bytes, truncated: true };
  }
}

/** The first bytes of a stream. Grows as needed, for most programs print little. */
class BoundedBytes {
  readonly #capacity: number;
  #buffer = Buffer.alloc(0);
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many bytes of the chunk it took. */
  push(chunk: Buffer): number {
    const taken = Math.min(chunk.length, this.#capacity - this.#length);
    if (taken === 0) return 0;
    if (this.#length + taken > this.#buffer.length) {
      const larger = Buffer.alloc(
        Math.min(this.#capacity, Math.max(1_024, 2 * (this.#length + taken))),
      );
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.#length, 0, taken);
    this.#length += taken;
    return taken;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** The last bytes of a stream, copied into one ring: slices of the chunks would keep the chunks alive. */
class RingBytes {
  readonly #capacity: number;
  #ring: Buffer | undefined;
  #end = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  push(chunk: Buffer): void {
    const ring = (this.#ring ??= Buffer.alloc(this.#capacity));
    const kept = chunk.subarray(Math.max(0, chunk.length - this.#capacity));
    const untilWrap = Math.min(kept.length, this.#capacity - this.#end);
    kept.copy(ring, this.#end, 0, untilWrap);
    kept.copy(ring, 0, untilWrap);
    this.#end = (this.#end + kept.length) % this.#capacity;
    this.#length = Math.min(this.#capacity, this.#length + kept.length);
  }

  bytes(): Buffer {
    if (this.#ring === undefined || this.#length < this.#capacity)
      return (this.#ring ?? Buffer.alloc(0)).subarray(0, this.#length);
    return Buffer.concat([this.#ring.subarray(this.#end), this.#ring.subarray(0, this.#end)]);
  }
}

function fittingHead(bytes: Buffer, budget: number): Buffer {
  const cost = costs(bytes);
  let left = budget;
  let end = bytes.findIndex((byte) => (left -= cost[byte] ?? 0) < 0);
  if (end === -1) return bytes;
  for (let back = 0; back < 3 && end > 0 && isContinuation(bytes[end]); back++) end--;
  return bytes.subarray(0, end);
}

function fittingTail(bytes: Buffer, budget: number): Buffer {
  const cost = costs(bytes);
  let left = budget;
  let start = bytes.findLastIndex((byte) => (left -= cost[byte] ?? 0) < 0) + 1;
  for (let on = 0; on < 3 && isContinuation(bytes[start]); on++) start++;
  return bytes.subarray(start);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function jsonBytes(bytes: Buffer): number {
  const cost = costs(bytes);
  let sum = 0;
  for (const byte of bytes) sum += cost[byte] ?? 0;
  return sum;
}

/** What each byte takes in a JSON string at most. In bytes that are not UTF-8 any one above 127 may become U+FFFD. */
function costs(bytes: Buffer): Uint8Array {
  return isUtf8(bytes) ? COSTS_IN_UTF8 : COSTS_IN_BINARY;
}

const COSTS_IN_UTF8 = costTable(1);
const COSTS_IN_BINARY = costTable(3);

function costTable(aboveAscii: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    if (byte >= 0x80) return aboveAscii;
    return JSON.stringify(String.fromCharCode(byte)).length - 2;
  });
}
