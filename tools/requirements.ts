import { findKubectl } from './kubectl.ts';
import { runCommand } from './run-command.ts';

/** Something that a suite needs from the machine. `probe` says what is missing, or nothing if it is there. */
export interface Requirement {
  readonly name: string;
  probe(): Promise<string | undefined>;
}

export const docker: Requirement = {
  name: 'a Docker engine',
  async probe() {
    const { exitCode, output } = await runCommand(['docker', 'info'], { timeoutMs: 20_000 });
    return exitCode === 0 ? undefined : lastLine(output);
  },
};

export const namespaces: Requirement = {
  name: 'Linux namespaces',
  async probe() {
    const bubblewrap = await runCommand(['bwrap', '--unshare-all', '--ro-bind', '/', '/', 'true']);
    if (bubblewrap.exitCode === 0) return undefined;
    const unshare = await runCommand(['unshare', '-Urmpf', '--mount-proc', 'true']);
    return unshare.exitCode === 0 ? undefined : lastLine(unshare.output);
  },
};

/** What `images/build.sh` makes; whether it could is counted on its own. */
export const sandboxImages: Requirement = {
  name: 'the images of the sandboxes',
  async probe() {
    const image = 'sandbox-template-python-basic:latest';
    const { exitCode, output } = await runCommand(['docker', 'image', 'inspect', image]);
    return exitCode === 0 ? undefined : lastLine(output);
  },
};

/** Where packages come from: pip asks the index of this machine, mirror or not, for one that is small. */
export const packageIndex: Requirement = {
  name: 'a package index',
  async probe() {
    const ask = ['python3', '-m', 'pip', 'download', '--no-deps', '--quiet', '-d'] as const;
    const folder = '.cache/package-index-probe';
    const { exitCode, output } = await runCommand([...ask, folder, 'six==1.16.0'], {
      timeoutMs: 60_000,
    });
    return exitCode === 0 ? undefined : lastLine(output);
  },
};

/** The fuzzer, a Python program with packages of its own. */
export const schemathesis: Requirement = {
  name: 'schemathesis, which pip installs',
  async probe() {
    const install = ['test/fuzz/provide-schemathesis'] as const;
    const { exitCode, output } = await runCommand(install, { timeoutMs: 300_000 });
    return exitCode === 0 ? undefined : lastLine(output);
  },
};

/** What the fake is held to; building it takes ten minutes from nothing, so only `test/cluster/` does that. */
export const realApiServer: Requirement = {
  name: 'a real kube-apiserver',
  async probe() {
    const { exitCode, output } = await runCommand(['test/cluster/programs']);
    return exitCode === 0 ? undefined : lastLine(output);
  },
};

export const kubectl: Requirement = {
  name: 'kubectl',
  probe: async () =>
    (await findKubectl()) === undefined ? 'set KUBECTL to the path of one' : undefined,
};

export const go: Requirement = {
  name: 'Go',
  async probe() {
    const { exitCode, output } = await runCommand(['go', 'version']);
    return exitCode === 0 ? undefined : lastLine(output);
  },
};

/** What `test/s3/build` makes; whether it could is counted on its own. */
export const s3Server: Requirement = {
  name: 'a real S3 server',
  async probe() {
    const { exitCode, output } = await runCommand(['test/s3/build', '--look']);
    return exitCode === 0 ? undefined : lastLine(output);
  },
};

/** Whether one can be started here; `test/e2e/with-cluster` does. */
export const cluster: Requirement = {
  name: 'a Kubernetes cluster',
  async probe() {
    const { exitCode, output } = await runCommand(['test/cluster/prepare']);
    return exitCode === 0 ? undefined : lastLine(output);
  },
};

/** Debian's package puts the server where only root has its path. */
export const mariadb: Requirement = {
  name: 'a MariaDB server',
  async probe() {
    const { exitCode } = await runCommand(['sh', '-c', 'PATH=$PATH:/usr/sbin; mariadbd --version']);
    return exitCode === 0 ? undefined : 'install mariadb-server';
  },
};

/** The official image of MariaDB 11, or one with its contract that is made here. */
export const mariadb11: Requirement = {
  name: 'an image of MariaDB 11, the one that MARIADB_IMAGE names or mariadb:lts',
  async probe() {
    const provide = ['test/history/image/build'] as const;
    const { exitCode, output } = await runCommand(provide, { timeoutMs: 900_000 });
    return exitCode === 0 ? undefined : lastLine(output);
  },
};

/** The first need that this machine can't meet, in words; nothing if it meets all. */
export async function firstLacking(needs: readonly Requirement[]): Promise<string | undefined> {
  for (const need of needs) {
    const lacking = await need.probe();
    if (lacking !== undefined) return `it needs ${need.name} (${lacking})`;
  }
  return undefined;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
