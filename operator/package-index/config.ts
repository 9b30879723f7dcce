import { z } from 'zod';
import { DEFAULT_INDEX_POLICY, type IndexPolicy } from './allowed.ts';

const hosts = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((host) => host.trim().toLowerCase())
      .filter((host) => host !== ''),
  );

const environment = z.object({
  SANDBOX_PYTHON_INDEX_URL: z
    .url({ protocol: /^https?$/ })
    .default(DEFAULT_INDEX_POLICY.pythonIndexUrl),
  SANDBOX_NPM_REGISTRY_URL: z
    .url({ protocol: /^https?$/ })
    .default(DEFAULT_INDEX_POLICY.npmRegistryUrl),
  SANDBOX_PACKAGE_HOSTS: hosts,
  SANDBOX_OTHER_PACKAGE_INDEXES: z
    .enum(['public', 'trusted', 'none'])
    .default(DEFAULT_INDEX_POLICY.otherIndexes),
  SANDBOX_PACKAGE_CACHE: z.string().min(1).optional(),
  SANDBOX_PACKAGE_CACHE_MB: z.coerce.number().int().min(1).default(4_096),
});

export interface PackageIndexConfig {
  readonly policy: IndexPolicy;
  /** Folder of the cache; absent: the caller's choice. */
  readonly cacheFolder: string | undefined;
  readonly cacheBytes: number;
}

/** Where packages come from, out of the environment. Throws a ZodError that names the variable at fault. */
export function packageIndexConfig(
  env: Readonly<Record<string, string | undefined>>,
): PackageIndexConfig {
  const given = environment.parse(env);
  return {
    policy: {
      pythonIndexUrl: given.SANDBOX_PYTHON_INDEX_URL,
      npmRegistryUrl: given.SANDBOX_NPM_REGISTRY_URL,
      trustedHosts: given.SANDBOX_PACKAGE_HOSTS,
      otherIndexes: given.SANDBOX_OTHER_PACKAGE_INDEXES,
    },
    cacheFolder: given.SANDBOX_PACKAGE_CACHE,
    cacheBytes: given.SANDBOX_PACKAGE_CACHE_MB * 2 ** 20,
  };
}
