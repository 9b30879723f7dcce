import { StoreError } from '../objects/errors.ts';
import { checkKey } from '../objects/keys.ts';

/** The UID of a Sandbox: one of the same name that comes later never sees these files. */
const ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

/** What the keys of a session's files begin with; nothing but its files does. */
export function filesPrefix(id: string): string {
  return `sessions/${checkId(id)}/`;
}

export function fileKey(id: string, path: string): string {
  return checkKey(filesPrefix(id) + path);
}

/** Beside the files, so that no path of a user can be its key. */
export function manifestKey(id: string): string {
  return `manifests/${checkId(id)}.json`;
}

function checkId(id: string): string {
  if (!ID.test(id)) throw new StoreError('BadKey', 'that is no id of a session');
  return id;
}
