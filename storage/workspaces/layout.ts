import { StoreError } from '../objects/errors.ts';
import { checkKey } from '../objects/keys.ts';

/** The UID of a Sandbox: one of the same name that comes later never sees these files. */
const ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

/** What the keys of a session's files begin with; nothing but its files does. */
export function filesPrefix(id: string): string {
  return `${SESSIONS}${checkId(id)}/`;
}

/** What the keys of all files begin with. */
export const SESSIONS = 'sessions/';

/** Whose file or manifest has this key; undefined: it is none of ours. */
export function idOf(key: string): string | undefined {
  if (!key.startsWith(SESSIONS)) return idOfManifest(key);
  const [id = ''] = key.slice(SESSIONS.length).split('/', 1);
  return ID.test(id) ? id : undefined;
}

export function fileKey(id: string, path: string): string {
  return checkKey(filesPrefix(id) + path);
}

/** Beside the files, so that no path of a user can be its key. */
export function manifestKey(id: string): string {
  return `${MANIFESTS}${checkId(id)}${SUFFIX}`;
}

/** What the keys of all manifests begin with. */
export const MANIFESTS = 'manifests/';
const SUFFIX = '.json';

/** Whose manifest has this key; undefined: it is none of ours. */
export function idOfManifest(key: string): string | undefined {
  const id =
    key.startsWith(MANIFESTS) && key.endsWith(SUFFIX)
      ? key.slice(MANIFESTS.length, -SUFFIX.length)
      : '';
  return ID.test(id) ? id : undefined;
}

function checkId(id: string): string {
  if (!ID.test(id)) throw new StoreError('BadKey', 'that is no id of a session');
  return id;
}
