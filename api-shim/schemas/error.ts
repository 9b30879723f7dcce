import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../errors.ts';

function isCode(code: string): code is ErrorCode {
  return code in ERRORS;
}

/** Every code of errors.ts. */
export const ERROR_CODES = Object.keys(ERRORS).filter(isCode);

const fieldProblem = z.object({
  type: z.string().meta({ example: 'too_big' }),
  loc: z.array(z.union([z.string(), z.int()])).meta({
    description: 'body, query or path, then the way to the field.',
    example: ['body', 'timeout'],
  }),
  msg: z.string().meta({ example: 'Too big: expected number to be <=3600' }),
});

/** The body of every answer that is an error. */
export const errorResponse = z
  .object({
    error: z.string().meta({ description: 'The text of the HTTP status.' }),
    message: z.string().meta({ description: 'What is wrong, for people.' }),
    detail: z
      .union([z.string(), z.array(fieldProblem)])
      .meta({ description: 'The message again, or the fields at fault.' }),
    code: z.enum(ERROR_CODES).meta({ description: 'What is wrong, for programs.' }),
    hint: z.string().meta({ description: 'What to do about it.' }),
    request_id: z.string().meta({
      description: 'Also in the header X-Request-ID and in the logs of the control plane.',
    }),
    execution_id: z
      .string()
      .optional()
      .meta({ description: 'With SyncTimeout: the execution that goes on.' }),
  })
  .meta({ id: 'Error' });
