/** What was acknowledged is there after kill -9; a locked or damaged file is refused in words. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { openStore, StoreFileError } from './index.ts';
import type { Slot, Store } from './index.ts';

const stamp = (value: object, revision: number): object => ({ ...value, revision });
const door = JSON.stringify(new URL('index.ts', import.meta.url).href);

/** A writer that outruns its reader leaves the whole history. */
const wholeHistory = { historyEvents: 10_000_000, historyBytes: 2 ** 40 };

/** Writes for ever, and prints each name once it is acknowledged. */
const writer = `
  const { openStore } = await import(${door});
  const { writeSync } = await import('node:fs');
  const stamp = (value, revision) => ({ ...value, revision });
  const store = openStore({ dir: process.argv[1], stamp, ...${JSON.stringify(wholeHistory)} });
  for (let i = 0; ; i++) {
    const name = process.argv[2] + '-' + i;
    store.transact((tx) => tx.put({ resource: 'r', namespace: '', name }, { i })).then(() => writeSync(1, name + '\\n'));
    if (i % 7 === 0) await new Promise(setImmediate);
  }`;

function directory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'store-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('kill -9 at any moment: every acknowledged write is there, and the history has no hole', async (t) => {
  const dir = directory(t);
  const acknowledged: string[] = [];
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', writer, dir, `round${String(round)}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > 4000 + round * 777) child.kill('SIGKILL');
    });
    await once(child, 'close');
    // A line without its end was cut by the kill; the write behind it may or may not be there.
    acknowledged.push(...output.split('\n').slice(0, -1));
  }
  const store = openStore({ dir, stamp, ...wholeHistory });
  const present = new Set(store.list('r').map((item) => item.name));
  assert.ok(acknowledged.length > 400);
  assert.deepEqual(
    acknowledged.filter((name) => !present.has(name)),
    [],
  );
  const revisions = store
    .watch('r', 1, () => undefined)
    .read(1_000_000)
    .map((event) => event.revision);
  assert.deepEqual(
    revisions,
    revisions.map((_, i) => i + 2),
  );
  await store.close();
});

test('a second server on the same directory is told so', async (t) => {
  const dir = directory(t);
  const store = openStore({ dir, stamp });
  assert.throws(
    () => openStore({ dir, stamp }),
    (error) => error instanceof StoreFileError && /in use by another/.test(error.message),
  );
  await store.close();
  await openStore({ dir, stamp }).close();
});

/** As the formats before kept their objects. */
const oldTables = {
  1: `CREATE TABLE first (
      resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, json TEXT NOT NULL,
      PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID`,
  2: `CREATE TABLE first (
      resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, json TEXT NOT NULL,
      PRIMARY KEY (resource, namespace, name))`,
};

/** Until 3 each creation was among the events. */
const creations = `INSERT INTO events SELECT revision, resource, namespace, name, 'created', NULL, NULL FROM`;
const loggedCreations = `
  ${creations} objects WHERE revision NOT IN (SELECT revision FROM events);
  ${creations} (SELECT previous_revision AS revision, resource, namespace, name FROM events WHERE previous IS NOT NULL)`;

for (const format of [1, 2, 3] as const) {
  test(`a file of format ${String(format)} is read, and is of the present format afterwards`, (t) =>
    readsOldFile(t, format));
}

async function readsOldFile(t: TestContext, format: 1 | 2 | 3): Promise<void> {
  const dir = directory(t);
  let store = openStore({ dir, stamp });
  const slot = (name: string): Slot => ({ resource: 'r', namespace: '', name });
  for (const name of ['a', 'b', 'a', 'c']) await store.transact((tx) => tx.put(slot(name), { name }));
  await store.close();
  const db = new DatabaseSync(join(dir, 'store.sqlite'));
  db.exec(`${loggedCreations}; PRAGMA user_version = ${String(format)}`);
  if (format !== 3) {
    db.exec(`${oldTables[format]};
      INSERT INTO first SELECT resource, namespace, name, revision, json FROM objects ORDER BY name;
      DROP TABLE objects; ALTER TABLE first RENAME TO objects`);
  }
  db.close();
  for (let opened = 0; opened < 2; opened++) {
    store = openStore({ dir, stamp });
    assert.deepEqual(
      store.list('r').map(({ value }) => value),
      [
        { name: 'a', revision: 4 },
        { name: 'b', revision: 3 },
        { name: 'c', revision: 5 },
      ],
    );
    assert.equal(store.revision, 5);
    const events = store.watch('r', 1, () => undefined).read(10);
    assert.deepEqual(
      events.map(({ kind, revision, object: { name } }) => `${String(revision)} ${name} ${kind}`),
      ['2 a created', '3 b created', '4 a updated', '5 c created'],
    );
    await store.close();
  }
  store = openStore({ dir, stamp });
  await store.transact((tx) => tx.delete(slot('b')));
  await store.transact((tx) => tx.put(slot('b'), { again: true }));
  await store.transact((tx) => tx.put(slot('a'), { changed: true }));
  await store.transact((tx) => tx.delete(slot('c')));
  await store.close();
  store = openStore({ dir, stamp });
  assert.deepEqual(
    store.list('r').map(({ name, value }) => [name, value]),
    [
      ['a', { changed: true, revision: 8 }],
      ['b', { again: true, revision: 7 }],
    ],
  );
  assert.equal(store.revision, 9);
  await store.close();
}

test('readers see what is durable: nothing of a batch before its fsync, not even in a refusal', async (t) => {
  const store = openStore({ dir: directory(t), stamp });
  const slot = { resource: 'r', namespace: '', name: 'a' };
  let ran = false;
  const put = store.transact((tx) => {
    tx.put(slot, {});
    ran = true;
  });
  const order: string[] = [];
  const refused = store.transact((tx) => {
    assert.deepEqual(
      tx.list('r').map(({ name }) => name),
      ['a'],
    );
    throw new Error('there is one already');
  });
  void put.then(() => order.push('put'));
  refused.catch(() => order.push('refused'));
  while (!ran) await new Promise(setImmediate);
  assert.equal(store.get(slot), undefined);
  assert.deepEqual([store.list('r'), store.snapshot('r').items, store.revision], [[], [], 1]);
  await put;
  await assert.rejects(refused, /there is one already/);
  assert.deepEqual(order, ['put', 'refused']);
  assert.equal(store.get(slot)?.revision, 2);
  await store.close();
});

/** Transactions of which each asks for the next one while it runs: each is of another batch, over the one on its way to the disk. */
async function follow(store: Store, names: readonly string[], note: (text: string) => void): Promise<void> {
  const [name, ...rest] = names;
  if (name === undefined) return;
  let next: Promise<void> | undefined;
  const written = store.transact((tx) => {
    next = follow(store, rest, note);
    tx.onRollback(() => note(`${name} undone`));
    tx.put({ resource: 'r', namespace: '', name }, { over: tx.list('r').map((item) => item.name) });
  });
  const told = written.then(
    () => note(`${name} answered`),
    (error: unknown) => note(`${name} refused: ${error instanceof StoreFileError ? 'the disk failed' : String(error)}`),
  );
  await told;
  await next;
}

test('batches run while others are on their way to the disk: each over what came before, answered in order', async (t) => {
  const dir = directory(t);
  let store = openStore({ dir, stamp });
  const order: string[] = [];
  const names = Array.from({ length: 50 }, (_, i) => `n${String(i).padStart(2, '0')}`);
  await follow(store, names, (text) => order.push(text));
  assert.deepEqual(
    order,
    names.map((name) => `${name} answered`),
  );
  const values = names.map((_, i) => ({ over: names.slice(0, i), revision: i + 2 }));
  for (let opened = 0; opened < 2; opened++) {
    assert.deepEqual(
      store.list('r').map(({ value }) => value),
      values,
    );
    await store.close();
    store = openStore({ dir, stamp });
  }
  await store.close();
});

test('a disk that fails takes along what ran over the lost batch, newest first, and nothing is written any more', async (t) => {
  const dir = directory(t);
  const store = openStore({ dir, stamp });
  // The descriptor of the log becomes one that cannot be synced.
  const log = Number(readdirSync('/proc/self/fd').findLast((fd) => linkOf(fd) === join(dir, 'store.sqlite-wal')));
  closeSync(log);
  assert.equal(openSync('/dev/null', 'r'), log);
  // All threads that could ask the disk are busy while the second batch runs.
  const busy = Array.from({ length: 4 }, () => promisify(pbkdf2)('', '', 100_000, 64, 'sha512'));
  const order: string[] = [];
  await follow(store, ['a', 'b'], (text) => order.push(text));
  assert.deepEqual(order.toSorted(), [
    'a refused: the disk failed',
    'a undone',
    'b refused: the disk failed',
    'b undone',
  ]);
  assert.ok(order.indexOf('b undone') < order.indexOf('a undone'));
  assert.deepEqual([store.list('r'), store.revision], [[], 1]);
  await assert.rejects(
    store.transact((tx) => tx.put({ resource: 'r', namespace: '', name: 'c' }, {})),
    StoreFileError,
  );
  await Promise.all(busy);
  await store.close();
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

test('a damaged file is named, with the fix', async (t) => {
  const dir = directory(t);
  writeFileSync(join(dir, 'store.sqlite'), 'this is no database, it only has the name of one'.repeat(100));
  assert.throws(
    () => openStore({ dir, stamp }),
    (error) => error instanceof StoreFileError && /damaged.*restore a copy/.test(error.message),
  );
  const other = directory(t);
  const store = openStore({ dir: other, stamp });
  for (let i = 0; i < 200; i++)
    await store.transact((tx) => tx.put({ resource: 'r', namespace: '', name: String(i) }, { text: 'x'.repeat(500) }));
  await store.close();
  truncateSync(join(other, 'store.sqlite'), 10_000);
  assert.throws(() => openStore({ dir: other, stamp }), StoreFileError);
});

test('a directory that cannot be made is named', () => {
  assert.throws(
    () => openStore({ dir: '/dev/null/store', stamp }),
    (error) => error instanceof StoreFileError && error.message.includes('/dev/null'),
  );
});
