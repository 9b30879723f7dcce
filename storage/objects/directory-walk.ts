import type { BigIntStats } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from './directory-errors.ts';

export interface WalkedFile {
  readonly key: string;
  readonly stats: BigIntStats;
}

/** Files below `folder` of `root` whose keys come after `after`, one folder at a time, each folder by name. */
export async function* filesBehind(
  root: string,
  folder: string,
  after: string,
): AsyncGenerator<WalkedFile> {
  for (const { name, isFolder } of await namesIn(path.join(root, folder))) {
    const key = `${folder}/${name}`;
    if (isFolder) {
      if (`${key}/` >= after || after.startsWith(`${key}/`)) yield* filesBehind(root, key, after);
      continue;
    }
    if (key <= after) continue;
    const stats = await stat(path.join(root, key), { bigint: true }).catch(unlessGone);
    if (stats !== undefined) yield { key, stats };
  }
}

interface Name {
  readonly name: string;
  readonly isFolder: boolean;
}

/** A folder counts as its name with a slash, so that the keys of the files in it come where they belong. */
async function namesIn(folder: string): Promise<readonly Name[]> {
  const names: Name[] = [];
  const entries = await opendir(folder).catch(unlessGone);
  if (entries === undefined) return [];
  for await (const entry of entries)
    names.push({ name: entry.name, isFolder: entry.isDirectory() });
  return names.sort((one, other) => (sortName(one) < sortName(other) ? -1 : 1));
}

function sortName({ name, isFolder }: Name): string {
  return isFolder ? `${name}/` : name;
}

function unlessGone(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error;
}
