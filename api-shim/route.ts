import type { IncomingMessage } from 'node:http';
import { type z } from 'zod';
import { ApiError, type ErrorCode, type FieldProblem } from './errors.ts';
import type { Role } from './auth/principal.ts';
import type { RequestContext } from './request-context.ts';

/** The parts of a request that an endpoint looks at; an object of these is what its input is checked against. */
export interface InputShape {
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Names in lower case. */
  readonly header?: z.ZodObject;
  readonly body?: z.ZodType;
}

/** A request before it was checked. */
export interface RawInput {
  readonly params: unknown;
  readonly query: unknown;
  readonly header: unknown;
  /** Let go once it was checked: what nobody asked for would stay for as long as the answer takes. */
  body?: unknown;
}

/** One kind of answer that is no error. */
export interface Success {
  readonly status: number;
  readonly description: string;
  /** Of the body; absent: there is none. */
  readonly schema?: z.ZodType;
  /** Absent: application/json. Anything else is written by a `Reply`. */
  readonly mediaType?: string;
  /** Header fields beside those of every answer. */
  readonly headers?: z.ZodObject;
}

/** A request body that the handler reads by itself, as it comes. How much of it is for the handler to bound. */
export interface StreamedBody {
  /** What `Content-Type` may say, as `type-is` takes it; everything else is refused. */
  readonly mediaTypes: readonly [string, ...string[]];
  /** For the document only. */
  readonly schema: z.ZodType;
}

/** One endpoint: what serves it and what documents it. */
export interface Route {
  readonly id: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With `{name}` for a parameter, `{+name}` for one that goes on over slashes; the first is the one that documents call by its own name. */
  readonly paths: readonly [string, ...string[]];
  readonly tag: string;
  /** Whom it serves: anybody, or callers of this role; absent: `read` for GET, `write` for the rest. */
  readonly access?: 'open' | Role;
  readonly summary: string;
  readonly description?: string;
  readonly input: InputShape;
  /** Instead of `input.body`: the body is not read before the handler does. */
  readonly streamedBody?: StreamedBody;
  readonly success: Success;
  /** Further answers that a `Reply` may choose, such as 206 or another media type. */
  readonly alternatives?: readonly Success[];
  /** Those that this endpoint adds to what every endpoint can answer. */
  readonly errors: readonly ErrorCode[];
  /** Checks the input, does the work and returns the JSON body of the answer, or a `Reply` that writes it. Throws ApiError. */
  readonly run: (
    raw: RawInput,
    context: RequestContext,
    request: IncomingMessage,
  ) => Promise<unknown>;
}

type Definition<I extends z.ZodObject> = Omit<Route, 'input' | 'run'> & {
  readonly input: I;
  /** `request` is for those that read a streamed body. */
  readonly handle: (
    input: z.output<I>,
    context: RequestContext,
    request: IncomingMessage,
  ) => Promise<unknown>;
};

/** Ties a handler to the schema that checks its input, so that it only ever sees what that lets through. */
export function route<I extends z.ZodObject>({ input, handle, ...rest }: Definition<I>): Route {
  const run: Route['run'] = (raw, context, request) => {
    const known = checked(input, raw);
    delete raw.body;
    return handle(known, context, request);
  };
  return { ...rest, input: input.shape, run };
}

/** Whoever has more has not read the first of them. */
const MOST_PROBLEMS = 50;

function checked<T extends z.ZodType>(schema: T, raw: RawInput): z.output<T> {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const detail = result.error.issues.slice(0, MOST_PROBLEMS).map(problemOf);
  const message = detail.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ');
  throw new ApiError('InvalidRequest', message.slice(0, 1_000), { detail });
}

/** Without the value at fault, unlike the reference: it may be a secret, and it may be large. */
function problemOf(issue: z.core.$ZodIssue): FieldProblem {
  const [place, ...way] = issue.path.map((step) =>
    typeof step === 'symbol' ? String(step) : step,
  );
  return {
    type: issue.code,
    loc: [place === 'params' ? 'path' : (place ?? 'body'), ...way],
    msg: issue.message,
  };
}
