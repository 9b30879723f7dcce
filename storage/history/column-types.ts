import { customType } from 'drizzle-orm/mysql-core';

/** Column types that drizzle does not have. Trailing blanks and case count everywhere: MariaDB's other collations ignore them. */

/** Names and UIDs of Kubernetes objects, and words of ours. */
export const asciiText = customType<{
  data: string;
  driverData: string;
  config: { length: number };
  configRequired: true;
}>({
  dataType: ({ length }) =>
    `varchar(${length}) character set ascii collate ascii_nopad_bin` as const,
});

/** What people and clients wrote. */
export const anyText = customType<{
  data: string;
  driverData: string;
  config: { length: number };
  configRequired: true;
}>({
  dataType: ({ length }) =>
    `varchar(${length}) character set utf8mb4 collate utf8mb4_nopad_bin` as const,
});

/** A moment in UTC, to the millisecond, as milliseconds since 1970: the session's time zone is UTC too. */
export const moment = customType<{ data: number; driverData: string }>({
  dataType: () => 'datetime(3)',
  toDriver: (ms) => new Date(ms).toISOString().replace('T', ' ').replace('Z', ''),
  fromDriver: (text) => Date.parse(`${text.replace(' ', 'T')}Z`),
});

/**
 * A whole object as JSON text. Not MariaDB's JSON: its validity check refuses what is nested deeper than 32 levels,
 * and events may be. JSON.stringify escapes what is not well-formed, so any text fits.
 */
export const jsonText = customType<{ data: string; driverData: string }>({
  dataType: () => 'longtext character set utf8mb4 collate utf8mb4_nopad_bin',
});
