import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import { FakeFiles } from '../../test/fakes/files.ts';
import type { FailingStore } from '../../test/fakes/failing-store.ts';
import { temporaryFiles } from '../../test/fakes/temporary-files.ts';
import { storeWorkspace } from './transfer.ts';

let store: FailingStore;
let stored: StoredWorkspaces;
let removeFiles: () => void;

beforeEach(() => {
  ({ store, stored, removeFiles } = temporaryFiles());
});
afterEach(() => {
  removeFiles();
});

/** Whatever its listing said, each file has grown by the time it is read. */
class GrowingFiles extends FakeFiles {
  override async listing(): ReturnType<FakeFiles['listing']> {
    const { files, truncated } = await super.listing();
    return { files: files.map((file) => ({ ...file, size: 1 })), truncated };
  }
}

async function left(): Promise<Record<string, number>> {
  const { objects } = await store.list('sessions/');
  return Object.fromEntries(objects.map(({ key, size }) => [key.split('/').at(-1) ?? '', size]));
}

test('files that grow after they were listed fill no more of the store than one session may, and leave nothing behind that no manifest names', async () => {
  const files = new GrowingFiles(() => Promise.resolve());
  const { signal } = new AbortController();
  const pass = (): ReturnType<typeof storeWorkspace> =>
    storeWorkspace({ files, stored, id: 'box', limitBytes: 100, signal });
  for (const name of ['a', 'b', 'c']) files.set(name, 'x'.repeat(30));
  expect(await pass()).toMatchObject({ files: 3, left: 0 });
  for (const name of ['a', 'b', 'c']) files.set(name, 'x'.repeat(60));
  expect(await pass()).toMatchObject({ files: 1, bytes: 60, left: 2 });
  const { files: named } = await stored.manifest('box');
  expect(await left()).toEqual(Object.fromEntries(named.map(({ path, size }) => [path, size])));
});
