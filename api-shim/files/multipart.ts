import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import { ApiError } from '../errors.ts';
import { MAX_UPLOAD_BYTES } from '../schemas/file.ts';

/** A form's fields and the boundaries around them. */
const MAX_OVERHEAD_BYTES = 65_536;
const LIMITS = { files: 1, fields: 16, fieldSize: 8_192, parts: 32, fileSize: MAX_UPLOAD_BYTES };

export interface FormFile {
  /** The form's own field, if it came before the file. */
  readonly path: string | undefined;
  readonly content: Readable;
}

/**
 * Hands the file of a form to `take` as it comes, and resolves with what that made of it when the whole form was read. Nothing is kept in
 * memory; a file that is too large ends its content with FileTooLarge.
 */
export async function readForm<T>(
  request: IncomingMessage,
  take: (file: FormFile) => Promise<T>,
): Promise<T> {
  const parser = parserFor(request);
  let path: string | undefined;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let taken: Promise<T> | undefined;
  parser.on('field', (name, value) => {
    if (name === 'path') path ??= value;
  });
  parser.on('file', (name, content) => {
    if (name !== 'file' || taken !== undefined) {
      content.resume();
      return;
    }
    content.once('limit', () => content.destroy(tooLarge()));
    taken = take({ path, content });
    // A failure need not wait for the rest of the form.
    taken.catch(reject);
  });
  parser.once('finish', () => {
    if (taken === undefined) reject(missingFile());
    else taken.then(resolve, reject);
  });
  parser.once('error', (cause) => {
    reject(malformed(cause));
  });
  request.once('aborted', () => {
    parser.destroy();
  });
  request.pipe(parser);
  try {
    return await promise;
  } finally {
    request.unpipe(parser);
  }
}

/** Before anything is read, where the client says how much will come. */
export function refuseTooLarge({ headers }: IncomingMessage, overhead = MAX_OVERHEAD_BYTES): void {
  const announced = Number(headers['content-length'] ?? 0);
  if (announced > MAX_UPLOAD_BYTES + overhead) throw tooLarge();
}

export function tooLarge(): ApiError {
  const headers = { Connection: 'close' };
  return new ApiError('FileTooLarge', 'File size exceeds 100MB limit', { headers });
}

function parserFor({ headers }: IncomingMessage): InstanceType<typeof Busboy> {
  try {
    const type = headers['content-type'] ?? '';
    return new Busboy({
      headers: { ...headers, 'content-type': type },
      limits: LIMITS,
      isPartAFile: (name) => name === 'file',
    });
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause: unknown): ApiError {
  const msg = 'The body is no complete multipart form';
  const detail = [{ type: 'form_invalid', loc: ['body'], msg }];
  return new ApiError('InvalidRequest', msg, { cause, detail });
}

function missingFile(): ApiError {
  const msg = 'Field required';
  return new ApiError('InvalidRequest', `body.file: ${msg}`, {
    detail: [{ type: 'missing', loc: ['body', 'file'], msg }],
  });
}
