import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { SANDBOXES, type Sandbox } from '../crds/sandbox.ts';
import type { KubeClient } from '../kube/client.ts';
import { NotFoundError } from '../kube/errors.ts';
import { createHttpClient } from '../kube/http-client.ts';
import { loadKubeConfig } from '../kube/kube-config.ts';
import { createLogger } from '../kube/logging.ts';
import { refOf } from '../kube/objects.ts';

/**
 * Ends every sandbox of a namespace and waits until all are gone. The chart runs it before it takes the operator away: without an operator nobody
 * would remove the sandboxes' finalizers, and their namespace could not be deleted.
 */
async function main(): Promise<void> {
  const { SANDBOX_NAMESPACE: namespace } = environment.parse(process.env);
  const logger = createLogger({ level: 'info', fields: { component: 'drain' } });
  const client = createHttpClient(loadKubeConfig());
  for (let left = await deleteAll(client, namespace); left > 0;) {
    logger.info('waiting for sandboxes to end', { left });
    await pause(POLL_MS);
    left = await deleteAll(client, namespace);
  }
  await client.close();
}

const environment = z.object({ SANDBOX_NAMESPACE: z.string().min(1).max(63) });
const POLL_MS = 500;

/** How many there were, those included that were on their way out already. */
async function deleteAll(client: KubeClient, namespace: string): Promise<number> {
  const items = await sandboxesIn(client, namespace);
  for (const sandbox of items) {
    if (sandbox.metadata.deletionTimestamp !== undefined) continue;
    try {
      await client.delete(SANDBOXES, refOf(sandbox), { uid: sandbox.metadata.uid });
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }
  return items.length;
}

/** None, where the kind itself is gone: somebody has deleted the CRDs, and all sandboxes with them. */
async function sandboxesIn(client: KubeClient, namespace: string): Promise<readonly Sandbox[]> {
  try {
    return (await client.list(SANDBOXES, { namespace })).items;
  } catch (error) {
    if (error instanceof NotFoundError) return [];
    throw error;
  }
}

await main();
