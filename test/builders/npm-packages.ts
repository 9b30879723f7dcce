import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** A package of npm as its registry serves it. */
export interface Tarball {
  readonly bytes: Buffer;
  readonly integrity: string;
}

/** A tarball of these files, by their names in it. */
export async function aTarball(files: Readonly<Record<string, string>>): Promise<Tarball> {
  const folder = await mkdtemp(join(tmpdir(), 'tarball-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const pack = ['-czf', '-', '-C', folder, 'package'];
  const { stdout: bytes } = await promisify(execFile)('tar', pack, { encoding: 'buffer' });
  await rm(folder, { recursive: true });
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  return { bytes, integrity };
}
