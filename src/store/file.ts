/**
 * The file: current objects, and an undo log from which the history of events is rebuilt after a restart.
 *
 *   objects(created → resource, namespace, name, revision, json)     `created`: the revision of the write that made the object
 *   events(revision → resource, namespace, name, kind, previous)     `previous`: the JSON that the write replaced
 *
 * A creation replaced nothing and has no row in `events`: its revision is that of an object, or is named by the event that came next.
 *
 * Names have no index: who has which row is known in memory. In the order of the names every new object touched a page of its own
 * besides the one at the end, and most of what a commit wrote were these pages.
 *
 * An event's own object is not written twice: it is the `previous` of the next event of the same object, or the current object.
 */
import { closeSync, fdatasync, fstatSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { StoreFileError } from './types.ts';
import type { StoreEvent } from './types.ts';

const schemaVersion = 4;
const fdatasyncOf = promisify(fdatasync);
/** Of the log at a time, in bytes. */
const growth = 256 * 1024;

export interface ObjectRow {
  readonly created: number;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly json: string;
}

export interface EventRow {
  readonly revision: number;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly kind: StoreEvent['kind'];
  readonly previous: string | null;
  readonly previousRevision: number | null;
}

export interface StoreFile {
  readonly compacted: number;
  readonly revision: number;
  /** In no order. */
  objects(): Iterable<ObjectRow>;
  /** Newest first. */
  events(): Iterable<EventRow>;
  /** One fsync for all of them, which the event loop does not wait for. Rejects and changes nothing when the disk refuses. */
  commit(events: readonly StoreEvent[], compacted: number): Promise<void>;
  close(): void;
}

export function openFile(dir: string): StoreFile {
  const path = join(dir, 'store.sqlite');
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const db = new DatabaseSync(path);
    try {
      prepare(db);
      return new SqliteFile(db, path);
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw explain(path, error);
  }
}

/** 0: a new file. In 3 creations had rows like all others. */
const known: ReadonlySet<unknown> = new Set([0, 1, 2, 3, schemaVersion]);

/** What made the objects of formats 1 and 2 is not known. The revision of their last write is no other row's either, nor will be. */
const takeOver = `
  INSERT INTO objects SELECT revision, resource, namespace, name, revision, json FROM objects_old ORDER BY revision;
  DROP TABLE objects_old;`;

const eventsSince = `
  SELECT revision, resource, namespace, name, kind, previous, previous_revision AS previousRevision FROM events WHERE revision > :since
  UNION ALL
  SELECT previous_revision, resource, namespace, name, 'created', NULL, NULL FROM events
    WHERE previous_revision > :since AND previous_revision NOT IN (SELECT revision FROM events)
  UNION ALL
  SELECT revision, resource, namespace, name, 'created', NULL, NULL FROM objects
    WHERE revision > :since AND revision NOT IN (SELECT revision FROM events)
  ORDER BY 1 DESC`;

function prepare(db: DatabaseSync): void {
  // EXCLUSIVE: one server per file, and no shared-memory file. NORMAL: SQLite syncs around checkpoints only, which keeps the file
  // whole; that a COMMIT is on the disk is our own fsync of the log (SqliteFile.commit), which does not stop the event loop.
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  // Pages that many writes touch go to the file once for 16 MB of log: four times the default, and a quarter of the pauses.
  db.exec('PRAGMA wal_autocheckpoint = 4000; BEGIN IMMEDIATE');
  const version = db.prepare('PRAGMA user_version').get()?.['user_version'];
  if (!known.has(version)) {
    throw new StoreFileError(`has format ${String(version)}, this version reads ${String(schemaVersion)}`);
  }
  const old = version === 1 || version === 2;
  if (old) db.exec('ALTER TABLE objects RENAME TO objects_old');
  db.exec(`
    CREATE TABLE IF NOT EXISTS objects (
      created INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
      revision INTEGER NOT NULL, json TEXT NOT NULL);
    ${old ? takeOver : ''}
    CREATE TABLE IF NOT EXISTS events (
      revision INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
      previous TEXT, previous_revision INTEGER);
    CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT OR IGNORE INTO meta VALUES ('compacted', 1), ('revision', 1);
    PRAGMA user_version = ${String(schemaVersion)};
    COMMIT`);
}

class SqliteFile implements StoreFile {
  readonly #db: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #create: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #event: StatementSync;
  readonly #meta: StatementSync;
  readonly #trim: StatementSync;
  /** The write-ahead log: the same file for as long as the database is open. */
  readonly #log: number;
  /** Up to here it is written, frames or zeros. */
  #logEnd = 0;
  #broken: StoreFileError | undefined;
  #trimmed: number;
  readonly compacted: number;
  readonly revision: number;

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#log = openSync(`${path}-wal`, 'r+');
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#create = db.prepare('INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?)');
    this.#update = db.prepare('UPDATE objects SET revision = ?, json = ? WHERE created = ?');
    this.#delete = db.prepare('DELETE FROM objects WHERE created = ?');
    this.#event = db.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#meta = db.prepare('UPDATE meta SET value = ? WHERE name = ?');
    this.#trim = db.prepare('DELETE FROM events WHERE revision <= ?');
    const meta = new Map(
      db
        .prepare('SELECT name, value FROM meta')
        .all()
        .map((row) => [row['name'], row['value']]),
    );
    this.compacted = Number(meta.get('compacted'));
    this.revision = Number(meta.get('revision'));
    this.#trimmed = this.compacted;
  }

  objects(): Iterable<ObjectRow> {
    const rows = this.#db.prepare('SELECT * FROM objects').iterate();
    return rows as unknown as Iterable<ObjectRow>;
  }

  events(): Iterable<EventRow> {
    const rows = this.#db.prepare(eventsSince).iterate({ since: this.compacted });
    return rows as unknown as Iterable<EventRow>;
  }

  async commit(events: readonly StoreEvent[], compacted: number): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    this.#begin.run();
    try {
      for (const event of events) this.#write(event);
      this.#meta.run(events.at(-1)?.revision ?? 1, 'revision');
      this.#compact(compacted);
      this.#commit.run();
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
    this.#growLog();
    await this.#sync();
  }

  /**
   * A file that grows has its size in the file system's journal at each fsync, which then takes twice as long. So the log is made longer
   * some way ahead, with zeros: SQLite writes over them, and takes them for the end of the log (walIndexRecover in wal.c).
   */
  #growLog(): void {
    const { size } = fstatSync(this.#log);
    if (size <= this.#logEnd) return;
    try {
      this.#logEnd = size + writeSync(this.#log, Buffer.alloc(growth), 0, growth, size);
    } catch {
      // The disk is full, as SQLite will say if it needs the room.
      this.#logEnd = size;
    }
  }

  close(): void {
    this.#db.close();
    closeSync(this.#log);
  }

  async #sync(): Promise<void> {
    try {
      await fdatasyncOf(this.#log);
    } catch (error) {
      // Nobody can say what of the log is on the disk, and asking again would only say "all well" (fsync(2)).
      const text = error instanceof Error ? error.message : String(error);
      this.#broken = new StoreFileError(`the disk failed (${text}); mend it and start the API server again`, error);
      throw this.#broken;
    }
  }

  #write(event: StoreEvent): void {
    const { resource, revision, kind, object, previous } = event;
    const { namespace, name, createRevision, json } = object;
    if (kind === 'created') {
      this.#create.run(createRevision, resource, namespace, name, revision, json);
      return;
    }
    if (kind === 'deleted') this.#delete.run(createRevision);
    else this.#update.run(revision, json, createRevision);
    this.#event.run(revision, resource, namespace, name, kind, previous?.json ?? null, previous?.revision ?? null);
  }

  /** Some at a time, so that most commits do not touch the table's old pages. */
  #compact(compacted: number): void {
    if (compacted - this.#trimmed < 500) return;
    this.#meta.run(compacted, 'compacted');
    this.#trim.run(compacted);
    this.#trimmed = compacted;
  }
}

/** SQLite's codes in a person's words, with what to do. */
function explain(path: string, error: unknown): StoreFileError {
  const text = error instanceof Error ? error.message : String(error);
  if (/locked|busy/i.test(text)) {
    return new StoreFileError(
      `${path} is in use by another API server; stop that one or use another data directory`,
      error,
    );
  }
  if (/malformed|not a database|corrupt/i.test(text)) {
    return new StoreFileError(`${path} is damaged (${text}); restore a copy, or remove the file to start empty`, error);
  }
  return new StoreFileError(`${path}: ${text}`, error);
}
