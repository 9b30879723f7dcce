import { sql } from 'drizzle-orm';
import {
  type MySqlColumn,
  bigint,
  boolean,
  double,
  index,
  int,
  mysqlTable,
  smallint,
  tinyint,
} from 'drizzle-orm/mysql-core';
import { anyText, asciiText, jsonText, moment } from './column-types.ts';

/**
 * What history keeps: a row per object, by UID, with the whole object in it and beside it what queries look for.
 * After a change here: `npm run migrations`, and commit what it wrote.
 */

/** First in every mirrored table. */
const identity = {
  uid: asciiText('uid', { length: 64 }).primaryKey(),
  namespace: asciiText('namespace', { length: 63 }).notNull(),
  name: asciiText('name', { length: 253 }).notNull(),
  /** The id that REST clients know it by. */
  restId: anyText('rest_id', { length: 253 }).notNull(),
  createdAt: moment('created_at').notNull(),
};

/**
 * Last in every mirrored table, and in this order: MariaDB assigns from left to right, and whether a write is newer is asked of
 * `sequence` and `fence`, so these change after everything else, and the one that weighs more comes last (writer.ts).
 */
const life = {
  object: jsonText('object').notNull(),
  resourceVersion: asciiText('resource_version', { length: 128 }).notNull(),
  mirroredAt: moment('mirrored_at').notNull(),
  /** Deleted by a person: nobody sees it any more, until retention takes it. */
  deletedAt: moment('deleted_at'),
  /** Its time in the API server was up: from here on this row is the object. */
  expiredAt: moment('expired_at'),
  /** The object is not in the API server any more. */
  goneAt: moment('gone_at'),
  /** Which of its leader's looks it shows. */
  sequence: bigint('sequence', { mode: 'number', unsigned: true }).notNull(),
  /** Which leader wrote it. */
  fence: bigint('fence', { mode: 'number', unsigned: true }).notNull(),
};

/** Last in the index of a list, whose pages are found in it alone: read forwards, which takes a quarter less time than backwards. */
function newestFirst({ createdAt, name }: { createdAt: MySqlColumn; name: MySqlColumn }) {
  return [sql`${createdAt} desc`, sql`${name} desc`] as const;
}

/** Whether REST shows the row by itself; a live object is shown from the watch cache. */
function past() {
  return boolean('past').generatedAlwaysAs(sql`(expired_at is not null and deleted_at is null)`, {
    mode: 'stored',
  });
}

export const sandboxes = mysqlTable(
  'sandboxes',
  {
    ...identity,
    status: asciiText('status', { length: 16 }).notNull(),
    reason: asciiText('reason', { length: 64 }),
    templateId: anyText('template_id', { length: 253 }).notNull(),
    endedAt: moment('ended_at'),
    ...life,
    past: past(),
  },
  (row) => [
    index('sandboxes_by_rest_id').on(row.restId, row.namespace, row.createdAt),
    index('sandboxes_newest_first').on(row.namespace, row.past, ...newestFirst(row)),
    index('sandboxes_of_status_newest_first').on(
      row.namespace,
      row.past,
      row.status,
      ...newestFirst(row),
    ),
    index('sandboxes_of_template_newest_first').on(
      row.namespace,
      row.past,
      row.templateId,
      ...newestFirst(row),
    ),
    index('sandboxes_of_template_and_status_newest_first').on(
      row.namespace,
      row.past,
      row.templateId,
      row.status,
      ...newestFirst(row),
    ),
    index('sandboxes_gone').on(row.goneAt),
    index('sandboxes_leaving').on(row.past, row.goneAt),
  ],
);

export const sandboxTemplates = mysqlTable('sandbox_templates', { ...identity, ...life }, (row) => [
  index('sandbox_templates_by_rest_id').on(row.restId, row.namespace, row.createdAt),
  index('sandbox_templates_gone').on(row.goneAt),
]);

export const executions = mysqlTable(
  'executions',
  {
    ...identity,
    sandboxUid: asciiText('sandbox_uid', { length: 64 }).notNull(),
    sandboxName: asciiText('sandbox_name', { length: 63 }).notNull(),
    status: asciiText('status', { length: 16 }).notNull(),
    reason: asciiText('reason', { length: 64 }),
    language: asciiText('language', { length: 16 }).notNull(),
    exitCode: int('exit_code'),
    durationMs: double('duration_ms'),
    finishedAt: moment('finished_at'),
    ...life,
    past: past(),
  },
  (row) => [
    index('executions_by_rest_id').on(row.restId, row.namespace, row.createdAt),
    index('executions_newest_first').on(row.sandboxUid, row.past, ...newestFirst(row)),
    index('executions_of_status_newest_first').on(
      row.sandboxUid,
      row.past,
      row.status,
      ...newestFirst(row),
    ),
    index('executions_gone').on(row.goneAt),
    index('executions_leaving').on(row.past, row.goneAt),
  ],
);

/** Who did what through the REST API: never a body, a header, code or a secret. */
export const audit = mysqlTable(
  'audit',
  {
    id: bigint('id', { mode: 'number', unsigned: true }).autoincrement().primaryKey(),
    at: moment('at').notNull(),
    requestId: anyText('request_id', { length: 128 }).notNull(),
    principal: anyText('principal', { length: 255 }).notNull(),
    namespace: asciiText('namespace', { length: 63 }).notNull(),
    action: asciiText('action', { length: 64 }).notNull(),
    method: asciiText('method', { length: 16 }).notNull(),
    objectKind: asciiText('object_kind', { length: 32 }),
    objectId: anyText('object_id', { length: 253 }),
    outcome: asciiText('outcome', { length: 16 }).notNull(),
    status: smallint('status').notNull(),
    requestBytes: bigint('request_bytes', { mode: 'number', unsigned: true }),
    durationMs: double('duration_ms').notNull(),
  },
  (row) => [
    index('audit_at').on(row.at),
    index('audit_of_object').on(row.objectId, row.at),
    index('audit_of_principal').on(row.principal, row.at),
  ],
);

/** The one who may write the rows of a namespace: there is an operator for each. */
export const leaders = mysqlTable('leaders', {
  namespace: asciiText('namespace', { length: 63 }).primaryKey(),
  /** Grows with every leader; in the rows it tells a deposed one's writes from its successor's. */
  fence: bigint('fence', { mode: 'number', unsigned: true }).notNull(),
  /** UID of the Lease: one that was deleted and made anew counts its transitions from the beginning. */
  lease: asciiText('lease', { length: 128 }).notNull(),
  transitions: bigint('transitions', { mode: 'number', unsigned: true }).notNull(),
});

/** The only leader there could be before `leaders`: rows may carry its fence, so a new one begins above it. */
export const firstLeader = mysqlTable('leader', {
  id: tinyint('id').primaryKey(),
  fence: bigint('fence', { mode: 'number', unsigned: true }).notNull(),
  lease: asciiText('lease', { length: 128 }).notNull(),
  transitions: bigint('transitions', { mode: 'number', unsigned: true }).notNull(),
});
