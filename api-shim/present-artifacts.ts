import { extname } from 'node:path';
import { lookup } from 'mime-types';
import type { ExecutionArtifact, ExecutionStatus } from '../crds/execution.ts';
import type { Artifact, ArtifactType } from './schemas/artifact.ts';

const UNKNOWN_TYPE = 'application/octet-stream';

/** Execution status -> REST artifacts: what a run changed, each to be had under the same path of its session's files. */
export function presentArtifacts(status: ExecutionStatus = {}): Artifact[] {
  const { artifacts = [], finishedAt = '' } = status;
  return artifacts.map((artifact) => presentArtifact(artifact, finishedAt));
}

function presentArtifact({ path, size, sha256 }: ExecutionArtifact, created_at: string): Artifact {
  return {
    path,
    size,
    mime_type: mimeTypeOf(path),
    type: typeOf(path),
    created_at,
    ...(sha256 === undefined ? {} : { checksum: sha256 }),
  };
}

/** By the name alone: what is in a file is its user's word, and no reader of ours takes it for more. */
export function mimeTypeOf(path: string): string {
  const known = lookup(extname(path));
  return known === false ? UNKNOWN_TYPE : known;
}

function typeOf(path: string): ArtifactType {
  const folded = path.toLowerCase();
  if (folded.startsWith('output/')) return 'output';
  return folded.startsWith('logs/') || folded.endsWith('.log') ? 'log' : 'artifact';
}
