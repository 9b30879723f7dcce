import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { DependenciesState, InstallRequest } from './contract.ts';

/** Where an installation takes place. */
export interface InstallPlace {
  /** Becomes the set of packages. */
  readonly folder: string;
  /** For caches and builds; goes when it is done. */
  readonly scratch: string;
  /** Of the index, without a path. */
  readonly indexUrl: string;
}

interface Installer {
  /** Of the index, what it is served from. */
  readonly prefix: string;
  command(request: InstallRequest, place: InstallPlace): readonly string[];
  installed(folder: string): Promise<DependenciesState['installed']>;
  /** What makes the packages be found by programs that a run starts. */
  environment(folder: string): {
    readonly variable: string;
    readonly path: string;
    readonly bin: string;
  };
}

const MAX_INSTALLED = 500;
const MAX_LOCKFILE_BYTES = 8_388_608;

const uv: Installer = {
  prefix: '',
  command: ({ requirements }, { folder, scratch, indexUrl }) => [
    ...['uv', 'pip', 'install', '--no-config', '--no-progress', '--color', 'never'],
    ...['--no-python-downloads', '--python', 'python3', '--target', folder],
    ...['--cache-dir', join(scratch, 'cache'), '--index-url', `${indexUrl}/simple/`],
    '--',
    ...requirements,
  ],
  installed: async (folder) => {
    const names = await readdir(folder);
    return names.sort().flatMap((name) => {
      const [, distribution, version] = /^(.+)-([^-]+)\.dist-info$/.exec(name) ?? [];
      if (distribution === undefined || version === undefined) return [];
      return [{ name: distribution.replaceAll('_', '-'), version }];
    });
  },
  environment: (folder) => ({ variable: 'PYTHONPATH', path: folder, bin: join(folder, 'bin') }),
};

const npm: Installer = {
  // Above its own path npm would look for tarballs in vain: it keeps of their addresses all but the host.
  prefix: '/npm',
  command: ({ requirements }, { folder, scratch, indexUrl }) => [
    ...['npm', 'install', '--prefix', folder, '--registry', `${indexUrl}/`],
    ...['--replace-registry-host', 'always', '--cache', join(scratch, 'cache')],
    // Without scripts no code of a package runs before a run asks for it, and none fails for want of a network.
    ...[
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      '--loglevel',
      'error',
    ],
    '--',
    ...requirements,
  ],
  installed: async (folder) => {
    const packages = await lockedPackages(join(folder, 'node_modules', '.package-lock.json'));
    return Object.entries(packages).flatMap(([path, { version }]) => {
      const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
      return name === undefined || version === undefined ? [] : [{ name, version }];
    });
  },
  environment: (folder) => {
    const modules = join(folder, 'node_modules');
    return { variable: 'NODE_PATH', path: modules, bin: join(modules, '.bin') };
  },
};

export const INSTALLERS: Readonly<Record<InstallRequest['installer'], Installer>> = { uv, npm };

/** The packages of a set, as far as they can be named: the folder is open to user code, which may have made anything of it. */
export async function installedIn(
  installer: InstallRequest['installer'],
  folder: string,
): Promise<DependenciesState['installed']> {
  const found = await INSTALLERS[installer].installed(folder).catch(() => []);
  const isNameable = (text: string): boolean => text.length <= 256;
  return found
    .filter(({ name, version }) => isNameable(name) && isNameable(version))
    .slice(0, MAX_INSTALLED);
}

const lockfile = z.object({
  packages: z.record(z.string(), z.object({ version: z.string().optional() })),
});

async function lockedPackages(file: string): Promise<z.infer<typeof lockfile>['packages']> {
  const { size } = await stat(file);
  if (size > MAX_LOCKFILE_BYTES) return {};
  return lockfile.parse(JSON.parse(await readFile(file, 'utf8'))).packages;
}

/** A line of shell that becomes the installer; each argument is one word, whatever it holds. */
export function shellLine([program = '', ...args]: readonly string[]): string {
  const words = args.map((arg) => `'${arg.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  return `command -v ${program} >/dev/null || exit 127\nexec ${program} ${words}\n`;
}

/** A line of shell that puts all of a set into the folder of another, as links to the same files: installers replace files and never write into them. */
export function linked(base: string | undefined, folder: string): string {
  if (base === undefined) return '';
  return `cp -al '${base}/.' '${folder}/' || { rm -rf '${folder}' && mkdir '${folder}'; }\n`;
}
