import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderSizer } from './folder-size.ts';

let folder: string;
let now = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'size-'));
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  writeFileSync(join(folder, 'a/b/file'), 'x'.repeat(100_000));
  symlinkSync('/', join(folder, 'a/root'));
  now = 0;
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('counts all that lies below, and follows no link', async () => {
  const size = await new FolderSizer(folder, () => now).size();
  expect(size).toMatchObject({ entries: 4, complete: true });
  expect(size.bytes).toBeGreaterThanOrEqual(100_000);
  expect(size.bytes).toBeLessThan(200_000);
});

test('counts no further than to its bound', async () => {
  const size = await new FolderSizer(folder, () => now, 2).size();
  expect(size).toMatchObject({ entries: 2, complete: false });
});

test('counts anew only after a while', async () => {
  const sizer = new FolderSizer(folder, () => now);
  await sizer.size();
  writeFileSync(join(folder, 'more'), 'x');
  expect(await sizer.size()).toMatchObject({ entries: 4 });
  now = 5_000;
  expect(await sizer.size()).toMatchObject({ entries: 5 });
});

test('a folder that is gone holds nothing', async () => {
  const size = await new FolderSizer(join(folder, 'gone'), () => now).size();
  expect(size).toEqual({ bytes: 0, entries: 0, complete: true });
});
