import { z } from 'zod';
import { RUNTIMES } from '../../crds/sandbox-template.ts';

export const runtimeList = z
  .object({
    items: z.array(
      z.object({
        runtime_type: z.enum(RUNTIMES),
        status: z
          .enum(['available', 'unavailable'])
          .meta({ description: 'Available if at least one usable template has it.' }),
        templates: z.array(z.string()).meta({ description: 'Ids, by name.' }),
        sessions: z.object({
          creating: z.int().min(0),
          running: z.int().min(0),
        }),
      }),
    ),
  })
  .meta({
    id: 'Runtimes',
    examples: [
      {
        items: [
          {
            runtime_type: 'python3.11',
            status: 'available',
            templates: ['python-basic'],
            sessions: { creating: 0, running: 2 },
          },
        ],
      },
    ],
  });
export type RuntimeList = z.output<typeof runtimeList>;
