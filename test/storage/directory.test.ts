import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DirectoryStore } from '../../storage/objects/directory-store.ts';
import { storeContract } from './store-contract.ts';

describe('a folder as object store', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'scp-objects-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  storeContract(() => Promise.resolve(new DirectoryStore(folder)));

  test('has no URLs to give away', async () => {
    const store = new DirectoryStore(folder);
    await expect(store.presign()).resolves.toBeUndefined();
  });
});
