import { kubectl } from './cluster.ts';
import {
  createSandbox,
  inSandboxes,
  installReleaseWith,
  removeRelease,
  run,
  startSandbox,
  untilReady,
  untilStatus,
  withRest,
} from './release.ts';

/** A namespace that has room for one sandbox: what its quota says is kept, told and no end of anything. */

beforeAll(() => installReleaseWith(['sandboxes.quota.pods=1']), 180_000);
afterAll(removeRelease, 180_000);

test('a sandbox that a full quota keeps out waits, sessions behind it are refused, and it starts when room comes', async () => {
  await startSandbox('resident');
  await createSandbox('waiting');
  await untilStatus('waiting', { phase: 'Pending', reason: 'QuotaExceeded' });
  await withRest(async (rest) => {
    await expect(rest('POST', '/sessions', { template_id: 'small' })).rejects.toThrow(
      /: 429 .*another session of template small waits for room already/,
    );
  });
  await kubectl(inSandboxes('delete', 'sandbox', 'resident'));
  await untilReady('waiting');
  const code = 'def handler(event):\n    return 42';
  expect(await run('waiting', 'at-last', code)).toMatchObject({ returnValue: 42 });
});
