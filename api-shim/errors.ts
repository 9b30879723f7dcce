import { STATUS_CODES } from 'node:http';

/**
 * Every error that a REST client can meet: machine code, HTTP status and what to do about it.
 * The message is written where the error is thrown and never repeats the text of another system.
 */
export const ERRORS = {
  InvalidRequest: {
    status: 422,
    hint: 'Correct the fields named in detail. Every field and its bounds are at /docs.',
  },
  MalformedJson: {
    status: 422,
    hint: 'Send one JSON object in UTF-8. A trailing comma or a single quote is no JSON.',
  },
  MissingLength: { status: 400, hint: 'Send the whole body that Content-Length announces.' },
  MalformedUrl: { status: 400, hint: 'Percent-encode the path and the query (RFC 3986).' },
  UnsupportedMediaType: {
    status: 415,
    hint: 'Send the body as UTF-8 JSON with the header Content-Type: application/json.',
  },
  BodyTooLarge: {
    status: 413,
    hint: 'Send less: code up to 102,400 characters, event up to 262,144 bytes of JSON.',
  },
  InvalidQuantity: {
    status: 400,
    hint: 'Give cpu as a positive number such as "1" or "0.5", memory and disk as a whole number with Mi or Gi, such as "512Mi".',
  },
  DependenciesNotSupported: {
    status: 422,
    hint: 'Leave dependencies empty; use a template whose image has the packages.',
  },
  DependencyInstallFailed: {
    status: 400,
    hint: 'The message has the words of the installer. What was asked for is kept, and what was installed before still works; install again with other versions.',
  },
  DependencyInstallInProgress: {
    status: 409,
    hint: 'Wait until dependency_install_status of GET /api/v1/sessions/{session_id} is no longer installing.',
  },
  InstallNotSettled: {
    status: 503,
    hint: 'GET /api/v1/sessions/{session_id} tells in dependency_install_status what became of it.',
  },
  UnknownTemplate: { status: 400, hint: 'GET /api/v1/templates lists the templates there are.' },
  TemplateNotFound: { status: 404, hint: 'GET /api/v1/templates lists the templates there are.' },
  TemplateExists: {
    status: 409,
    hint: 'Choose another id, or change the existing template with PUT.',
  },
  TemplateNameTaken: {
    status: 409,
    hint: 'Choose another name; GET /api/v1/templates shows those in use.',
  },
  SessionNotFound: {
    status: 404,
    hint: 'It never existed or was deleted. POST /api/v1/sessions creates one.',
  },
  SessionExists: {
    status: 409,
    hint: 'Choose another id, leave id out to get one, or delete the session first.',
  },
  SessionBeingDeleted: {
    status: 409,
    hint: 'Its resources are still being removed. Try again in a few seconds.',
  },
  SessionNotActive: {
    status: 409,
    hint: 'It has ended and does not start again. POST /api/v1/sessions creates another.',
  },
  NotChangeable: {
    status: 409,
    hint: 'A running sandbox takes a new timeout and new env_vars; cpu, memory and disk stay as they are. POST /api/v1/sessions creates a session of another size.',
  },
  SessionNotReady: {
    status: 409,
    hint: 'Its sandbox is being started or replaced. Try again once its status is running.',
  },
  SessionSuspended: {
    status: 409,
    hint: 'POST /api/v1/sessions/{session_id}/resume brings it back, and so does every execution; its files can be read meanwhile.',
  },
  SessionNotSuspendable: {
    status: 409,
    hint: 'This installation has no object storage (SANDBOX_S3_BUCKET) that could keep its files. Terminate the session, or leave it to its timeout.',
  },
  UnknownSession: {
    status: 400,
    hint: 'It never existed or was deleted. POST /api/v1/sessions creates one.',
  },
  InactiveSession: {
    status: 400,
    hint: 'It has ended: its files can be read and not changed. POST /api/v1/sessions creates another.',
  },
  FileNotFound: { status: 404, hint: 'GET /api/v1/sessions/{session_id}/files lists the files.' },
  InvalidFilePath: {
    status: 400,
    hint: 'Give a path relative to the workspace, without empty parts and without . and .., such as "input/data.csv".',
  },
  FileTooLarge: {
    status: 413,
    hint: 'Send at most 104,857,600 bytes; split what is larger, or have code in the session make it.',
  },
  FileInTheWay: {
    status: 409,
    hint: 'A folder has that name, or a part of the path is a file. Delete it, or choose another path.',
  },
  DiskFull: { status: 409, hint: 'Delete files, or create a session with more disk.' },
  FilesNotKept: {
    status: 409,
    hint: 'This installation has no object storage (SANDBOX_S3_BUCKET): read files while the session lives.',
  },
  ShuttingDown: {
    status: 503,
    hint: 'This server stops; what was begun goes on. Look what became of it after the seconds in Retry-After, of an execution with GET /api/v1/executions/{execution_id}/result.',
  },
  StorageUnavailable: {
    status: 503,
    hint: 'The object storage does not answer. Runs go on. Try again after the seconds in Retry-After.',
  },
  SandboxUnreachable: {
    status: 503,
    hint: 'The sandbox of the session does not answer; if it is lost, it is replaced. Try again after the seconds in Retry-After.',
  },
  SandboxMisbehaved: {
    status: 502,
    hint: 'What the sandbox of the session answered cannot be used. Code in it may have broken it: end the session and create another.',
  },
  TooManyStreams: {
    status: 429,
    hint: 'End a stream of this session that is no longer read, or fetch the result with GET /api/v1/executions/{execution_id}/result.',
  },
  SessionDeleted: {
    status: 404,
    hint: 'The session was deleted during the run, and the execution with it.',
  },
  ExecutionNotFound: {
    status: 404,
    hint: 'It never existed, expired, or was deleted with its session.',
  },
  ContainerNotFound: {
    status: 404,
    hint: 'It never existed or is gone. GET /api/v1/containers lists those that there are.',
  },
  HistoryUnavailable: {
    status: 503,
    hint: 'It is not live, and whether it is past only the database of history knows. Try again after the seconds in Retry-After.',
  },
  NoLog: {
    status: 409,
    hint: 'It has not started yet, or has ended. GET /api/v1/containers/{container_id} tells.',
  },
  SyncTimeout: {
    status: 408,
    hint: 'The execution goes on. Fetch it later with GET /api/v1/executions/{execution_id}/result.',
  },
  Unauthenticated: {
    status: 401,
    hint: 'Send a key that this API knows as Authorization: Bearer KEY or X-API-Key: KEY.',
  },
  RoleTooSmall: {
    status: 403,
    hint: 'Use a key whose role is large enough, or ask who runs this API for one.',
  },
  TooManyRequests: {
    status: 429,
    hint: 'Try again after the seconds in Retry-After, and less often.',
  },
  SessionQuotaExceeded: {
    status: 429,
    hint: 'Terminate sessions that are not needed any more, or wait until some end by themselves.',
  },
  NoRoom: {
    status: 429,
    hint: 'Try again after the seconds in Retry-After. Sessions that end make room; so do more nodes, a larger quota, or a session with less cpu and memory.',
  },
  RouteNotFound: { status: 404, hint: 'Every path is listed at /docs.' },
  MethodNotAllowed: { status: 405, hint: 'The header Allow names the methods of this path.' },
  UnknownHost: {
    status: 421,
    hint: 'Use http://localhost or http://127.0.0.1; others only where SANDBOX_ALLOWED_HOSTS names them.',
  },
  ForeignOrigin: {
    status: 403,
    hint: 'Pages of other origins may call this API only where SANDBOX_CORS_ORIGINS names them.',
  },
  RefusedByCluster: {
    status: 403,
    hint: 'A quota or an admission policy of the cluster refused it. Tell its operator the request_id.',
  },
  InvalidForCluster: {
    status: 422,
    hint: 'The cluster refused the values. Tell its operator the request_id.',
  },
  Conflict: { status: 409, hint: 'Somebody else changed it at the same moment. Try again.' },
  Unavailable: {
    status: 503,
    hint: 'The Kubernetes API did not answer. Try again after the seconds in Retry-After.',
  },
  Internal: { status: 500, hint: 'This is a fault of ours. Report it with the request_id.' },
} as const satisfies Readonly<Record<string, { status: number; hint: string }>>;

export type ErrorCode = keyof typeof ERRORS;

const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  'Unavailable',
  'Conflict',
  'SessionBeingDeleted',
  'SessionNotReady',
  'SandboxUnreachable',
  'StorageUnavailable',
  'ShuttingDown',
  'TooManyRequests',
  'SessionQuotaExceeded',
  'NoRoom',
]);

/** One field at fault, in the form that clients of the reference know. */
export interface FieldProblem {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
}

export interface ApiErrorOptions {
  readonly detail?: readonly FieldProblem[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Fields that the body carries besides those of every error. */
  readonly extra?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An answer that is an error; `message` is for the client to read. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly options: ApiErrorOptions;

  constructor(code: ErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryable = RETRYABLE.has(code);
    this.options = options;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** The one shape of an error: `error`, `message` and `detail` as in the reference, then what a program needs. */
export function errorBody(error: ApiError, requestId: string): Record<string, unknown> {
  return {
    error: STATUS_CODES[error.status] ?? 'Error',
    message: error.message,
    detail: error.options.detail ?? error.message,
    code: error.code,
    hint: ERRORS[error.code].hint,
    request_id: requestId,
    ...error.options.extra,
  };
}
