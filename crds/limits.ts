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
  executionTimeoutSeconds: { min: 1, max: 3_600, default: 30 },
  envVars: 64,
  envValueCharacters: 32_768,
} as const;
