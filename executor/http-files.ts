import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { boundedText } from './bounded-text.ts';
import { badAnswer, errorFromAnswer, errorFromFailure } from './client-errors.ts';
import {
  ExecutorError,
  type ExecutorFiles,
  type FileCallOptions,
  type FileHead,
  type OpenFile,
  type ReadFileOptions,
  type WriteFileOptions,
} from './client.ts';
import {
  EXECUTOR_LIMITS,
  type WorkspaceListing,
  workspaceListing,
  workspacePath,
} from './contract.ts';
import type { ExecutorRequest } from './executor-request.ts';

/** An upload takes as long as its source does, and until it is over there is no answer to wait for. */
const WRITE_TIMEOUT_MS = 600_000;

/** How to reach the executor whose files these are. */
export interface FileCalls {
  call<T>(schema: z.ZodType<T>, request: ExecutorRequest): Promise<T>;
  /** The answer as it comes, of any status. */
  send(request: ExecutorRequest): Promise<Dispatcher.ResponseData>;
}

/** The calls of `ExecutorFiles` over HTTP. What the executor announces is what it must send: more or less of it breaks the stream. */
export class HttpExecutorFiles implements ExecutorFiles {
  readonly #calls: FileCalls;

  constructor(calls: FileCalls) {
    this.#calls = calls;
  }

  async listing(options: FileCallOptions = {}): Promise<WorkspaceListing> {
    const path = `/v1/workspace${queryOf(options)}`;
    const { listingBytes: answerBytes } = EXECUTOR_LIMITS;
    const call = { method: 'GET', path, signal: options.signal, answerBytes } as const;
    return this.#calls.call(workspaceListing, call);
  }

  async head(path: string, options: FileCallOptions = {}): Promise<FileHead | undefined> {
    const answer = await this.#send('HEAD', path, options);
    await answer.body.dump();
    if (answer.statusCode === 404) return undefined;
    if (answer.statusCode !== 200) throw errorFromAnswer(answer.statusCode, '');
    return headIn(answer.headers, Number(answer.headers['content-length']));
  }

  async read(path: string, options: ReadFileOptions = {}): Promise<OpenFile> {
    const { range } = options;
    const headers =
      range === undefined ? {} : { range: `bytes=${String(range.start)}-${String(range.end)}` };
    const answer = await this.#send('GET', path, options, { headers });
    if (answer.statusCode !== (range === undefined ? 200 : 206)) throw await problemIn(answer);
    try {
      return { head: headOfContent(answer, range), content: answer.body };
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
  }

  async write(path: string, content: Readable, options: WriteFileOptions = {}): Promise<void> {
    const { size } = options;
    const headers = size === undefined ? {} : { 'content-length': String(size) };
    const more = { content, headers, waitMs: WRITE_TIMEOUT_MS };
    try {
      const answer = await this.#send('PUT', path, options, more);
      if (answer.statusCode !== 204) throw await problemIn(answer);
      await answer.body.dump();
    } catch (error) {
      throw content.errored ?? error;
    } finally {
      content.destroy();
    }
  }

  async remove(path: string, options: FileCallOptions = {}): Promise<void> {
    const answer = await this.#send('DELETE', path, options);
    if (answer.statusCode !== 204) throw await problemIn(answer);
    await answer.body.dump();
  }

  // eslint-disable-next-line @typescript-eslint/max-params -- the rest is what few calls have
  async #send(
    method: 'GET' | 'HEAD' | 'PUT' | 'DELETE',
    path: string,
    options: WriteFileOptions,
    more: Partial<ExecutorRequest> = {},
  ): Promise<Dispatcher.ResponseData> {
    const url = `/v1/files/${encoded(path)}${queryOf(options)}`;
    return this.#calls.send({ method, path: url, signal: options.signal, ...more });
  }
}

function queryOf({ quiet, executable }: WriteFileOptions): string {
  const query = new URLSearchParams();
  if (quiet === true) query.set('quiet', 'true');
  if (executable === true) query.set('executable', 'true');
  return query.size === 0 ? '' : `?${query.toString()}`;
}

function encoded(path: string): string {
  if (!workspacePath.safeParse(path).success || !path.isWellFormed())
    throw new ExecutorError('Refused', 'that path leads out of the workspace', {
      retryable: false,
    });
  return path.split('/').map(encodeURIComponent).join('/');
}

async function problemIn({ statusCode, body }: Dispatcher.ResponseData): Promise<ExecutorError> {
  try {
    return errorFromAnswer(statusCode, await boundedText(body));
  } catch (cause) {
    return errorFromFailure(cause);
  } finally {
    body.destroy();
  }
}

type Headers = Dispatcher.ResponseData['headers'];

/** The size is that of the whole file, also where a range came. */
function headOfContent(
  { headers }: Dispatcher.ResponseData,
  range: ReadFileOptions['range'],
): FileHead {
  const length = Number(headers['content-length']);
  if (range === undefined) return headIn(headers, length);
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(String(headers['content-range'])) ?? [];
  // Without a length of its own an answer could go on for ever, behind the end of the one that it becomes.
  if (Number(start) !== range.start || length !== range.end - range.start + 1)
    throw badAnswer('it is another range');
  return headIn(headers, Number(size));
}

const fileHead = z.object({
  size: z.int().min(0),
  version: z.string().regex(/^[0-9a-z-]{1,64}$/),
  modifiedAt: z.coerce.date(),
});

function headIn(headers: Headers, size: number): FileHead {
  const parsed = fileHead.safeParse({
    size,
    version: String(headers['etag']).replaceAll('"', ''),
    modifiedAt: headers['last-modified'],
  });
  if (!parsed.success) throw badAnswer('its headers are not those of a file', parsed.error);
  return parsed.data;
}
