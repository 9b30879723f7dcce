import { Counter, type Registry } from 'prom-client';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import type { PackageIndexConfig } from './config.ts';
import { PackageGateway, type PackageIndexes } from './gateway.ts';
import { PackageCache } from './package-cache.ts';
import { Upstream } from './upstream.ts';

/** The indexes that sandboxes are lent, with a cache in `folder`. */
export async function createPackageIndexes(
  { policy, cacheBytes }: PackageIndexConfig,
  folder: string,
  deps: { readonly clock: Clock; readonly logger: Logger; readonly registry: Registry },
): Promise<{ readonly indexes: PackageIndexes; close(): Promise<void> }> {
  const lookups = new Counter({
    name: 'sandbox_package_cache_lookups_total',
    help: 'Files of packages that installers asked for, by whether the cache had them.',
    labelNames: ['result'],
    registers: [deps.registry],
  });
  const cache = new PackageCache(folder, cacheBytes, (isHit) => {
    lookups.inc({ result: isHit ? 'hit' : 'miss' });
  });
  await cache.open();
  const upstream = new Upstream(policy);
  const indexes = new PackageGateway({ ...deps, policy, upstream, cache });
  return { indexes, close: () => upstream.close() };
}
