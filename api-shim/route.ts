import { type z } from 'zod';
import { ApiError, type ErrorCode, type FieldProblem } from './errors.ts';
import type { RequestContext } from './request-context.ts';

/** The parts of a request that an endpoint looks at; an object of these is what its input is checked against. */
export interface InputShape {
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
}

/** A request before it was checked. */
export interface RawInput {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** One endpoint: what serves it and what documents it. */
export interface Route {
  readonly id: string;
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** With `{name}` for a parameter; the first is the one that documents call by its own name. */
  readonly paths: readonly [string, ...string[]];
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly input: InputShape;
  readonly success: {
    readonly status: number;
    readonly description: string;
    readonly schema?: z.ZodType;
  };
  /** Those that this endpoint adds to what every endpoint can answer. */
  readonly errors: readonly ErrorCode[];
  /** Checks the input, does the work and returns the body of the answer. Throws ApiError. */
  readonly run: (raw: RawInput, context: RequestContext) => Promise<unknown>;
}

type Definition<I extends z.ZodObject> = Omit<Route, 'input' | 'run'> & {
  readonly input: I;
  readonly handle: (input: z.output<I>, context: RequestContext) => Promise<unknown>;
};

/** Ties a handler to the schema that checks its input, so that it only ever sees what that lets through. */
export function route<I extends z.ZodObject>({ input, handle, ...rest }: Definition<I>): Route {
  const run: Route['run'] = (raw, context) => handle(checked(input, raw), context);
  return { ...rest, input: input.shape, run };
}

function checked<T extends z.ZodType>(schema: T, raw: RawInput): z.output<T> {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const detail = result.error.issues.map(problemOf);
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
