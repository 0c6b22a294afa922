/** The store against a dumb model: random transactions, some of which throw, reopened at random; watches see every event once. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { CompactedError, openStore } from './index.ts';
import type { Store, StoreEvent } from './index.ts';

function stamp(value: object, revision: number): object {
  return { ...value, revision };
}

function directory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'store-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

type Step =
  | { readonly kind: 'put' | 'delete'; readonly resource: string; readonly namespace: string; readonly name: string }
  | { readonly kind: 'fail' | 'dry' | 'reopen' };

const names = fc.constantFrom('a', 'b', 'a-b', 'c.d', 'zz');
const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('put' as const, 'delete' as const),
      resource: fc.constantFrom('v1/x', 'apps/y'),
      namespace: fc.constantFrom('', 'n', 'n-1'),
      name: names,
    }),
    fc.record({ kind: fc.constantFrom('fail' as const, 'dry' as const, 'reopen' as const) }),
  ),
  { maxLength: 40 },
);

interface Model {
  revision: number;
  readonly objects: Map<string, number>;
  readonly log: string[];
}

test('random transactions and reopens: the store is the dumb model, lists of the past too', async (t) => {
  await fc.assert(
    fc.asyncProperty(steps, async (plan: readonly Step[]) => {
      const dir = mkdtempSync(join(directory(t), 'run-'));
      const model: Model = { revision: 1, objects: new Map(), log: [] };
      const past = new Map<number, string[]>();
      let store = openStore({ dir, stamp });
      for (const step of plan) {
        past.set(store.revision, state(store, 'v1/x'));
        if (step.kind === 'reopen') {
          await store.close();
          store = openStore({ dir, stamp });
        } else await apply(store, model, step);
        assert.equal(store.revision, model.revision);
      }
      assert.deepEqual([...state(store, 'v1/x'), ...state(store, 'apps/y')], expected(model));
      assert.deepEqual(replay(store), model.log);
      for (const [revision, items] of past) {
        const snapshot = store.snapshot('v1/x', { revision });
        assert.deepEqual(
          snapshot.items.map((item) => `v1/x ${item.namespace}/${item.name} ${String(item.revision)}`),
          items,
        );
      }
      await store.close();
    }),
    { numRuns: 60 },
  );
});

async function apply(store: Store, model: Model, step: Exclude<Step, { kind: 'reopen' }>): Promise<void> {
  if (step.kind === 'put' || step.kind === 'delete') {
    const id = `${step.resource} ${step.namespace}/${step.name}`;
    const existed = model.objects.has(id);
    await store.transact((tx) => (step.kind === 'put' ? tx.put(step, { name: step.name }) : tx.delete(step)));
    if (step.kind === 'delete' && !existed) return;
    model.revision++;
    if (step.kind === 'put') model.objects.set(id, model.revision);
    else model.objects.delete(id);
    model.log.push(
      `${String(model.revision)} ${step.kind === 'delete' ? 'deleted' : existed ? 'updated' : 'created'} ${id}`,
    );
    return;
  }
  let undone = 0;
  const attempt = store.transact(
    (tx) => {
      tx.onRollback(() => undone++);
      tx.put({ resource: 'v1/x', namespace: 'n', name: 'a' }, {});
      tx.delete({ resource: 'v1/x', namespace: '', name: 'b' });
      if (step.kind === 'fail') throw new Error('refused');
    },
    { dryRun: true },
  );
  if (step.kind === 'fail') await assert.rejects(attempt, /refused/);
  else await attempt;
  assert.equal(undone, 1);
}

function state(store: Store, resource: string): string[] {
  return store.list(resource).map((item) => `${resource} ${item.namespace}/${item.name} ${String(item.revision)}`);
}

function expected(model: Model): string[] {
  const of = (resource: string): string[] =>
    [...model.objects.keys()]
      .filter((id) => id.startsWith(`${resource} `))
      .sort()
      .map((id) => `${id} ${String(model.objects.get(id))}`);
  return [...of('v1/x'), ...of('apps/y')];
}

function replay(store: Store): string[] {
  const events = ['v1/x', 'apps/y'].flatMap((resource) => {
    const cursor = store.watch(resource, 1, () => undefined);
    const read = cursor.read(1000);
    cursor.close();
    return read;
  });
  return events.sort((a, b) => a.revision - b.revision).map(text);
}

function text(event: StoreEvent): string {
  assert.equal((event.object.value as { revision: number }).revision, event.revision);
  return `${String(event.revision)} ${event.kind} ${event.resource} ${event.object.namespace}/${event.object.name}`;
}

test('transactions of one turn see each other and share one commit; a thrown one leaves no trace', async (t) => {
  const store = openStore({ dir: directory(t), stamp });
  const slot = { resource: 'r', namespace: '', name: 'counter' };
  const count = (): number => (store.get(slot)?.value as { n?: number } | undefined)?.n ?? 0;
  const jobs = Array.from({ length: 100 }, (_, i) =>
    store.transact((tx) => {
      const n = (tx.get(slot)?.value as { n?: number } | undefined)?.n ?? 0;
      tx.put(slot, { n: n + 1 });
      if (i % 10 === 9) throw new Error('no');
    }),
  );
  assert.equal(count(), 0, 'nothing is visible before the commit');
  const settled = await Promise.allSettled(jobs);
  assert.equal(settled.filter((result) => result.status === 'fulfilled').length, 90);
  assert.equal(count(), 90);
  assert.equal(store.revision, 91);
  await store.close();
});

test('a watcher that lags gets CompactedError, also for a start that is too old, also after a restart', async (t) => {
  const dir = directory(t);
  const open = (): Store => openStore({ dir, stamp, historyEvents: 1000 });
  let store = open();
  let woken = 0;
  const cursor = store.watch('r', 1, () => woken++);
  for (let turn = 0; turn < 20; turn++) {
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        store.transact((tx) => tx.put({ resource: 'r', namespace: '', name: String(i) }, { turn })),
      ),
    );
  }
  assert.ok(woken >= 20);
  assert.throws(() => cursor.read(10), CompactedError);
  assert.throws(() => store.watch('r', 5, () => undefined), CompactedError);
  const resume = store.compactedRevision;
  assert.equal(resume, 1001);
  await store.close();
  store = open();
  const again = store.watch('r', resume, () => undefined);
  assert.deepEqual(
    again.read(5000).map((event) => event.revision),
    Array.from({ length: 1000 }, (_, i) => resume + 1 + i),
  );
  assert.throws(() => store.watch('r', 5, () => undefined), CompactedError);
  await store.close();
});

test('a reader of another resource moves on without events, so that its cursor never falls behind', async (t) => {
  const store = openStore({ dir: directory(t), stamp, historyEvents: 10 });
  const cursor = store.watch('quiet', store.revision, () => undefined);
  for (let i = 0; i < 50; i++) {
    await store.transact((tx) => tx.put({ resource: 'busy', namespace: '', name: 'x' }, { i }));
    if (i % 5 === 0) assert.deepEqual(cursor.read(10), []);
  }
  await store.close();
});

test('values are frozen copies of what was put; after 8 MB of others they are parsed again and say the same', async (t) => {
  const store = openStore({ dir: directory(t), stamp });
  const slot = { resource: 'r', namespace: '', name: 'a' };
  const body = { list: [{ n: 1 }] };
  const put = await store.transact((tx) => {
    const stored = tx.put(slot, body);
    body.list.push({ n: 2 });
    return stored;
  });
  const first = put.value as typeof body;
  assert.deepEqual(first.list, [{ n: 1 }]);
  assert.throws(() => first.list.push({ n: 3 }), TypeError);
  assert.equal(put.value, first, 'remembered');
  const big = { text: 'x'.repeat(1024 * 1024) };
  for (let i = 0; i < 9; i++) {
    const { value } = await store.transact((tx) => tx.put({ resource: 'r', namespace: '', name: `big-${i}` }, big));
    assert.equal((value as typeof big).text.length, big.text.length);
  }
  assert.notEqual(put.value, first, 'forgotten');
  assert.deepEqual(put.value, first);
  await store.close();
});
