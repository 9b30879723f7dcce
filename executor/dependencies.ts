import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../kube/clock.ts';
import type { Logger } from '../kube/logger.ts';
import type { DependenciesState, FinalState, InstallRequest, StartRequest } from './contract.ts';
import type { Surroundings } from './execution.ts';
import { INSTALLERS, type InstallPlace, installedIn, linked, shellLine } from './installers.ts';
import type { LentIndex } from './package-index.ts';

/** A program that the launcher runs, with the limits and the end of any run. */
export interface InstallerRun {
  readonly over: Promise<FinalState>;
  cancel(): void;
}

export interface DependenciesOptions {
  /** A folder of its own, on a disk. */
  readonly root: string;
  readonly index: Pick<LentIndex, 'serve'>;
  readonly run: (
    id: string,
    request: StartRequest,
    env: Readonly<Record<string, string>>,
  ) => InstallerRun;
  /** Where installers are looked for. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One set of packages on the disk. */
interface PackageSet {
  readonly id: string;
  readonly installer: InstallRequest['installer'];
  readonly folder: string;
  readonly installed: DependenciesState['installed'];
}

class Install {
  readonly id: string;
  readonly over: Promise<void>;
  state: DependenciesState;
  run: InstallerRun | undefined;
  isSuperseded: boolean;

  constructor(state: DependenciesState, work: (install: Install) => Promise<void>) {
    this.id = state.id;
    this.state = state;
    this.isSuperseded = false;
    this.over = work(this);
  }
}

const MESSAGE_CHARACTERS = 3_500;
const NOT_FOUND = 127;

/**
 * The packages beside the interpreters' own. Each set is installed into a new folder and takes the place of the one before only when it is whole: runs that
 * go on keep what they have, and a failure changes nothing. The folder belongs to user code like the workspace: what it breaks there, it breaks for itself.
 */
export class Dependencies {
  readonly #options: DependenciesOptions;
  #latest: Install | undefined;
  #current: PackageSet | undefined;
  #previous: PackageSet | undefined;
  /** What others are built upon stays. */
  #base: PackageSet | undefined;
  #sets = 0;

  constructor(options: DependenciesOptions) {
    this.#options = options;
  }

  get isInstalling(): boolean {
    return this.#latest?.state.phase === 'Installing';
  }

  /** Installs the set `id`, or finds it if that is what was asked for last. A set that is still being installed makes way. */
  install(id: string, request: InstallRequest): Pick<Install, 'over' | 'state'> {
    const before = this.#latest;
    if (before?.id === id) return before;
    const install = new Install(this.#begun(id), async (self) => {
      if (before !== undefined) await supersede(before);
      await this.#carryOut(self, request);
    });
    this.#latest = install;
    return install;
  }

  /** What a run finds around it, beside what it would find without packages. */
  surround(env: Readonly<Record<string, string>>): Surroundings {
    if (this.#current === undefined) return { env };
    const { installer, folder } = this.#current;
    const { variable, path, bin } = INSTALLERS[installer].environment(folder);
    const paths = { PATH: after(env['PATH'], bin), [variable]: after(env[variable], path) };
    return { env: { ...env, ...paths }, packages: folder };
  }

  #begun(id: string): DependenciesState {
    const startedAt = new Date(this.#options.clock.now()).toISOString();
    return { id, phase: 'Installing', startedAt, ...this.#inEffect() };
  }

  #inEffect(): Pick<DependenciesState, 'installed' | 'location'> {
    const { root } = this.#options;
    return { installed: this.#current?.installed ?? [], location: this.#current?.folder ?? root };
  }

  async #carryOut(install: Install, request: InstallRequest): Promise<void> {
    let end: Pick<DependenciesState, 'phase' | 'reason' | 'message'>;
    try {
      end = await this.#attempt(install, request);
    } catch (error) {
      this.#options.log.error('installation', { error: String(error) });
      end = failed('InstallerFailed', 'the folder for packages cannot be written');
    }
    const finishedAt = new Date(this.#options.clock.now()).toISOString();
    install.state = { ...install.state, ...end, ...this.#inEffect(), finishedAt };
  }

  async #attempt(
    install: Install,
    request: InstallRequest,
  ): Promise<Pick<DependenciesState, 'phase' | 'reason' | 'message'>> {
    if (isSuperseded(install)) return SUPERSEDED;
    if (request.requirements.length === 0) {
      await this.#replace(undefined);
      return { phase: 'Installed' };
    }
    const base = this.#baseOf(request);
    const place = { ...(await this.#newPlace()), base: base?.folder };
    const outcome = await this.#runInstaller(install, request, place).finally(() => {
      // Thousands of files, which nobody has to wait for.
      void this.#remove(place.scratch);
    });
    if (outcome.phase !== 'Completed') {
      await this.#remove(place.folder);
      return isSuperseded(install) ? SUPERSEDED : failureOf(outcome, request);
    }
    const { installer } = request;
    const { folder } = place;
    const installed = await installedIn(installer, folder);
    this.#base = base ?? this.#base;
    await this.#replace({ id: install.id, installer, folder, installed });
    return { phase: 'Installed' };
  }

  /** Undefined: it is not here, or was for another installer. */
  #baseOf({ base, installer }: InstallRequest): PackageSet | undefined {
    const sets = [this.#current, this.#previous, this.#base];
    return sets.find((set) => set?.id === base && set?.installer === installer);
  }

  async #newPlace(): Promise<{ readonly folder: string; readonly scratch: string }> {
    const number = String(++this.#sets);
    const place = {
      folder: join(this.#options.root, `set-${number}`),
      scratch: join(this.#options.root, `scratch-${number}`),
    };
    for (const path of Object.values(place)) {
      await rm(path, { recursive: true, force: true });
      await mkdir(path);
    }
    return place;
  }

  async #runInstaller(
    install: Install,
    request: InstallRequest,
    place: Omit<InstallPlace, 'indexUrl'> & { readonly base: string | undefined },
  ): Promise<FinalState> {
    const installer = INSTALLERS[request.installer];
    const address = await this.#options.index.serve(installer.prefix);
    try {
      const command = shellLine(installer.command(request, { ...place, indexUrl: address.url }));
      const code = `${linked(place.base, place.folder)}${command}`;
      const start = {
        language: 'shell',
        code,
        event: {},
        timeoutMs: request.timeoutMs,
        env: {},
      } as const;
      install.run = this.#options.run(
        `install-${install.id}`,
        start,
        this.#environment(request, place.scratch),
      );
      if (isSuperseded(install)) install.run.cancel();
      return await install.run.over;
    } finally {
      address.close();
    }
  }

  /** Nothing of the user's: a variable must not configure the installer. */
  #environment({ timeoutMs }: InstallRequest, scratch: string): Readonly<Record<string, string>> {
    const seconds = String(Math.ceil(timeoutMs / 1_000));
    return {
      PATH: this.#options.path,
      LANG: 'C.UTF-8',
      HOME: scratch,
      TMPDIR: scratch,
      // A large file is served once the control plane has all of it.
      UV_HTTP_TIMEOUT: seconds,
      UV_CONCURRENT_DOWNLOADS: '8',
      UV_CONCURRENT_BUILDS: '1',
    };
  }

  /** Runs in flight may still read the set that was just replaced; the one before that goes. */
  async #replace(next: PackageSet | undefined): Promise<void> {
    const gone = this.#previous;
    this.#previous = this.#current;
    this.#current = next;
    if (gone !== undefined && gone !== this.#base) await this.#remove(gone.folder);
  }

  async #remove(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true }).catch((error: unknown) => {
      this.#options.log.warn('packages that are not needed any more stay', {
        error: String(error),
      });
    });
  }
}

/** It may become so at any moment: what was known of it before an await is not known after it. */
function isSuperseded(install: Install): boolean {
  return install.isSuperseded;
}

async function supersede(install: Install): Promise<void> {
  install.isSuperseded = true;
  install.run?.cancel();
  await install.over;
}

const SUPERSEDED = failed('Superseded', 'another set of packages was asked for');

function failed(
  reason: NonNullable<DependenciesState['reason']>,
  message: string,
): Pick<DependenciesState, 'phase' | 'reason' | 'message'> {
  return { phase: 'Failed', reason, message };
}

function failureOf(
  outcome: FinalState,
  { installer, requirements, timeoutMs }: InstallRequest,
): Pick<DependenciesState, 'phase' | 'reason' | 'message'> {
  if (outcome.phase === 'TimedOut') {
    return failed('TimedOut', `${installer} was not done within ${String(timeoutMs / 1_000)} s`);
  }
  if (outcome.exitCode === NOT_FOUND) {
    return failed('InstallerNotAvailable', `there is no ${installer} in this sandbox`);
  }
  const asked = requirements.join(' ').slice(0, 500);
  const said = `${outcome.stderr.text}\n${outcome.stdout.text}`.trim().slice(-MESSAGE_CHARACTERS);
  const words = said === '' ? (outcome.message ?? 'it gave no reason') : said;
  return failed(
    'InstallerFailed',
    `${installer} could not install ${asked}: ${words}`.slice(0, 4_096),
  );
}

function after(paths: string | undefined, path: string): string {
  return paths === undefined || paths === '' ? path : `${paths}:${path}`;
}
