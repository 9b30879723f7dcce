import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';

const STATE = process.env['SANDBOX_CLUSTER_STATE'] ?? path.join(os.tmpdir(), 'sandbox-cluster');
const AUDIT_LOG = path.join(STATE, 'log/audit.log');
const WRITES = new Set(['create', 'update', 'patch', 'delete']);

const line = z.object({
  verb: z.string(),
  userAgent: z.string().default(''),
  objectRef: z
    .object({
      resource: z.string(),
      subresource: z.string().optional(),
      namespace: z.string().optional(),
      name: z.string().optional(),
    })
    .optional(),
  responseStatus: z.object({ code: z.number() }).optional(),
  requestReceivedTimestamp: z.string(),
});
export type AuditedWrite = z.infer<typeof line>;

/** Every write that the API server let pass since a moment, leases left out: they are renewed whatever happens. */
export async function writesSince(moment: Date): Promise<readonly AuditedWrite[]> {
  const text = await readFile(AUDIT_LOG, 'utf8');
  const from = moment.toISOString();
  return text
    .split('\n')
    .filter((entry) => entry !== '')
    .map((entry) => line.parse(JSON.parse(entry)))
    .filter(
      ({ verb, objectRef, responseStatus, requestReceivedTimestamp }) =>
        requestReceivedTimestamp >= from &&
        WRITES.has(verb) &&
        objectRef?.resource !== 'leases' &&
        (responseStatus?.code ?? 500) < 300,
    );
}
