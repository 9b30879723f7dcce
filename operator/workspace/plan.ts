import type { WorkspaceFile, WorkspaceListing } from '../../executor/contract.ts';
import type { Manifest, ManifestFile } from '../../storage/workspaces/manifest.ts';

/** What has to be done so that the store holds what the workspace holds. */
export interface StorePlan {
  /** Changed since they were stored, or never stored. */
  readonly put: readonly WorkspaceFile[];
  /** Stored, and in the workspace no more. */
  readonly remove: readonly string[];
  /** Stored as they are. */
  readonly kept: readonly ManifestFile[];
  /** How many files are too much for this session; a listing that is cut leaves one out at least. */
  readonly left: number;
}

/** `limitBytes`: what a session may have stored, in sum; an honest one's disk holds no more. */
export function planStore(
  { files }: Manifest,
  listing: WorkspaceListing,
  limitBytes: number,
): StorePlan {
  const stored = new Map(files.map((file) => [file.path, file]));
  const listed = new Set(listing.files.map(({ path }) => path));
  // Of a listing that is cut, absence says nothing; what stays for that counts all the same.
  const unseen = listing.truncated ? files.filter(({ path }) => !listed.has(path)) : [];
  const fitting = within(limitBytes - bytesOf(unseen), listing.files);
  const staying = new Set([...fitting, ...unseen].map(({ path }) => path));
  const isStored = ({ path, version, executable }: WorkspaceFile): boolean => {
    const before = stored.get(path);
    return before?.version === version && before.executable === executable;
  };
  const gone = files.filter(({ path }) => !staying.has(path));
  return {
    put: fitting.filter((file) => !isStored(file)),
    remove: gone.map(({ path }) => path),
    kept: [...fitting.filter(isStored), ...unseen],
    left: listing.files.length - fitting.length + (listing.truncated ? 1 : 0),
  };
}

export function bytesOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

function within(limitBytes: number, files: readonly WorkspaceFile[]): readonly WorkspaceFile[] {
  let bytes = 0;
  return files.filter(({ size }) => {
    if (bytes + size > limitBytes) return false;
    bytes += size;
    return true;
  });
}
