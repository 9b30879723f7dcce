import { z } from 'zod';
import { integer } from './fields.ts';

/** What a client that comes back has seen; anything else than what we sent counts as nothing. */
export const streamHeader = z.object({
  'last-event-id': z
    .string()
    .max(64)
    .transform((id) => (/^(\d{1,15}|end)$/.test(id) ? id : undefined))
    .optional()
    .catch(undefined)
    .meta({
      description:
        'The id of the last event that came. The stream goes on after it; after `end` there is nothing, which is 204.',
      override: { type: 'string' },
      example: '41',
    }),
});

export const streamQuery = z.object({
  from: integer(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ description: 'The number of the first event wanted; Last-Event-ID wins.' }),
});

const EXAMPLE = `retry: 1000

event: status
data: {"execution_id":"exec_20261124070221_fcd4af56","session_id":"sess_20261124_fcd4af56","status":"pending","created_at":"2026-11-24T07:02:21.301Z","started_at":null}

event: status
data: {"execution_id":"exec_20261124070221_fcd4af56","session_id":"sess_20261124_fcd4af56","status":"running","created_at":"2026-11-24T07:02:21.301Z","started_at":"2026-11-24T07:02:21.306Z"}

event: stdout
id: 0
data: {"text":"hello\\n"}

event: result
id: end
data: {"id":"exec_20261124070221_fcd4af56","status":"completed", ...}

`;

/** The answer of a stream, for readers of the document. */
export const eventStreamText = z.string().meta({
  id: 'ExecutionEvents',
  description: `Server-sent events; \`data\` is always one line of JSON.

| event | id | data |
| --- | --- | --- |
| \`status\` | | \`execution_id\`, \`session_id\`, \`status\`, \`created_at\`, \`started_at\`: at the beginning, and when a pending execution begins to run |
| \`stdout\`, \`stderr\` | number, from 0 | \`text\`: a piece of output |
| \`gap\` | number | \`bytes\`: at most so many bytes of output before this point are no longer held; null: it is not known how many, if any |
| \`result\` | \`end\` | the same as GET /api/v1/executions/{execution_id}/result; nothing follows |
| \`error\` | \`end\`, or none where it is worth coming back | the same as the body of an error answer: there will be no result on this stream |

A comment comes every 15 s when there is nothing else. Output that is told again after the sandbox is gone has no numbers.`,
  examples: [EXAMPLE],
});
