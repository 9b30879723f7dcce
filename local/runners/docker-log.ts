import type Docker from 'dockerode';
import type { LogOptions } from './pod-runner.ts';

const HEADER_BYTES = 8;

/** A container's log as the engine gives it, both streams as one. */
export async function containerLog(
  container: Docker.Container,
  { tailLines, sinceMs, timestamps, follow, signal }: LogOptions,
): Promise<AsyncIterable<Buffer>> {
  const options = {
    stdout: true,
    stderr: true,
    timestamps,
    ...(tailLines === undefined ? {} : { tail: tailLines }),
    ...(sinceMs === undefined ? {} : { since: sinceMs / 1_000 }),
  } as const;
  if (!follow) return withoutHeaders([await container.logs({ ...options, follow })]);
  const stream = await container.logs({ ...options, follow, abortSignal: signal });
  return withoutHeaders(stream as AsyncIterable<Buffer>);
}

/** Drops the 8-byte header that the engine puts before each piece (Docker Engine API, "Stream format"). */
export async function* withoutHeaders(
  source: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = Buffer.concat([rest, chunk]);
    for (let size = sizeOf(rest); rest.length >= size; size = sizeOf(rest)) {
      yield rest.subarray(HEADER_BYTES, size);
      rest = rest.subarray(size);
    }
  }
}

/** Of the next piece with its header; infinite while that is not there. */
function sizeOf(bytes: Buffer): number {
  return bytes.length < HEADER_BYTES ? Infinity : HEADER_BYTES + bytes.readUInt32BE(4);
}
