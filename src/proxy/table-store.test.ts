/** The table of a start, entry by entry, is the one that the model builds, whatever changes while it is read. */
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { service, slice } from '../dataplane/testing/index.ts';
import { buildTable } from '../model/index.ts';
import type { NodeView, TableEntry } from '../model/index.ts';
import { TableStore } from './table-store.ts';

const node: NodeView = { nodeName: 'node-1', addresses: ['10.10.10.1'], zone: '' };
const contested = ['198.51.100.200', '198.51.100.201'];

const shape = fc.record({
  age: fc.nat({ max: 2 }),
  externalIPs: fc.subarray(contested),
  protocol: fc.constantFrom('TCP', 'UDP'),
});
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

function serviceOf(n: number, { age, externalIPs, protocol }: Shape): Service {
  const made = service(`s-${String(n)}`, {
    clusterIP: `10.96.0.${String(n + 1)}`,
    externalIPs,
    ports: [{ port: 80, protocol }],
  });
  return { ...made, metadata: { ...made.metadata, creationTimestamp: `2026-01-0${String(age + 1)}T00:00:00Z` } };
}

function sliceOf({ metadata, spec }: Service): EndpointSlice {
  const protocol = spec?.ports?.[0]?.protocol ?? 'TCP';
  return slice(metadata?.name ?? '', 8080, [{ address: '10.244.1.2' }], { protocol });
}

function storeOf(services: Iterable<Service>): TableStore {
  const store = new TableStore(node);
  for (const one of services) {
    store.setService(one, undefined);
    store.setSlice(sliceOf(one), undefined);
  }
  return store;
}

const built = (services: readonly Service[]): ReadonlyMap<string, TableEntry> =>
  buildTable({
    services,
    slices: services.map(sliceOf),
    node,
  }).entries;

const byKey = (entries: Iterable<TableEntry>): ReadonlyMap<string, TableEntry> =>
  new Map(Array.from(entries, (entry) => [entry.key, entry]));

describe('table store', () => {
  it('property: takes all of what the model builds, each key once and from the oldest that claims it', () => {
    fc.assert(
      fc.property(fc.array(shape, { maxLength: 5 }), (shapes) => {
        const services = shapes.map((one, n) => serviceOf(n, one));
        const store = storeOf(services);
        const { services: names, entries } = store.takeAll();
        const all = [...entries];
        assert.deepEqual(byKey(all), built(services));
        assert.equal(new Set(all.map(({ key }) => key)).size, all.length);
        assert.equal(names.length, services.length);
        assert.deepEqual(store.take().diff, { set: [], remove: [] });
      }),
    );
  });

  it('property: what changes while it is taken comes with the next diff', () => {
    fc.assert(
      fc.property(fc.array(shape, { minLength: 1, maxLength: 5 }), fc.nat(), fc.nat(), shape, (shapes, n, at, now) => {
        const services = shapes.map((one, i) => serviceOf(i, one));
        const store = storeOf(services);
        const changed = n % services.length;
        const held = new Map<string, TableEntry>();
        let count = 0;
        const change = (): void => {
          // Every third one is taken away.
          const after = n % 3 === 0 ? undefined : serviceOf(changed, now);
          const [before] = services.slice(changed);
          store.setService(after, before);
          store.setSlice(after && sliceOf(after), before && sliceOf(before));
          services.splice(changed, 1, ...(after === undefined ? [] : [after]));
        };
        for (const entry of store.takeAll().entries) {
          held.set(entry.key, entry);
          if (count++ === at % 4) change();
        }
        if (count <= at % 4) change();
        const { diff } = store.take();
        for (const key of diff.remove) held.delete(key);
        for (const entry of diff.set) held.set(entry.key, entry);
        assert.deepEqual(held, built(services));
      }),
    );
  });

  it('tells the names of those that are gone too, and forgets nothing when a start is done again', () => {
    const old = serviceOf(0, { age: 0, externalIPs: [], protocol: 'TCP' });
    const store = storeOf([old]);
    for (const _ of store.takeAll().entries) break;
    assert.equal([...store.takeAll().entries].length, 1);
    store.setService(undefined, old);
    assert.deepEqual(store.takeAll().services, ['default/s-0']);
  });
});
