/** Bounds that users meet. The sum of what one Execution can hold stays below etcd's 1.5 MiB per object. */
export const LIMITS = {
  /** Characters, as the REST reference counts them. */
  codeCharacters: 102_400,
  /** Bytes of JSON. */
  eventBytes: 262_144,
  /** Bytes of JSON. */
  returnValueBytes: 262_144,
  /** Bytes kept of stdout and of stderr, each, measured as a JSON string: half from the head, half from the tail. */
  outputBytes: 204_800,
  /** Files that a run changed and that its status names; bytes of JSON of all of them. */
  artifacts: 200,
  artifactsBytes: 65_536,
  executionTimeoutSeconds: { min: 1, max: 3_600, default: 30 },
  /** Executions of one sandbox that run at once; an executor takes no more than the largest. */
  concurrentExecutions: { min: 1, max: 64, default: 16 },
  /** Pods of a template on a node up to which the next one is wished there as well. */
  podsPerNode: { max: 1_000, default: 10 },
  warmPoolSize: 1_000,
  envVars: 64,
  envValueCharacters: 32_768,
  /** Packages that one sandbox, or one template, can ask for. */
  packages: 50,
  packageNameCharacters: 100,
  packageVersionCharacters: 100,
  /** Packages that a status names, with those that were needed by others. */
  installedPackages: 500,
  installTimeoutSeconds: { min: 30, max: 1_800, default: 300 },
} as const;
