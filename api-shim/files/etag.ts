import { createHash } from 'node:crypto';
import type { FileInfo } from './session-files.ts';

/** The tag of one version of a file, the same for a live session and for what is stored of it. */
export function etagOf({ version, size }: Pick<FileInfo, 'version' | 'size'>): string {
  const digest = createHash('sha256')
    .update(`${version}:${String(size)}`)
    .digest('hex');
  return `"${digest.slice(0, 32)}"`;
}
