import { z } from 'zod';

/** Refused without being repeated: it holds a password. */
export const databaseUrl = z
  .string()
  .refine(
    (text) => /^(mysql|mariadb):\/\/[^/]+\/[^/?]+/.test(text) && URL.canParse(text),
    'must be mysql://USER:PASSWORD@HOST:PORT/DATABASE',
  );
