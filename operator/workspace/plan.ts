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
  const fitting = within(limitBytes, listing.files);
  const live = new Set(fitting.map(({ path }) => path));
  const isStored = ({ path, version, executable }: WorkspaceFile): boolean => {
    const before = stored.get(path);
    return before?.version === version && before.executable === executable;
  };
  const gone = files.filter(({ path }) => !live.has(path));
  const kept = fitting.filter(isStored);
  // Of a listing that is cut, absence says nothing.
  return {
    put: fitting.filter((file) => !isStored(file)),
    remove: listing.truncated ? [] : gone.map(({ path }) => path),
    kept: listing.truncated ? [...kept, ...gone] : kept,
    left: listing.files.length - fitting.length + (listing.truncated ? 1 : 0),
  };
}

function within(limitBytes: number, files: readonly WorkspaceFile[]): readonly WorkspaceFile[] {
  let bytes = 0;
  return files.filter(({ size }) => {
    if (bytes + size > limitBytes) return false;
    bytes += size;
    return true;
  });
}
