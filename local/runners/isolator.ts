import type { Mount, SandboxPlan } from './sandbox-plan.ts';

/** Turns a plan into the command that carries it out on this machine. */
export interface Isolator {
  readonly name: 'bubblewrap' | 'unshare';
  command(plan: SandboxPlan): readonly string[];
}

/** The uid and gid of every sandbox, as in the images. */
const SANDBOX_ID = '1000';

/** With it the sandbox ends when its parent does. Changing user clears it (prctl(2)), so it comes after that, in a call of its own. */
const DIE_WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL', '--'];

/** Ends with no privilege left: root has to become another user for real, anyone else is a mapped user already. */
const DROP_ROOT = [
  'setpriv',
  ...['--reuid', SANDBOX_ID, '--regid', SANDBOX_ID, '--clear-groups'],
  ...['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--'],
  ...DIE_WITH_PARENT,
];

/**
 * https://github.com/containers/bubblewrap, for users other than root: its monitor gives up every capability, and so could not take
 * the sandbox of another uid with it when it dies. `help` is what the installed version's --help says.
 */
export function bubblewrap(help: string): Isolator {
  const noFurtherUsers = help.includes('--disable-userns') ? ['--disable-userns'] : [];
  return {
    name: 'bubblewrap',
    command: ({ hostname, mounts, command }) => [
      ...['bwrap', '--die-with-parent', '--new-session', '--as-pid-1', '--cap-drop', 'ALL'],
      ...['--unshare-user', '--uid', SANDBOX_ID, '--gid', SANDBOX_ID, ...noFurtherUsers],
      ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts'],
      ...['--unshare-cgroup-try', '--hostname', hostname],
      ...['--proc', '/proc', '--dev', '/dev'],
      ...parentFolders(mounts).flatMap((folder) => ['--perms', '0755', '--dir', folder]),
      ...mounts.flatMap(bubblewrapMount),
      ...['--remount-ro', '/', '--chdir', '/workspace', '--'],
      ...command,
    ],
  };
}

/** Named one by one, because bubblewrap makes those that are not for root alone. */
function parentFolders(mounts: readonly Mount[]): readonly string[] {
  const parents = mounts.flatMap(({ to }) => {
    const names = to.split('/').slice(1, -1);
    return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
  });
  return [...new Set(parents)].sort();
}

function bubblewrapMount(mount: Mount): readonly string[] {
  switch (mount.kind) {
    case 'ro':
      return ['--ro-bind', mount.from, mount.to];
    case 'rw':
      return ['--bind', mount.from, mount.to];
    case 'symlink':
      return ['--symlink', mount.from, mount.to];
    case 'tmpfs':
      return ['--perms', '1777', '--size', String(mount.bytes), '--tmpfs', mount.to];
  }
}

/** util-linux' unshare(1), which every Debian has; `script` builds the file system that bubblewrap would. */
export function unshare(root: boolean, script: string): Isolator {
  const namespaces = [
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--net',
    '--ipc',
    '--uts',
    '--cgroup',
  ];
  // A second user namespace: in the first one the user is root, who may mount.
  const becomeUser = [
    ...['unshare', '--user', '--map-user', SANDBOX_ID, '--map-group', SANDBOX_ID, '--keep-caps'],
    ...['setpriv', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'],
    ...['--no-new-privs', '--'],
    ...DIE_WITH_PARENT,
  ];
  return {
    name: 'unshare',
    command: ({ mountPoint, hostname, mounts, command }) => [
      ...DIE_WITH_PARENT,
      ...[
        'unshare',
        ...(root ? [] : ['--user', '--map-root-user']),
        ...namespaces,
        '--fork',
        '--kill-child',
      ],
      ...['--', '/bin/sh', script, mountPoint, hostname],
      ...mounts.flatMap(scriptMount),
      '--',
      ...(root ? DROP_ROOT : becomeUser),
      ...command,
    ],
  };
}

function scriptMount(mount: Mount): readonly string[] {
  return [mount.kind, mount.kind === 'tmpfs' ? String(mount.bytes) : mount.from, mount.to];
}
