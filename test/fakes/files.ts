import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ExecutorError } from '../../executor/client.ts';
import type {
  ExecutorFiles,
  FileHead,
  OpenFile,
  ReadFileOptions,
  WriteFileOptions,
} from '../../executor/client.ts';
import type { WorkspaceListing } from '../../executor/contract.ts';

interface File {
  readonly content: Buffer;
  readonly version: string;
  readonly modifiedAt: string;
  readonly executable: boolean;
}

/** The files in one pod, in memory; `reach` fails where its executor would not answer. */
export class FakeFiles implements ExecutorFiles {
  readonly #files = new Map<string, File>();
  readonly #reach: () => Promise<unknown>;
  #writes = 0;

  constructor(reach: () => Promise<unknown>) {
    this.#reach = reach;
  }

  /** User code writes a file. */
  set(path: string, content: string | Buffer, executable = false): void {
    this.#writes += 1;
    this.#files.set(path, {
      content: Buffer.from(content),
      version: `v${String(this.#writes)}`,
      modifiedAt: new Date(1_700_000_000_000 + this.#writes * 1_000).toISOString(),
      executable,
    });
  }

  /** User code removes one. */
  unset(path: string): void {
    this.#files.delete(path);
  }

  get(path: string): string | undefined {
    return this.#files.get(path)?.content.toString();
  }

  isExecutable(path: string): boolean {
    return this.#files.get(path)?.executable ?? false;
  }

  async listing(): Promise<WorkspaceListing> {
    await this.#reach();
    const files = [...this.#files].map(([path, { content, ...file }]) => ({
      path,
      size: content.length,
      ...file,
    }));
    return { files, truncated: false };
  }

  async head(path: string): Promise<FileHead | undefined> {
    await this.#reach();
    const file = this.#files.get(path);
    return file && headOf(file);
  }

  async read(path: string, { range }: ReadFileOptions = {}): Promise<OpenFile> {
    await this.#reach();
    const file = this.#files.get(path);
    if (file === undefined)
      throw new ExecutorError('NotFound', 'no such file', { retryable: false });
    const part =
      range === undefined ? file.content : file.content.subarray(range.start, range.end + 1);
    return { head: headOf(file), content: Readable.from(part.length === 0 ? [] : [part]) };
  }

  async write(path: string, content: Readable, options: WriteFileOptions = {}): Promise<void> {
    await this.#reach();
    this.set(path, await buffer(content), options.executable);
  }

  async remove(path: string): Promise<void> {
    await this.#reach();
    if (!this.#files.delete(path))
      throw new ExecutorError('NotFound', 'no such file', { retryable: false });
  }
}

function headOf({ content, version, modifiedAt }: File): FileHead {
  return { size: content.length, version, modifiedAt: new Date(modifiedAt) };
}
