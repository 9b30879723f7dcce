import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { ApiError } from '../errors.ts';
import { bounded } from './bounded.ts';
import { checkedPath } from './file-path.ts';
import { readForm, refuseTooLarge } from './multipart.ts';
import type { WritableFiles } from './session-files.ts';

export interface Uploaded {
  readonly path: string;
  readonly size: number;
}

/** Writes the file of a form to where the query or the form says. */
export async function uploadForm(
  files: WritableFiles,
  request: IncomingMessage,
  queryPath: string | undefined,
): Promise<Uploaded> {
  refuseTooLarge(request);
  return readForm(request, async ({ path, content }) => {
    const target = queryPath ?? path;
    if (target === undefined) {
      content.resume();
      throw missingPath();
    }
    return write(files, checkedPath(target), content);
  });
}

/** Writes a body as it comes. */
export async function uploadBody(
  files: WritableFiles,
  request: IncomingMessage,
  path: string,
): Promise<Uploaded> {
  refuseTooLarge(request, 0);
  const announced = request.headers['content-length'];
  return write(files, path, request, announced === undefined ? undefined : Number(announced));
}

// eslint-disable-next-line @typescript-eslint/max-params -- where, what, and how much of it
async function write(
  files: WritableFiles,
  path: string,
  content: Readable,
  announced?: number,
): Promise<Uploaded> {
  const { through, size } = bounded();
  content.once('error', (error) => through.destroy(error));
  content.pipe(through);
  await files.write(path, through, announced);
  return { path, size: size() };
}

function missingPath(): ApiError {
  const msg = 'Field required, in the query or in the form before the file';
  return new ApiError('InvalidRequest', `query.path: ${msg}`, {
    detail: [{ type: 'missing', loc: ['query', 'path'], msg }],
  });
}
