import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import type { ContainerLimits } from './container-limits.ts';
import { DEPENDENCIES_MOUNT } from './container-spec.ts';
import { SOCKET_MOUNT } from './executor-sockets.ts';

/** One thing in the file system of a sandbox. Whatever no mount names is not there. */
export type Mount =
  | { readonly kind: 'ro' | 'rw'; readonly from: string; readonly to: string }
  | { readonly kind: 'symlink'; readonly from: string; readonly to: string }
  | { readonly kind: 'tmpfs'; readonly bytes: number; readonly to: string };

/** What runs in the namespaces, as PID 1, and what it finds there. */
export interface SandboxPlan {
  /** An empty folder of the host, for the new root to be built upon. */
  readonly mountPoint: string;
  readonly hostname: string;
  readonly mounts: readonly Mount[];
  readonly command: readonly string[];
}

/** Host folders and files that a sandbox is made from. */
export interface SandboxSources {
  /** The Node.js binary. */
  readonly node: string;
  /** Folder with executor.mjs. */
  readonly executor: string;
  /** Folder with the sandbox's own passwd, group and hosts. */
  readonly etc: string;
  readonly workspace: string;
  /** For installed packages; absent: there is no place for them. */
  readonly dependencies?: string;
  /** The installer of Python packages; absent: the host's own, if there is one below /usr. */
  readonly uv?: string | undefined;
  readonly socketFolder: string;
  /** Host folder and its place in the sandbox: the accounts of its cgroup. */
  readonly cgroupMounts: readonly { readonly from: string; readonly to: string }[];
}

const NODE = '/opt/node/bin/node';
const UV = '/opt/uv/uv';
/** Of everything in the sandbox; user code finds its own in the executor's choice. */
export const SANDBOX_PATH = `${path.dirname(NODE)}:${path.dirname(UV)}:/usr/local/bin:/usr/bin:/bin`;
export const EXECUTOR_COMMAND = [NODE, '--disable-sigusr1', '/opt/executor/executor.mjs'];

const SHARED_MEMORY_BYTES = 64 * 2 ** 20;

/** What Python, Node.js and a shell need of a host's /etc, and nothing that is this machine's own. */
const ETC = [
  'alternatives',
  'ca-certificates.conf',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'nsswitch.conf',
  'os-release',
  'pki/tls/certs',
  'protocols',
  'services',
  'ssl/certs',
  'ssl/openssl.cnf',
];
const OWN_ETC = ['passwd', 'group', 'hosts'];
/** Links into /usr on most systems, folders of their own on others. */
const SYSTEM_FOLDERS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** The file system of a sandbox: the host's programs read-only, its own workspace and /tmp, and nothing else of this machine. */
export function sandboxMounts(sources: SandboxSources, limits: ContainerLimits): readonly Mount[] {
  return [
    { kind: 'ro', from: '/usr', to: '/usr' },
    ...SYSTEM_FOLDERS.flatMap(systemFolder),
    ...ETC.map((name) => `/etc/${name}`)
      .filter((file) => existsSync(file))
      .map((file) => readOnly(file, file)),
    ...OWN_ETC.map((name) => readOnly(path.join(sources.etc, name), `/etc/${name}`)),
    readOnly(sources.node, NODE),
    readOnly(sources.executor, '/opt/executor'),
    ...sources.cgroupMounts.map(({ from, to }) => readOnly(from, to)),
    { kind: 'tmpfs', bytes: limits.tmpBytes, to: '/tmp' },
    { kind: 'tmpfs', bytes: SHARED_MEMORY_BYTES, to: '/dev/shm' },
    { kind: 'rw', from: sources.workspace, to: '/workspace' },
    ...(sources.dependencies === undefined
      ? []
      : [{ kind: 'rw', from: sources.dependencies, to: DEPENDENCIES_MOUNT } as const]),
    ...(sources.uv === undefined ? [] : [readOnly(sources.uv, UV)]),
    { kind: 'rw', from: sources.socketFolder, to: SOCKET_MOUNT },
  ];
}

function readOnly(from: string, to: string): Mount {
  return { kind: 'ro', from, to };
}

function systemFolder(folder: string): readonly Mount[] {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return [];
  return found.isSymbolicLink()
    ? [{ kind: 'symlink', from: readlinkSync(folder), to: folder }]
    : [readOnly(folder, folder)];
}
