import {
  cluster,
  docker,
  go,
  kubectl,
  mariadb,
  mariadb11,
  namespaces,
  packageIndex,
  realApiServer,
  s3Server,
  sandboxImages,
  schemathesis,
  type Requirement,
} from './requirements.ts';

/** An npm script that passes or fails as a whole. */
export interface Check {
  readonly name: string;
  readonly script: string;
  readonly needs?: readonly Requirement[];
  readonly timeoutMs?: number;
}

/** Test cases that jest runs and counts. */
export interface Suite {
  readonly name: string;
  readonly project:
    | 'unit'
    | 'storage'
    | 'flow'
    | 'conformance'
    | 'contract'
    | 'executor'
    | 'fuzz'
    | 'history'
    | 'local'
    | 'e2e';
  /** Pattern: only files whose path matches. */
  readonly files?: string;
  readonly needs: readonly Requirement[];
  readonly timeoutMs?: number;
  /** A command that provides what the suite needs and runs the command after it. */
  readonly within?: readonly [string, ...string[]];
}

/** Needs nothing but the checkout; the slow ones first, because two run at a time. */
export const STATIC_CHECKS: readonly Check[] = [
  { name: 'lint', script: 'lint' },
  { name: 'types', script: 'types' },
  { name: 'format', script: 'format:check' },
  { name: 'layers', script: 'layers' },
  { name: 'dead code', script: 'dead-code' },
  { name: 'licences', script: 'licences' },
  { name: 'generated files', script: 'generate:check' },
  { name: 'scripts', script: 'scripts' },
];

/** Makes what suites need. The first time on a machine without a registry, whole base images are made from packages. */
export const PREPARATIONS: readonly Check[] = [
  { name: 'images', script: 'images', needs: [docker], timeoutMs: 900_000 },
  { name: 'S3 server for tests', script: 's3-server', needs: [go], timeoutMs: 900_000 },
];

export const FAST_SUITES: readonly Suite[] = [{ name: 'unit', project: 'unit', needs: [] }];

export const SLOW_SUITES: readonly Suite[] = [
  { name: 'storage, folder', project: 'storage', files: 'test/storage/directory', needs: [] },
  { name: 'storage, S3', project: 'storage', files: 'test/storage/s3', needs: [s3Server] },
  { name: 'flow', project: 'flow', needs: [] },
  {
    name: 'contract, local API server',
    project: 'contract',
    files: 'test/contract/(?!kubectl)',
    needs: [],
  },
  {
    name: 'contract, kubectl against the local API server',
    project: 'contract',
    files: 'test/contract/kubectl',
    needs: [kubectl],
  },
  {
    name: 'contract, real API server',
    project: 'contract',
    needs: [realApiServer],
    within: ['test/contract/real-api-server.sh'],
  },
  { name: 'fuzz', project: 'fuzz', needs: [schemathesis] },
  { name: 'executor', project: 'executor', needs: [namespaces] },
  { name: "history, Debian's MariaDB", project: 'history', needs: [mariadb] },
  {
    name: 'history, MariaDB 11',
    project: 'history',
    needs: [docker, mariadb, mariadb11],
    within: ['test/history/with-image'],
  },
  {
    name: 'local, MariaDB in a container',
    project: 'local',
    files: 'test/local/mariadb-container',
    needs: [docker, mariadb11],
  },
  {
    name: 'local, process runner',
    project: 'local',
    files: 'test/local/[^/]*process[^/]*$',
    needs: [namespaces],
  },
  {
    name: 'local, Docker runner',
    project: 'local',
    files: 'test/local/[^/]*docker[^/]*$',
    needs: [docker, sandboxImages],
  },
  {
    name: 'conformance, process runner',
    project: 'conformance',
    needs: [namespaces, packageIndex],
    within: [process.execPath, 'test/conformance/with-local.ts', 'process'],
  },
  {
    name: 'conformance, Docker runner',
    project: 'conformance',
    needs: [docker, sandboxImages, packageIndex],
    within: [process.execPath, 'test/conformance/with-local.ts', 'docker'],
  },
];

/** Of `make e2e`: images of the control plane too, and what a cluster is made of, ten minutes from nothing. */
export const CLUSTER_PREPARATIONS: readonly Check[] = [
  { name: 'all images', script: 'images:all', needs: [docker], timeoutMs: 900_000 },
  { name: 'programs of a cluster', script: 'cluster:prepare', timeoutMs: 2_400_000 },
];

export const CLUSTER_SUITES: readonly Suite[] = [
  {
    name: 'e2e',
    project: 'e2e',
    needs: [docker, cluster],
    within: ['test/e2e/with-cluster'],
    timeoutMs: 2_400_000,
  },
  {
    name: 'conformance, cluster',
    project: 'conformance',
    needs: [docker, cluster, packageIndex],
    within: ['test/conformance/with-cluster'],
  },
];
