import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Where a local run keeps its things; one folder per installation, readable by its owner alone. */
export interface Installation {
  readonly folder: string;
  readonly database: string;
  readonly kubeconfig: string;
  readonly signingKey: string;
  readonly log: string;
  /** Written once the control plane serves; holds its process id and addresses. */
  readonly running: string;
  /** The bundled executor of the process runner. */
  readonly executor: string;
  readonly workspaces: string;
  /** The packages of the sandboxes of the process runner. */
  readonly dependencies: string;
  /** What was fetched from package indexes. */
  readonly packageCache: string;
  /** The installer of Python packages, for the process runner. */
  readonly uv: string;
  /** The object store where no S3 server is named. */
  readonly objects: string;
  /** Tells this installation's containers from another's on the same Docker engine. */
  readonly id: string;
  /** Of the MariaDB that this installation starts for itself. */
  readonly databasePassword: string;
  /** What kubectl and the operator show to the local API server. */
  readonly kubeToken: string;
}

/** Opens the installation in `folder`, making what is missing. */
export function openInstallation(folder: string): Installation {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const at = (name: string): string => path.join(folder, name);
  return {
    folder,
    database: at('state.db'),
    kubeconfig: at('kubeconfig'),
    signingKey: at('executor-signing-key.pem'),
    log: at('control-plane.log'),
    running: at('running.json'),
    executor: at('executor'),
    workspaces: at('workspaces'),
    dependencies: at('dependencies'),
    packageCache: at('package-cache'),
    uv: at('uv'),
    objects: at('objects'),
    id: keptSecret(at('installation-id'), 4),
    databasePassword: keptSecret(at('database-password'), 24),
    kubeToken: keptSecret(at('kube-token'), 24),
  };
}

/** A random value that stays the same for the life of the folder. */
function keptSecret(file: string, bytes: number): string {
  if (!existsSync(file)) {
    writeFileSync(file, randomBytes(bytes).toString('hex'), { mode: 0o600, flag: 'wx' });
  }
  return readFileSync(file, 'utf8').trim();
}
