import { pipeline } from 'node:stream/promises';
import type { ActivityLog } from './activity.ts';
import { type Call, type Route, sendJson } from './router.ts';
import { decodePath } from './workspace-path.ts';
import type { Workspace } from './workspace.ts';

const FOLDER = /^\/v1\/files$/;
const FILE = /^\/v1\/files\/(.*)$/s;

export function fileRoutes(workspace: Workspace, activity: ActivityLog): Route[] {
  /** Both ends of a file call count as use: it may take long. */
  const used =
    (handle: (call: Call, path: string) => Promise<void>) =>
    async (call: Call): Promise<void> => {
      activity.touch();
      await handle(call, decodePath(call.parts[0] ?? ''));
      activity.touch();
    };
  return [
    {
      method: 'GET',
      pattern: FOLDER,
      handle: used(async (call) => {
        sendJson(call.response, await workspace.list(call.query.get('path') ?? ''));
      }),
    },
    { method: 'GET', pattern: FILE, handle: used((call, path) => download(workspace, call, path)) },
    {
      method: 'PUT',
      pattern: FILE,
      handle: used(async (call, path) => {
        await workspace.write(path, call.request);
        call.response.writeHead(204).end();
      }),
    },
    {
      method: 'DELETE',
      pattern: FILE,
      handle: used(async (call, path) => {
        await workspace.remove(path);
        call.response.writeHead(204).end();
      }),
    },
  ];
}

async function download(
  workspace: Workspace,
  { response, signal }: Call,
  path: string,
): Promise<void> {
  const { file, size } = await workspace.read(path);
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
  if (size === 0) {
    await file.close();
    response.end();
    return;
  }
  // A file that grows meanwhile is cut where it ended at first: its length is announced already.
  await pipeline(file.createReadStream({ end: size - 1 }), response, { signal });
}
