import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DirectoryStore } from '../../storage/objects/directory-store.ts';
import { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import { FailingStore } from './failing-store.ts';

export interface TemporaryFiles {
  readonly folder: string;
  readonly store: FailingStore;
  readonly stored: StoredWorkspaces;
  readonly removeFiles: () => void;
}

/** An object store for the time of a test, in a folder of its own. */
export function temporaryFiles(): TemporaryFiles {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'scp-files-'));
  const store = new FailingStore(new DirectoryStore(folder));
  const removeFiles = (): void => {
    rmSync(folder, { recursive: true });
  };
  return { folder, store, stored: new StoredWorkspaces(store), removeFiles };
}
