import { z } from 'zod';

/**
 * The executor's HTTP interface, version 1: what the control plane may say to the daemon inside a sandbox and what it may hear.
 * Everything heard is untrusted: `client.ts` limits its size and checks it against these schemas.
 *
 * | call                                | meaning                                                                       |
 * | ----------------------------------- | ----------------------------------------------------------------------------- |
 * | PUT /v1/executions/{id}?wait=ms     | starts `id` once, however often it is sent; answers like GET                  |
 * | GET /v1/executions/{id}?wait=ms     | `ExecutionState`; with `wait` not before it is final or the time is up        |
 * | GET /v1/executions/{id}/events?from=n&wait=ms | newline-delimited JSON of `OutputEvent`, from number n on, until the end; with `wait` an id that is not known yet may still come |
 * | DELETE /v1/executions/{id}          | cancels; answers with the state; final states stay as they are                |
 * | GET /v1/files?path=                 | entries of a folder of the workspace, as `FileList`                           |
 * | PUT /v1/dependencies/{id}?wait=ms   | installs the set of packages `id` in place of another, once however often it is sent; `DependenciesState` |
 * | GET /v1/dependencies/index          | an upgrade to `PACKAGE_INDEX_PROTOCOL`: lends the sandbox a package index, for as long as the connection lasts |
 * | GET, PUT, DELETE /v1/files/{path}   | one file's bytes; GET takes one range, PUT `?executable=true`                 |
 * | HEAD /v1/files/{path}               | its headers only: length, `ETag` (the version), `Last-Modified`               |
 * | GET /v1/workspace                   | every regular file, as `WorkspaceListing`                                     |
 * | GET /v1/activity                    | `Activity`                                                                    |
 * | GET /v1/usage                       | `Usage`; asking is no activity                                                |
 * | GET /v1/health                      | `Health`; the only call without a token                                       |
 *
 * A file call with `?quiet=true` is no use of the sandbox: the control plane stores and restores.
 * Every other call carries `Authorization: Bearer <JWT>`, EdDSA (Ed25519), audience = this pod's UID (RFC 8037, RFC 7519).
 * Errors are `ExecutorProblem` with a fitting status.
 */

export const EXECUTOR_PORT = 8080;
export const TOKEN_ISSUER = 'sandbox-control-plane';

/** What one outcome can hold. The control plane's `crds/limits.ts` has the same numbers; `test/executor/contract.test.ts` holds them together. */
export const EXECUTOR_LIMITS = {
  /** Bytes of stdout and of stderr, each, measured as a JSON string: half from the head, half from the tail. */
  outputBytes: 204_800,
  /** Bytes of JSON. */
  returnValueBytes: 262_144,
  /** Arrays and objects within each other in a return value: what every JSON reader on its way can take. */
  returnValueDepth: 256,
  /** Files that a run changed and that its final state names; all of them together in bytes of JSON. */
  artifacts: 200,
  artifactsBytes: 65_536,
  /** Files and folders of a workspace that are looked at. */
  scannedFiles: 20_000,
  /** Of JSON. */
  listingBytes: 8_388_608,
  /** Of the JSON of an outcome, whose parts are bounded above, or of installed packages; of every other answer but a listing. */
  outcomeBytes: 2_097_152,
  answerBytes: 65_536,
  /** Arrays, objects, numbers and the like in one answer: a listing of as many files as are looked at holds fewer. */
  answerValues: 400_000,
  /** UTF-16 units of text in one output event; six bytes each at most as JSON. */
  eventCharacters: 5_000,
} as const;

/** Names the request of a client that a call is made for; of other values nothing is kept. */
export const REQUEST_ID_HEADER = 'x-request-id';
export const requestId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/);

export const executionId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

export const startRequest = z.object({
  language: z.enum(['python', 'javascript', 'shell']),
  code: z.string().min(1).max(102_400),
  event: z.record(z.string(), z.unknown()).default({}),
  timeoutMs: z.int().min(1).max(3_600_000),
  env: z.record(z.string(), z.string()).default({}),
});
export type StartRequest = z.infer<typeof startRequest>;

export const capturedOutput = z.object({
  text: z.string(),
  bytes: z.int().min(0),
  truncated: z.boolean(),
});
export type CapturedOutput = z.infer<typeof capturedOutput>;

/** Relative to the workspace, with forward slashes, and never out of it. */
export const workspacePath = z
  .string()
  .min(1)
  .max(4_096)
  .refine(
    (path) =>
      path.split('/').every((name) => name !== '' && name !== '.' && name !== '..') &&
      !path.includes('\0'),
    'leads elsewhere',
  );

/** A file that a run changed. */
export const artifact = z.object({
  path: workspacePath,
  size: z.int().min(0),
  /** In hexadecimal; absent where hashing it would have taken too long. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});
export type Artifact = z.infer<typeof artifact>;

export const runMetrics = z.object({
  durationMs: z.number().min(0),
  cpuTimeMs: z.number().min(0).optional(),
  peakMemoryBytes: z.int().min(0).optional(),
});

const times = { startedAt: z.iso.datetime() };

export const runningState = z.object({ id: executionId, phase: z.literal('Running'), ...times });

export const OUTCOME_PHASES = ['Completed', 'Failed', 'TimedOut', 'Crashed', 'Cancelled'] as const;
export const OUTCOME_REASONS = [
  'Completed',
  'NonZeroExit',
  'Signal',
  'Timeout',
  'OOMKilled',
  'ReturnValueTooLarge',
  'ReturnValueNotSerializable',
  'Cancelled',
  'ExecutorLost',
  'LanguageNotAvailable',
] as const;

export const finalState = z.object({
  id: executionId,
  phase: z.enum(OUTCOME_PHASES),
  reason: z.enum(OUTCOME_REASONS),
  message: z.string().max(4_096).optional(),
  /** As a shell would report it: 128 + n when killed by signal n, 124 on timeout. Never 0 unless `Completed`. */
  exitCode: z.int().min(-1).max(255),
  signal: z.string().max(16).optional(),
  stdout: capturedOutput,
  stderr: capturedOutput,
  /** Present, also when null, exactly if a handler returned and the phase is Completed. */
  returnValue: z.unknown().optional(),
  metrics: runMetrics,
  /** Files that it changed, but for hidden ones. */
  artifacts: z.array(artifact).max(EXECUTOR_LIMITS.artifacts).optional(),
  /** It changed more files than are named. */
  artifactsTruncated: z.boolean().optional(),
  /** It changed or removed any file at all. Absent: not known. */
  workspaceChanged: z.boolean().optional(),
  ...times,
  finishedAt: z.iso.datetime(),
});
export type FinalState = z.infer<typeof finalState>;

export const executionState = z.discriminatedUnion('phase', [
  runningState,
  ...OUTCOME_PHASES.map((phase) => finalState.extend({ phase: z.literal(phase) })),
]);
export type ExecutionState = z.infer<typeof executionState>;

const eventText = z.string().max(EXECUTOR_LIMITS.eventCharacters);

/** `n` counts from 0 without gaps; the last event of a run is its `end`. `data` is UTF-8 with invalid bytes replaced. */
export const outputEvent = z.discriminatedUnion('type', [
  z.object({ n: z.int().min(0), type: z.literal('stdout'), data: eventText }),
  z.object({ n: z.int().min(0), type: z.literal('stderr'), data: eventText }),
  /** Output from the number asked for up to and including `n` is no longer held: at most so many bytes. The next event is n + 1. */
  z.object({ n: z.int().min(0), type: z.literal('gap'), bytes: z.int().min(0) }),
  z.object({ n: z.int().min(0), type: z.literal('end'), phase: z.enum(OUTCOME_PHASES) }),
]);
export type OutputEvent = z.infer<typeof outputEvent>;

export const fileEntry = z.object({
  /** Relative to the workspace, with forward slashes. */
  path: z.string().max(4_096),
  type: z.enum(['file', 'directory', 'symlink', 'other']),
  size: z.int().min(0),
  modifiedAt: z.iso.datetime(),
});
export const fileList = z.object({
  entries: z.array(fileEntry).max(10_000),
  truncated: z.boolean(),
});

/** HTTP/2 in the reverse direction: the executor asks, the control plane answers. Only GET and HEAD, each for a path below /simple/, /files/ or /npm/. */
export const PACKAGE_INDEX_PROTOCOL = 'sandbox-package-index';

/** A package and which versions of it, as the installer takes them. Neither an option nor a path nor a URL can look so. */
export const requirement = z
  .string()
  .max(256)
  .regex(
    /^(@[A-Za-z0-9][A-Za-z0-9._-]*\/)?[A-Za-z0-9][A-Za-z0-9._-]*([@=<>!~][A-Za-z0-9.*+!<>=~^,_-]*)?$/,
  );

export const installRequest = z.object({
  installer: z.enum(['uv', 'npm']),
  requirements: z.array(requirement).max(100),
  timeoutMs: z.int().min(1).max(3_600_000),
  /** A set that may be here already and is a part of this one: then only the rest is installed. */
  base: executionId.optional(),
});
export type InstallRequest = z.infer<typeof installRequest>;

export const INSTALL_FAILURES = [
  'InstallerFailed',
  'TimedOut',
  'InstallerNotAvailable',
  /** Another set was asked for meanwhile. */
  'Superseded',
] as const;

export const dependenciesState = z.object({
  id: executionId,
  phase: z.enum(['Installing', 'Installed', 'Failed']),
  reason: z.enum(INSTALL_FAILURES).optional(),
  /** What the installer said. */
  message: z.string().max(4_096).optional(),
  /** What user code can import now: after a failure that of the set before. */
  installed: z
    .array(z.object({ name: z.string().max(256), version: z.string().max(256) }))
    .max(500),
  location: z.string().max(256),
  ...times,
  finishedAt: z.iso.datetime().optional(),
});
export type DependenciesState = z.infer<typeof dependenciesState>;

export const workspaceFile = z.object({
  path: workspacePath,
  size: z.int().min(0),
  modifiedAt: z.iso.datetime(),
  /** Another one after every change; means nothing else. */
  version: z.string().regex(/^[0-9a-z-]{1,64}$/),
  executable: z.boolean(),
});
export type WorkspaceFile = z.infer<typeof workspaceFile>;

export const workspaceListing = z.object({
  files: z.array(workspaceFile).max(EXECUTOR_LIMITS.scannedFiles),
  truncated: z.boolean(),
});
export type WorkspaceListing = z.infer<typeof workspaceListing>;

export const activity = z.object({
  /** When a run, file call or stream last began, went on or ended. */
  lastActivityAt: z.iso.datetime(),
  runningExecutions: z.int().min(0),
});
export type Activity = z.infer<typeof activity>;

/** Of all processes since the container began, the executor's included. */
const consumption = { cpuMs: z.int().min(0), memoryBytes: z.int().min(0) };

export const usage = z.object({
  ...consumption,
  processes: z.int().min(0),
  /** `complete`: false where there are more entries than it counts. */
  workspace: z.object({
    bytes: z.int().min(0),
    entries: z.int().min(0),
    complete: z.boolean(),
  }),
});
export type Usage = z.infer<typeof usage>;

export const health = z.object({
  status: z.literal('ok'),
  version: z.string().max(64),
  uptimeMs: z.number().min(0),
  /** `open`: the pod still reaches what its NetworkPolicy forbids, and takes no other call than this one. */
  network: z.enum(['open', 'closed']).default('closed'),
  /** Languages whose interpreters are ready. */
  languages: z.array(z.string().max(32)).max(16),
  usage: z.object(consumption).optional(),
});
export type Health = z.infer<typeof health>;

export const executorProblem = z.object({
  code: z.enum([
    'BadRequest',
    'Unauthorized',
    'NotFound',
    'Conflict',
    'TooLarge',
    'Busy',
    'Internal',
  ]),
  message: z.string().max(1_024),
});
export type ExecutorProblem = z.infer<typeof executorProblem>;
