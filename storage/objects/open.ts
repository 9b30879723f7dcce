import { DirectoryStore } from './directory-store.ts';
import type { ObjectStore } from './object-store.ts';
import { s3Config } from './config.ts';
import { openS3Store } from './open-s3.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The bucket that the environment names; else `folder`; undefined where there is neither. Throws a ZodError that names the setting at fault. */
export function openObjectStore(env: Env, folder?: string): ObjectStore | undefined {
  const s3 = s3Config(env);
  if (s3 !== undefined) return openS3Store(s3);
  return folder === undefined ? undefined : new DirectoryStore(folder);
}
