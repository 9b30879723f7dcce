import { z } from 'zod';
import type { Position } from '../../storage/history/reader.ts';

/** A place in a list, as text that clients hand back unread. */

const SHAPE = /^(\d{1,15})\.([a-z0-9][-a-z0-9.]{0,252})$/;

export function cursorOf({ createdAt, name }: Position): string {
  return Buffer.from(`${createdAt}.${name}`).toString('base64url');
}

export const cursor = z
  .string()
  .max(512)
  .transform((text, context): Position => {
    const [, createdAt, name] = SHAPE.exec(Buffer.from(text, 'base64url').toString()) ?? [];
    if (name !== undefined) return { createdAt: Number(createdAt), name };
    context.addIssue({ code: 'custom', message: 'must be the next_cursor of an earlier page' });
    return z.NEVER;
  })
  .optional()
  .meta({
    description:
      'The next_cursor of the page before; offset is not used then. What is created or ends meanwhile moves nothing.',
    override: { type: 'string' },
  });
