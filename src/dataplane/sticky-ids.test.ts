/** Ids of endpoints under session affinity: one per endpoint and service port, never two of one name, taken over by a restart. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Sticky } from './held.ts';
import { groupMask, StickyIds } from './sticky-ids.ts';

const endpoints = Array.from({ length: 6 }, (_, i) => `10.244.1.${String(i)} 8080`);
const pool = fc.subarray(endpoints);

/** Two frontends of one service port, and one of another, as the table drives them. */
function settle(ids: StickyIds, name: string, before: readonly Sticky[], wanted: readonly string[]): readonly Sticky[] {
  const idOf = ids.of(name, before);
  const after = wanted.map((endpoint) => ({ id: idOf(endpoint), endpoint }));
  for (const sticky of after) ids.count(sticky, 1);
  for (const sticky of before) ids.count(sticky, -1);
  return after;
}

test('property: frontends of a port agree, ports never meet, and a gone endpoint is another one when it comes again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('a', 'a2', 'b'), pool), { maxLength: 40 }),
      fc.boolean(),
      (steps, restarts) => {
        let ids = new StickyIds();
        const held = new Map<string, readonly Sticky[]>();
        const gone = new Map<string, Set<number>>();
        for (const [frontend, wanted] of steps) {
          const port = frontend[0] ?? '';
          const old = new Map(
            [...held].flatMap(([of, all]) =>
              of[0] === port ? all.map(({ id, endpoint }) => [endpoint, id] as const) : [],
            ),
          );
          held.set(frontend, settle(ids, port, held.get(frontend) ?? [], wanted));
          const now = [...held].flatMap(([of, all]) => (of[0] === port ? all : []));
          const names = new Map(now.map(({ id, endpoint }) => [endpoint, id]));
          for (const { id, endpoint } of now) {
            assert.equal(names.get(endpoint), id, 'both frontends call it the same');
            assert.ok(!gone.get(endpoint)?.has(id), 'not remembered from before');
            if (old.has(endpoint)) assert.equal(id, old.get(endpoint), 'what stays keeps its id');
          }
          assert.equal(new Set(names.values()).size, names.size);
          for (const [endpoint, id] of old)
            if (!names.has(endpoint)) gone.set(endpoint, (gone.get(endpoint) ?? new Set()).add(id));
          const groups = new Map(
            [...held].map(([of, all]) => [of, new Set(all.map(({ id }) => (id & groupMask) >>> 0))]),
          );
          for (const id of groups.get('b') ?? []) assert.ok(!groups.get('a')?.has(id) && !groups.get('a2')?.has(id));
          if (!restarts) continue;
          ids = new StickyIds();
          const all = [...held.values()].flat();
          ids.recount([...all.map(({ id }) => id), ...[...gone.values()].flatMap((some) => [...some])]);
          for (const sticky of all) ids.count(sticky, 1);
          for (const [of, some] of held)
            held.set(
              of,
              settle(
                ids,
                of[0] ?? '',
                some,
                some.map(({ endpoint }) => endpoint),
              ),
            );
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('a group has room for 16,383 endpoints', () => {
  const idOf = new StickyIds().of('a', []);
  const all = new Set(Array.from({ length: 16_383 }, (_, i) => idOf(String(i))));
  assert.equal(all.size, 16_383);
  assert.ok(!all.has(0));
  assert.equal(idOf('one more'), 0);
});
