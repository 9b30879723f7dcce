import { z } from 'zod';
import { timestamp } from './fields.ts';

export const ARTIFACT_TYPES = ['artifact', 'log', 'output'] as const;
export type ArtifactType = (typeof ARTIFACT_TYPES)[number];

/** A file that a run changed. */
export const artifact = z.object({
  path: z
    .string()
    .meta({ description: 'Of the file in the session.', example: 'output/result.txt' }),
  size: z.int().min(0),
  mime_type: z.string().meta({ description: 'By the extension.', example: 'text/plain' }),
  type: z.enum(ARTIFACT_TYPES),
  created_at: timestamp,
  checksum: z.string().optional().meta({ description: 'SHA-256, in hexadecimal.' }),
});
export type Artifact = z.output<typeof artifact>;
