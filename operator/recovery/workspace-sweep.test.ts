import { Readable } from 'node:stream';
import { StoreError } from '../../storage/objects/errors.ts';
import { FakeClock } from '../../test/fakes/clock.ts';
import { FakeLogger } from '../../test/fakes/logger.ts';
import { temporaryFiles } from '../../test/fakes/temporary-files.ts';
import { workspaceSweep } from './workspace-sweep.ts';

const HOUR_MS = 3_600_000;

test('files that a store will not give up do not keep those of all others that nobody has', async () => {
  const { store, stored, removeFiles } = temporaryFiles();
  const [clock, logger] = [new FakeClock(), new FakeLogger()];
  for (const id of ['held', 'other']) {
    await stored.putFile(id, { path: 'a', size: 1 }, { content: Readable.from(['x']) });
    await stored.register.addOrphan(id);
  }
  const deletePrefix = store.deletePrefix.bind(store);
  store.deletePrefix = (prefix, signal) =>
    prefix.includes('held')
      ? Promise.reject(new StoreError('Refused', 'the store refuses'))
      : deletePrefix(prefix, signal);
  const { promise: removed, resolve } = Promise.withResolvers<undefined>();
  const sweep = workspaceSweep({
    stored,
    caches: { sandboxes: { list: () => [] } as never },
    knownOf: () => Promise.resolve(new Set()),
    owner: () => 'here',
    orphanGraceMs: -Number.MAX_SAFE_INTEGER,
    clock,
    logger,
    removed: () => {
      resolve(undefined);
    },
  });
  sweep.start();
  await clock.run(HOUR_MS);
  await removed;
  await sweep.stop();
  const { objects } = await store.list('sessions/');
  expect(objects.map(({ key }) => key.split('/')[1])).toEqual(['held']);
  removeFiles();
});
