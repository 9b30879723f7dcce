import type { Logger } from '../../kube/logger.ts';
import { StoreError } from '../../storage/objects/errors.ts';
import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';

/**
 * Removes all files of one session; false if the store refuses to give them up. Files under a legal hold, say, must not keep those of all
 * other sessions, so that is logged and no more. Throws every other StoreError.
 */
export async function gaveUp(
  stored: StoredWorkspaces,
  id: string,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<boolean> {
  try {
    await stored.removeAll(id, signal);
    return true;
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'Refused') throw error;
    logger.warn('files of a session could not be removed', { sandbox: id, error });
    return false;
  }
}
