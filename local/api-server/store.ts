import { DatabaseSync } from 'node:sqlite';

/** One object at rest. */
export interface StoredRecord {
  /** The collection it belongs to, such as `pods` or `executions.sandbox.ai`. */
  readonly storage: string;
  readonly namespace: string;
  readonly name: string;
  /** The object as JSON. */
  readonly text: string;
}

/** Where objects survive the process. Every call is done when it returns. */
export interface Store {
  load(): { readonly revision: number; readonly records: readonly StoredRecord[] };
  put(record: StoredRecord, revision: number): void;
  remove(record: Omit<StoredRecord, 'text'>, revision: number): void;
  close(): void;
}

/** Keeps nothing: for tests, whose server ends with its process. */
export function createMemoryStore(): Store {
  return {
    load: () => ({ revision: 0, records: [] }),
    put: () => undefined,
    remove: () => undefined,
    close: () => undefined,
  };
}

/**
 * A SQLite file. What was written survives a killed process; of a machine that loses power the last moments may be missing,
 * because only the write-ahead log is written and not flushed (synchronous=NORMAL).
 */
export function createSqliteStore(file: string): Store {
  const db = new DatabaseSync(file);
  // A checkpoint waits for the disk, so they are rare.
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 4000;
    CREATE TABLE IF NOT EXISTS objects (
      storage TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, text TEXT NOT NULL,
      PRIMARY KEY (storage, namespace, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS last_removal (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
    INSERT OR IGNORE INTO last_removal VALUES (1, 0);
  `);
  const put = db.prepare('INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM objects WHERE storage = ? AND namespace = ? AND name = ?');
  const count = db.prepare('UPDATE last_removal SET revision = ?');
  return {
    load: () => ({
      revision: newestRevision(db),
      records: db.prepare('SELECT storage, namespace, name, text FROM objects').all().map(recordOf),
    }),
    put: ({ storage, namespace, name, text }, revision) => {
      put.run(storage, namespace, name, revision, text);
    },
    // The count first: if the process dies between the two, a revision is skipped, and none is given twice.
    remove: ({ storage, namespace, name }, revision) => {
      count.run(revision);
      remove.run(storage, namespace, name);
    },
    close: () => {
      db.close();
    },
  };
}

/** A removal leaves no row behind whose revision could be read, so the last one is kept apart. */
function newestRevision(db: DatabaseSync): number {
  const row = db
    .prepare(
      'SELECT max(revision) AS newest FROM (SELECT revision FROM objects UNION ALL SELECT revision FROM last_removal)',
    )
    .get();
  return Number(row?.['newest'] ?? 0);
}

function recordOf(row: Record<string, unknown>): StoredRecord {
  return {
    storage: String(row['storage']),
    namespace: String(row['namespace']),
    name: String(row['name']),
    text: String(row['text']),
  };
}
