import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { difference, elementsOf, emptyElements, mapNames, parseElements, setNames } from './elements.ts';
import type { Elements } from './elements.ts';
import { createIdBook } from './ids.ts';
import type { LbFrontend, LbTarget } from './targets.ts';

const node = (n: number): LbTarget => ({ address: `10.10.10.${n}`, port: 30080 });

function frontend(active: readonly LbTarget[], more: Partial<LbFrontend['frontend']> = {}): LbFrontend {
  const base = {
    kind: 'LoadBalancerIP' as const,
    service: { namespace: 'default', name: 'web' },
    portName: '',
    family: 'IPv4' as const,
    protocol: 'TCP' as const,
    address: '198.51.100.129',
    port: 80,
    policy: 'Cluster' as const,
    affinitySeconds: undefined,
    sourceRanges: undefined,
  };
  return { frontend: { ...base, ...more }, active, lingering: [] };
}

function text(elements: Elements): readonly string[] {
  return [...setNames, ...mapNames].flatMap((name) =>
    [...elements[name]].map(([key, value]) => `${name} ${key}${value === '' ? '' : ` : ${value}`}`),
  );
}

test('a frontend is one service, a slot per node, and its address', () => {
  const elements = elementsOf(['198.51.100.129'], [frontend([node(1), node(2)])], createIdBook());
  assert.deepEqual(text(elements), [
    'vips 198.51.100.129',
    'services 198.51.100.129 . 6 . 80 : goto pick2',
    'slots 198.51.100.129 . 6 . 80 . 0x80000000 : 0x00000001',
    'slots 198.51.100.129 . 6 . 80 . 0x80000001 : 0x00000002',
    'backends 0x00000001 : 10.10.10.1 . 30080',
    'backends 0x00000002 : 10.10.10.2 . 30080',
  ]);
});

test('without a node there is no service, so the input chain refuses; the address stays', () => {
  assert.deepEqual(text(elementsOf(['198.51.100.129'], [frontend([])], createIdBook())), ['vips 198.51.100.129']);
});

test('affinity adds members and a chain with its time-out', () => {
  const elements = elementsOf([], [frontend([node(1)], { affinitySeconds: 60, protocol: 'UDP' })], createIdBook());
  assert.ok(text(elements).includes('services 198.51.100.129 . 17 . 80 : goto pick1-keep60'));
  assert.ok(text(elements).includes('members 198.51.100.129 . 17 . 80 . 0x00000001'));
});

test('source ranges: overlapping ones are merged, an empty list admits nobody', () => {
  const rangesOf = (sourceRanges: readonly string[]): readonly string[] =>
    text(elementsOf([], [frontend([], { sourceRanges })], createIdBook()));
  assert.deepEqual(rangesOf([]), ['restricted 198.51.100.129 . 6 . 80']);
  assert.deepEqual(rangesOf(['10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8', '192.168.1.1/32']), [
    'restricted 198.51.100.129 . 6 . 80',
    'allowed 198.51.100.129 . 6 . 80 . 10.0.0.0/8',
    'allowed 198.51.100.129 . 6 . 80 . 192.168.1.1',
  ]);
});

test('what nft prints is read back', () => {
  const listing = `table ip portolan-lb {
	map slots {
		type ipv4_addr . inet_proto . inet_service . mark : mark
		elements = { 198.51.100.129 . 6 . 80 . 0x80000000 : 0x00000001,
			     198.51.100.129 . 6 . 80 . 0x80000001 : 0x00000002 }
	}
}
`;
  assert.deepEqual(
    [...parseElements(listing)],
    [
      ['198.51.100.129 . 6 . 80 . 0x80000000', '0x00000001'],
      ['198.51.100.129 . 6 . 80 . 0x80000001', '0x00000002'],
    ],
  );
  assert.equal(parseElements('table ip portolan-lb {\n\tset vips {\n\t\ttype ipv4_addr\n\t}\n}\n').size, 0);
});

test('a node keeps its number while it is known, and no number is 0', () => {
  const ids = createIdBook();
  ids.adopt(7, node(3));
  assert.equal(ids.idOf(node(3)), 7);
  assert.equal(ids.idOf(node(1)), 8);
  ids.keep([node(1)]);
  assert.equal(ids.idOf(node(1)), 8);
  assert.equal(ids.idOf(node(3)), 9, 'a number of the past is not given again soon');
});

test('random changes: the difference applied to the old state is the new state', () => {
  const arbitrary = fc.array(
    fc.record({
      nodes: fc.uniqueArray(fc.integer({ min: 1, max: 5 })),
      port: fc.integer({ min: 80, max: 83 }),
      affinity: fc.option(fc.constantFrom(60, 10800), { nil: undefined }),
      ranges: fc.option(fc.subarray(['10.0.0.0/8', '10.1.0.0/16', '192.168.0.0/16']), { nil: undefined }),
    }),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(fc.array(arbitrary, { maxLength: 6 }), (history) => {
      const ids = createIdBook();
      let known = emptyElements();
      for (const state of history) {
        const frontends = state.map((at) =>
          frontend(at.nodes.map(node), { port: at.port, affinitySeconds: at.affinity, sourceRanges: at.ranges }),
        );
        const next = elementsOf([], frontends, ids);
        const { deletes, adds } = difference('IPv4', known, next);
        known = replay(known, [...deletes, ...adds]);
        assert.deepEqual(text(known).toSorted(), text(next).toSorted());
        for (const mark of next.slots.values()) assert.ok(next.backends.has(mark), 'every slot leads to a node');
      }
    }),
  );
});

/** A kernel in a few lines: strict, as the real one is about deleting what is not there. */
function replay(state: Elements, script: readonly string[]): Elements {
  const copy = emptyElements();
  for (const name of [...setNames, ...mapNames]) for (const [k, v] of state[name]) copy[name].set(k, v);
  for (const line of script) {
    const [, verb, name, body = ''] = /^(\w+) element ip portolan-lb (\w+) \{ (.*) \}$/.exec(line) ?? [];
    const collection = copy[name as keyof Elements];
    for (const element of body.split(', ')) {
      const [key = '', value = ''] = element.split(' : ');
      if (verb === 'add') {
        assert.ok(!collection.has(key), `twice: ${element}`);
        collection.set(key, value);
      } else assert.ok(collection.delete(key), `not there: ${element}`);
    }
  }
  return copy;
}
