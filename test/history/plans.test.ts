import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { systemClock } from '../../kube/clock.ts';
import { Database } from '../../storage/history/database.ts';
import { applyMigrations } from '../../storage/history/migrations.ts';
import { HistoryReader, type PastList } from '../../storage/history/reader.ts';
import { purge } from '../../storage/history/retention.ts';
import { HistoryWriter } from '../../storage/history/writer.ts';
import { MariaDb } from './mariadb.ts';
import { NOW } from './rows.ts';

/** What the server really got is explained there, on tables large enough that a scan would not be the best plan. */
let server: MariaDb;
let database: Database;
let reader: HistoryReader;
let root: Connection;

beforeAll(async () => {
  server = await MariaDb.start();
  const url = await server.url();
  database = new Database({ url, clock: systemClock });
  await applyMigrations(database);
  reader = new HistoryReader(database);
  root = await createConnection({ uri: url, multipleStatements: true });
  await fill();
});

afterAll(async () => {
  await root.end();
  await database.close();
  await server.stop();
});

async function fill(): Promise<void> {
  const identity = (kind: string): string =>
    `concat('uid-${kind}-', seq), concat('tenant-', seq % 4), concat('${kind}-', seq), concat('${kind}-', seq), from_unixtime(1700000000 + seq * 60)`;
  const life =
    "'{}', '1', now(3), if(seq % 100 = 1, now(3), null), if(seq % 100 = 0, null, now(3)), if(seq % 100 = 0, null, from_unixtime(1700000000 + seq * 60)), 1, 1";
  const lifeColumns =
    'object, resource_version, mirrored_at, deleted_at, expired_at, gone_at, sequence, fence';
  await root.query(`
    insert into sandboxes (uid, namespace, name, rest_id, created_at, status, template_id, ${lifeColumns})
      select ${identity('box')}, elt(1 + seq % 3, 'terminated', 'failed', 'running'), concat('template-', seq % 5), ${life} from seq_1_to_20000;
    insert into sandbox_templates (uid, namespace, name, rest_id, created_at, ${lifeColumns})
      select ${identity('template')}, ${life} from seq_1_to_2000;
    insert into executions (uid, namespace, name, rest_id, created_at, sandbox_uid, sandbox_name, status, language, ${lifeColumns})
      select ${identity('run')}, concat('uid-box-', seq % 20), 'box', elt(1 + seq % 3, 'completed', 'failed', 'crashed'), 'python', ${life} from seq_1_to_40000;
    insert into audit (at, request_id, principal, namespace, action, method, object_kind, object_id, outcome, status, duration_ms)
      select from_unixtime(1700000000 + seq * 60), uuid(), 'key', 'default', 'getSession', 'GET', 'session', concat('box-', seq), 'succeeded', 200, 1 from seq_1_to_20000;
    analyze table sandboxes, sandbox_templates, executions, audit;
  `);
}

interface Plan {
  readonly table: string | null;
  readonly key: string | null;
  readonly Extra: string;
}

/** The statements that `work` sends, each with its plan. */
async function plansOf(
  work: () => Promise<unknown>,
): Promise<{ statement: string; plan: Plan[] }[]> {
  await root.query(
    "set global log_output = 'TABLE'; truncate mysql.general_log; set global general_log = 1",
  );
  await work();
  await root.query('set global general_log = 0');
  const [logged] = await root.query<(RowDataPacket & { statement: string })[]>(
    "select convert(argument using utf8mb4) as statement from mysql.general_log where command_type = 'Query'",
  );
  const statements = logged
    .map(({ statement }) => statement)
    .filter((statement) => /^(select .* from|delete|update)/i.test(statement));
  return Promise.all(
    statements.map(async (statement) => {
      const [plan] = await root.query<(RowDataPacket & Plan)[]>(`explain ${statement}`);
      return { statement, plan };
    }),
  );
}

const tenant = { namespace: 'tenant-1' };
const somewhere = { createdAt: 1_700_600_000_000, name: 'box-10000' };

async function read(list: PastList<unknown>): Promise<void> {
  // A page of an unparsable object throws after the statement was sent; here only the statement counts.
  const range = { skip: 10, limit: 50, without: ['uid-box-7'] };
  await list.page({ ...range, after: undefined }).catch(() => undefined);
  await list.page({ ...range, after: somewhere }).catch(() => undefined);
  await list.count([]);
  await list.count([], somewhere);
  await list.leaving();
}

describe('every statement of history', () => {
  const writer = (): HistoryWriter => new HistoryWriter(database, 'tenant-1');

  test.each<[string, string, () => Promise<unknown>]>([
    ['all sessions', 'sandboxes_newest_first', () => read(reader.sandboxes(tenant))],
    [
      'sessions of a time',
      'sandboxes_newest_first',
      () =>
        read(
          reader.sandboxes({
            ...tenant,
            createdAfter: 1_700_000_000_000,
            createdBefore: 1_700_900_000_000,
          }),
        ),
    ],
    [
      'sessions of a status',
      'sandboxes_of_status_newest_first',
      () => read(reader.sandboxes({ ...tenant, status: 'failed' })),
    ],
    [
      'sessions of a template',
      'sandboxes_of_template_newest_first',
      () => read(reader.sandboxes({ ...tenant, templateId: 'template-1' })),
    ],
    [
      'sessions of a template and a status',
      'sandboxes_of_template_and_status_newest_first',
      () => read(reader.sandboxes({ ...tenant, templateId: 'template-1', status: 'failed' })),
    ],
    [
      'executions of a session',
      'executions_newest_first',
      () => read(reader.executions({ sandboxUid: 'uid-box-3' })),
    ],
    [
      'executions of a status',
      'executions_of_status_newest_first',
      () => read(reader.executions({ sandboxUid: 'uid-box-3', status: 'failed' })),
    ],
    [
      'a session',
      'sandboxes_by_rest_id',
      () => reader.findSandbox('tenant-1', 'box-1').catch(() => undefined),
    ],
    [
      'an execution',
      'executions_by_rest_id',
      () => reader.findExecution('tenant-1', 'run-1').catch(() => undefined),
    ],
    [
      'a template',
      'sandbox_templates_by_rest_id',
      () => reader.findTemplate('tenant-1', 'template-1').catch(() => undefined),
    ],
    [
      'rows without an object',
      'sandboxes_gone',
      () => writer().open('sandboxes', { after: '', limit: 1_000 }),
    ],
    [
      'closing',
      'PRIMARY',
      () => writer().close('executions', ['uid-run-1'], { now: NOW, fence: 1, sequence: 1 }),
    ],
    ['deleting', 'PRIMARY', () => writer().markDeleted('uid-box-1', NOW)],
    [
      'retention',
      'executions_gone',
      () =>
        purge(
          database,
          { sandboxDays: 365, executionDays: 365, auditDays: 365 },
          { now: 1_730_000_000_000 },
        ),
    ],
  ])('finds %s by an index and sorts nothing', async (_, expected, work) => {
    const plans = await plansOf(work);
    expect(plans.length).toBeGreaterThan(0);
    const used = plans.flatMap(({ plan }) => plan.map(({ key }) => key));
    expect(used).toContain(expected);
    for (const { statement, plan } of plans) {
      for (const { table, key, Extra } of plan) {
        const isOfRows = table !== null && !table.startsWith('<') && table !== 'places';
        if (isOfRows) expect({ statement, table, key }).toMatchObject({ key: expect.any(String) });
        // The fifty rows of a page are put in order again after they were looked up.
        if (isOfRows)
          expect({ statement, table, Extra }).not.toMatchObject({
            Extra: expect.stringMatching(/filesort|temporary/),
          });
      }
    }
  });
});
