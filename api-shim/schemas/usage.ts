import { z } from 'zod';
import { timestamp } from './fields.ts';

const bytes = z.int().min(0);

export const usageResponse = z
  .object({
    session_id: z.string(),
    measured_at: timestamp,
    cpu: z.object({
      used_seconds: z
        .number()
        .min(0)
        .meta({ description: 'Of all its processes since its container began.' }),
      limit_cores: z.number().nullable(),
    }),
    memory: z.object({
      used_bytes: bytes.meta({ description: 'Without file cache that is given up at once.' }),
      limit_bytes: bytes.nullable(),
    }),
    disk: z.object({
      used_bytes: bytes.meta({ description: 'Of /workspace; counted every few seconds at most.' }),
      limit_bytes: bytes.nullable(),
      entries: z.int().min(0),
      complete: z
        .boolean()
        .meta({ description: 'False where there are more entries than are counted.' }),
    }),
    processes: z.int().min(0),
  })
  .meta({
    id: 'SessionUsage',
    description: 'As the sandbox itself says, so only as true as the code in it wants it to be.',
    examples: [
      {
        session_id: 'sess_20261124_fcd4af56',
        measured_at: '2026-11-24T07:02:21.301Z',
        cpu: { used_seconds: 1.52, limit_cores: 1 },
        memory: { used_bytes: 33554432, limit_bytes: 536870912 },
        disk: { used_bytes: 4096, limit_bytes: 1073741824, entries: 1, complete: true },
        processes: 4,
      },
    ],
  });
export type UsageResponse = z.output<typeof usageResponse>;
