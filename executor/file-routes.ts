import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ActivityLog } from './activity.ts';
import { EXECUTOR_LIMITS, type WorkspaceFile, type WorkspaceListing } from './contract.ts';
import { ProblemError } from './problem.ts';
import { type Call, type Route, sendJson } from './router.ts';
import type { WorkspaceChanges } from './workspace-changes.ts';
import { decodePath } from './workspace-path.ts';
import type { ScannedFile } from './workspace-scan.ts';
import type { OpenFile, Workspace } from './workspace.ts';

const FOLDER = /^\/v1\/files$/;
const FILE = /^\/v1\/files\/(.*)$/s;
const WORKSPACE = /^\/v1\/workspace$/;

export interface FileRouteOptions {
  readonly workspace: Workspace;
  readonly changes: WorkspaceChanges;
  readonly activity: ActivityLog;
}

export function fileRoutes({ workspace, changes, activity }: FileRouteOptions): Route[] {
  /** Both ends of a file call count as use, unless it is none: it may take long. */
  const used =
    (handle: (call: Call, path: string) => Promise<void>) =>
    async (call: Call): Promise<void> => {
      const isUse = call.query.get('quiet') !== 'true';
      if (isUse) activity.touch();
      await handle(call, decodePath(call.parts[0] ?? ''));
      if (isUse) activity.touch();
    };
  return [
    {
      method: 'GET',
      pattern: WORKSPACE,
      handle: used(async (call) => {
        const { files, truncated } = await changes.scan();
        sendJson(call.response, listing(files, truncated));
      }),
    },
    {
      method: 'GET',
      pattern: FOLDER,
      handle: used(async (call) => {
        sendJson(call.response, await workspace.list(call.query.get('path') ?? ''));
      }),
    },
    { method: 'GET', pattern: FILE, handle: used((call, path) => download(workspace, call, path)) },
    {
      method: 'HEAD',
      pattern: FILE,
      handle: used(async ({ response }, path) => {
        const opened = await workspace.read(path);
        await opened.file.close();
        response.writeHead(200, headersOf(opened)).end();
      }),
    },
    {
      method: 'PUT',
      pattern: FILE,
      handle: used(async (call, path) => {
        const executable = call.query.get('executable') === 'true';
        await workspace.write(path, call.request, { executable });
        changes.adopt(path);
        call.response.writeHead(204).end();
      }),
    },
    {
      method: 'DELETE',
      pattern: FILE,
      handle: used(async (call, path) => {
        await workspace.remove(path);
        changes.adopt(path);
        call.response.writeHead(204).end();
      }),
    },
  ];
}

/** As many files as an answer may hold. */
function listing(files: ReadonlyMap<string, ScannedFile>, truncated: boolean): WorkspaceListing {
  const shown: WorkspaceFile[] = [];
  let bytes = 0;
  for (const [path, { modifiedMs, ...file }] of files) {
    const entry = { path, ...file, modifiedAt: new Date(modifiedMs).toISOString() };
    bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (bytes > EXECUTOR_LIMITS.listingBytes - ENVELOPE_BYTES)
      return { files: shown, truncated: true };
    shown.push(entry);
  }
  return { files: shown, truncated };
}

const ENVELOPE_BYTES = 64;

async function download(
  workspace: Workspace,
  { request, response, signal }: Call,
  path: string,
): Promise<void> {
  const opened = await workspace.read(path);
  const { file, size } = opened;
  const range = rangeOf(request, size);
  begin(response, opened, range);
  // A file that grows meanwhile is cut where it ended at first: its length is announced already.
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (end < start) {
    await file.close();
    response.end();
    return;
  }
  await pipeline(file.createReadStream({ start, end }), response, { signal });
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** One range with both ends, which is all that the control plane asks for. */
function rangeOf({ headers }: IncomingMessage, size: number): Range | undefined {
  const [, from, to] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(headers.range ?? '') ?? [];
  if (from === undefined || to === undefined) return undefined;
  const range = { start: Number(from), end: Math.min(Number(to), size - 1) };
  if (range.start > range.end) throw new ProblemError('BadRequest', 'the file ends before that');
  return range;
}

function begin(response: ServerResponse, file: OpenFile, range: Range | undefined): void {
  if (range === undefined) {
    response.writeHead(200, headersOf(file));
    return;
  }
  const { start, end } = range;
  response.writeHead(206, {
    ...headersOf(file),
    'content-length': end - start + 1,
    'content-range': `bytes ${String(start)}-${String(end)}/${String(file.size)}`,
  });
}

function headersOf({ size, version, modifiedMs }: OpenFile): Record<string, string | number> {
  return {
    'content-type': 'application/octet-stream',
    'content-length': size,
    etag: `"${version}"`,
    'last-modified': new Date(modifiedMs).toUTCString(),
  };
}
