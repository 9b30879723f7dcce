import { bubblewrap, unshare } from './isolator.ts';
import type { SandboxPlan } from './sandbox-plan.ts';

const plan: SandboxPlan = {
  mountPoint: '/state/root',
  hostname: 'box',
  mounts: [
    { kind: 'ro', from: '/usr', to: '/usr' },
    { kind: 'symlink', from: 'usr/bin', to: '/bin' },
    { kind: 'tmpfs', bytes: 1024, to: '/tmp' },
    { kind: 'rw', from: '/state/work', to: '/workspace' },
    { kind: 'ro', from: '/state/node', to: '/opt/node/bin/node' },
  ],
  command: ['node', 'executor.mjs'],
};

test('bubblewrap gets every namespace, no capability, and dies with its parent', () => {
  const command = bubblewrap('').command(plan);
  expect(command).toEqual(
    expect.arrayContaining([
      '--die-with-parent',
      '--as-pid-1',
      '--unshare-user',
      '--unshare-pid',
      '--unshare-net',
      '--unshare-ipc',
      '--unshare-uts',
    ]),
  );
  expect(command.join(' ')).toContain('--cap-drop ALL');
  expect(command.slice(-3)).toEqual(['--', 'node', 'executor.mjs']);
});

test('bubblewrap forbids further user namespaces where its version can', () => {
  expect(bubblewrap('').command(plan)).not.toContain('--disable-userns');
  expect(bubblewrap('  --disable-userns  Disable').command(plan)).toContain('--disable-userns');
});

test('bubblewrap makes the folders of mounts open to the sandbox’s user, then mounts, then closes the root', () => {
  const command = bubblewrap('').command(plan).join(' ');
  expect(command).toContain(
    '--perms 0755 --dir /opt --perms 0755 --dir /opt/node --perms 0755 --dir /opt/node/bin --ro-bind /usr /usr',
  );
  expect(command).toContain('--perms 1777 --size 1024 --tmpfs /tmp --bind /state/work /workspace');
  expect(command).toContain('--remount-ro / --chdir /workspace');
});

test('for root, unshare ends as uid 1000 for real, and dies with its parent all the same', () => {
  const command = unshare(true, '/script').command(plan).join(' ');
  expect(command).toMatch(/^setpriv --pdeathsig KILL -- unshare --mount/);
  expect(command).not.toContain('--user');
  expect(command).toContain(
    '/bin/sh /script /state/root box ro /usr /usr symlink usr/bin /bin tmpfs 1024 /tmp rw /state/work /workspace',
  );
  expect(command).toMatch(
    /-- setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs -- setpriv --pdeathsig KILL -- node executor.mjs$/,
  );
});

test('for others, unshare mounts as a mapped root and ends as a mapped user without capabilities', () => {
  const command = unshare(false, '/script').command(plan).join(' ');
  expect(command).toContain('unshare --user --map-root-user --mount');
  expect(command).toMatch(
    /-- unshare --user --map-user 1000 --map-group 1000 --keep-caps setpriv .*--bounding-set=-all --no-new-privs/,
  );
});
