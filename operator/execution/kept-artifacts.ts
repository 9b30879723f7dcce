import type { ExecutionArtifact, ExecutionStatus } from '../../crds/execution.ts';
import type { FinalState } from '../../executor/contract.ts';

type Kept = Pick<ExecutionStatus, 'artifacts' | 'artifactsTruncated'>;

/** The changed files as they may be stored. The executor keeps to the limits too, but can't be trusted to. */
export function keptArtifacts(
  { artifacts = [], artifactsTruncated = false }: FinalState,
  limits: { readonly artifacts: number; readonly artifactsBytes: number },
): Kept {
  if (artifacts.length === 0) return artifactsTruncated ? { artifactsTruncated } : {};
  const kept: ExecutionArtifact[] = [];
  let bytes = 0;
  for (const artifact of artifacts.slice(0, limits.artifacts)) {
    bytes += Buffer.byteLength(JSON.stringify(artifact)) + 1;
    if (bytes > limits.artifactsBytes) break;
    kept.push(artifact);
  }
  const isCut = artifactsTruncated || kept.length < artifacts.length;
  return { artifacts: kept, ...(isCut ? { artifactsTruncated: true } : {}) };
}
