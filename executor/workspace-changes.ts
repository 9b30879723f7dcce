import { createHash } from 'node:crypto';
import type { Artifact } from './contract.ts';
import { EXECUTOR_LIMITS } from './contract.ts';
import { type Scan, type ScannedFile, scanFile, scanWorkspace } from './workspace-scan.ts';
import type { Workspace } from './workspace.ts';

/** What a run left behind, as its final state tells it. */
export interface RunChanges {
  readonly artifacts: Artifact[];
  readonly artifactsTruncated: boolean;
  /** Also hidden and removed files count, and those that were not listed. */
  readonly workspaceChanged: boolean;
}

/** The files as they were at some moment. */
export type Snapshot = ReadonlyMap<string, ScannedFile>;

/** Bytes that are hashed for one run: about a second's work. What is beyond has no checksum. */
const HASHED_BYTES = 536_870_912;

/**
 * Finds out what runs do to the workspace. Between runs it changes only through the file calls, which tell what they did; so one scan after each
 * run is enough, and what two runs at once changed counts as changed by both.
 */
export class WorkspaceChanges {
  readonly #root: string;
  readonly #workspace: Workspace;
  #current: Scan = { files: new Map(), truncated: false };

  constructor(root: string, workspace: Workspace) {
    this.#root = root;
    this.#workspace = workspace;
  }

  /** Takes what is there already as given. */
  async open(): Promise<void> {
    await this.scan();
  }

  /** All files, as they are now. */
  async scan(): Promise<Scan> {
    this.#current = await scanWorkspace(this.#root, EXECUTOR_LIMITS.scannedFiles);
    return this.#current;
  }

  /** As it was when last looked at. */
  get snapshot(): Snapshot {
    return this.#current.files;
  }

  /** A file call wrote or removed what is at `path`: no run did. */
  adopt(path: string): void {
    const { files } = this.#current;
    const file = scanFile(this.#root, path);
    if (file !== undefined) files.set(path, file);
    else for (const known of files.keys()) if (isWithin(known, path)) files.delete(known);
  }

  async since(before: Snapshot): Promise<RunChanges> {
    const { files, truncated } = await this.scan();
    const changed = [...files].filter(
      ([path, { version }]) => before.get(path)?.version !== version,
    );
    const isRemoved = [...before.keys()].some((path) => !files.has(path));
    const visible = changed.filter(([path]) => !isHidden(path)).sort(byPath);
    const shown = withinLimits(visible);
    return {
      artifacts: await this.#artifacts(shown),
      artifactsTruncated: truncated || shown.length < visible.length,
      workspaceChanged: truncated || isRemoved || changed.length > 0,
    };
  }

  async #artifacts(files: readonly Named[]): Promise<Artifact[]> {
    const artifacts: Artifact[] = [];
    let left = HASHED_BYTES;
    for (const [path, { size }] of files) {
      const sha256 = size > left ? undefined : await this.#hash(path, size);
      left -= sha256 === undefined ? 0 : size;
      artifacts.push(sha256 === undefined ? { path, size } : { path, size, sha256 });
    }
    return artifacts;
  }

  /** Undefined where the file is no longer what it was. */
  async #hash(path: string, size: number): Promise<string | undefined> {
    try {
      const opened = await this.#workspace.read(path);
      await using file = opened.file;
      if (opened.size !== size) return undefined;
      const hash = createHash('sha256');
      if (size > 0)
        for await (const chunk of file.createReadStream({ end: size - 1, autoClose: false }))
          hash.update(chunk as Buffer);
      return hash.digest('hex');
    } catch {
      return undefined;
    }
  }
}

type Named = readonly [string, ScannedFile];

/** As many as the status of a run can hold. */
function withinLimits(files: readonly Named[]): readonly Named[] {
  let bytes = 0;
  const fitting: Named[] = [];
  for (const named of files.slice(0, EXECUTOR_LIMITS.artifacts)) {
    bytes += Buffer.byteLength(JSON.stringify(named[0])) + BYTES_BESIDE_PATH;
    if (bytes > EXECUTOR_LIMITS.artifactsBytes) break;
    fitting.push(named);
  }
  return fitting;
}

/** Size, checksum and the names of the fields. */
const BYTES_BESIDE_PATH = 128;

function isHidden(path: string): boolean {
  return path.split('/').some((name) => name.startsWith('.'));
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function byPath([one]: Named, [other]: Named): number {
  return one < other ? -1 : 1;
}
