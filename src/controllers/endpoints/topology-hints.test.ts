/** topology-mode Auto. Cases with upstream's figures: k8s.io/endpointslice/topologycache/{topologycache,sliceinfo,utils}_test.go. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Endpoint, Node } from '../../api/gen/types.ts';
import { node } from '../fixtures.ts';
import { autoHints, isOverloaded, wantsAutoHints } from './topology-hints.ts';
import type { HintedSlices } from './topology-hints.ts';
import { topologyText, zoneShares } from './zone-shares.ts';

const sharesOf = (shares: Readonly<Record<string, number>>): ReadonlyMap<string, number> =>
  new Map(Object.entries(shares));

/** `a a>b b! c-`: an endpoint of zone a, one hinted for b, one of b that is not ready, one of c; '-' for no zone at all. */
function slice(text: string): Endpoint[] {
  return text
    .split(' ')
    .filter((one) => one !== '')
    .map((one, i) => {
      const [, zone = '', hint, notReady] = /^([a-z-]*)(?:>([a-z]+))?(!)?$/.exec(one) ?? [];
      return {
        addresses: [`10.1.2.${String(i)}`],
        conditions: { ready: notReady === undefined },
        ...(zone === '-' ? {} : { zone }),
        ...(hint === undefined ? {} : { hints: { forZones: [{ name: hint }] } }),
      };
    });
}

function hintsText(endpoints: readonly Endpoint[] | undefined): string {
  if (endpoints === undefined) return 'left';
  return endpoints.map(({ hints }) => hints?.forZones?.map(({ name }) => name).join('+') ?? '.').join(' ');
}

function countsOf({ outcome }: HintedSlices): Record<string, number> | string {
  return outcome.kind === 'hinted' ? Object.fromEntries(outcome.counts) : outcome.message;
}

interface Case {
  readonly what: string;
  readonly shares?: Readonly<Record<string, number>>;
  readonly touched: readonly string[];
  readonly untouched?: readonly string[];
  readonly want: readonly string[];
  readonly left?: readonly string[];
  readonly counts: Record<string, number> | string;
}

const unknown = 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
const cases: readonly Case[] = [
  { what: 'nothing known of the nodes, no endpoints', touched: [], want: [], counts: unknown },
  { what: 'nothing known of the nodes', touched: ['a>a'], want: ['.'], counts: unknown },
  {
    what: 'fewer endpoints than zones',
    shares: { a: 0.3, b: 0.4, c: 0.3 },
    touched: ['a b'],
    want: ['. .'],
    counts: 'Insufficient number of endpoints (2 endpoints, 3 zones)',
  },
  {
    what: 'one endpoint for each of two zones',
    shares: { a: 0.45, b: 0.55 },
    touched: ['a b'],
    want: ['a b'],
    counts: { a: 1, b: 1 },
  },
  {
    what: 'those that are not ready neither count nor get hints',
    shares: { a: 0.45, b: 0.55 },
    touched: ['a b b! b>b!'],
    want: ['a b . .'],
    counts: { a: 1, b: 1 },
  },
  {
    what: 'ten endpoints in four slices of three zones: one of zone a is given to b',
    shares: { a: 0.35, b: 0.35, c: 0.3 },
    touched: ['a b', 'c c a', 'a a', 'b c a'],
    want: ['b b', 'c c a', 'a a', 'b c a'],
    counts: { a: 4, b: 3, c: 3 },
  },
  {
    what: 'no way below the threshold: two zones that differ too much',
    shares: { a: 0.9, b: 0.1 },
    touched: ['a b'],
    want: ['. .'],
    counts:
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (2 endpoints, 2 zones)',
  },
  {
    what: 'one endpoint without a zone spoils it for all, and hints that there are go',
    shares: { a: 0.5, b: 0.5 },
    touched: ['a -'],
    untouched: ['b>b', 'b'],
    want: ['. .'],
    left: ['.', 'left'],
    counts: 'One or more endpoints do not have a zone specified',
  },
  {
    what: 'slices whose hints fit stay as they are, and are counted',
    shares: { a: 0.5, b: 0.5 },
    touched: ['a'],
    untouched: ['a>b b>a', 'b>b'],
    want: ['a'],
    left: ['left', 'left'],
    counts: { b: 2, a: 2 },
  },
  {
    what: 'a slice with an endpoint without a hint is written',
    shares: { a: 0.5, b: 0.5 },
    touched: [],
    untouched: ['a>a b'],
    want: [],
    left: ['a b'],
    counts: { a: 1, b: 1 },
  },
  {
    what: 'a hint for a zone that is gone is taken back',
    shares: { a: 0.5, b: 0.5 },
    touched: [],
    untouched: ['a>c b>b'],
    want: [],
    left: ['a b'],
    counts: { a: 1, b: 1 },
  },
  {
    what: 'too many hints for one zone are given out again',
    shares: { a: 0.5, b: 0.5 },
    touched: [],
    untouched: ['a>a a>a a>a a>a'],
    want: [],
    left: ['b b a a'],
    counts: { a: 2, b: 2 },
  },
  {
    what: 'an endpoint of a zone without ready nodes is hinted for it, and not written twice',
    shares: { a: 0.5, b: 0.5 },
    touched: [],
    untouched: ['a>a a>a b>b c>c'],
    want: [],
    left: ['left'],
    counts: { a: 2, b: 1, c: 1 },
  },
  {
    what: 'the own zone is kept where giving one more away would be only slightly fairer',
    shares: { a: 5.1 / 16, b: 5.1 / 16, c: 5.8 / 16 },
    touched: [Array<string>(16).fill('a').join(' ')],
    want: ['c c c c c b b b b b a a a a a a'],
    counts: { a: 6, b: 5, c: 5 },
  },
  {
    what: 'zones that lack less than one: the one that lacks most gets it',
    shares: { a: 5 / 16, b: 5.6 / 16, c: 5.4 / 16 },
    touched: [Array<string>(16).fill('a').join(' ')],
    want: ['b b b b b b c c c c c a a a a a'],
    counts: { a: 5, b: 6, c: 5 },
  },
];

describe('topology-mode Auto', () => {
  for (const { what, shares, touched, untouched = [], want, left = [], counts } of cases) {
    it(what, () => {
      const known = shares === undefined ? undefined : sharesOf(shares);
      const result = autoHints(touched.map(slice), untouched.map(slice), known);
      assert.deepEqual(result.touched.map(hintsText), want);
      assert.deepEqual(result.untouched.map(hintsText), left);
      assert.deepEqual(countsOf(result), counts);
    });
  }

  it('property: every ready endpoint has one zone, and a second look changes nothing', () => {
    const zones = ['a', 'b', 'c', 'd'];
    const weights = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 2, maxLength: 4 });
    const places = fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(weights, places, (cpus, list) => {
        const total = cpus.reduce((sum, cpu) => sum + cpu, 0);
        const shares = new Map(cpus.map((cpu, i) => [zones[i] ?? '', cpu / total]));
        const endpoints = slice(
          list.map(([at, ready]) => `${zones[at % cpus.length] ?? ''}${ready ? '' : '!'}`).join(' '),
        );
        const first = autoHints([endpoints], [], shares);
        const hinted = first.touched[0] ?? [];
        if (first.outcome.kind === 'refused') return assert.ok(hinted.every(({ hints }) => hints === undefined));
        for (const { hints, conditions } of hinted) {
          assert.equal(hints?.forZones?.length ?? 0, conditions?.ready === true ? 1 : 0);
        }
        const again = autoHints([], [hinted], shares);
        assert.deepEqual(again.untouched, [undefined]);
      }),
      { numRuns: 300 },
    );
  });

  for (const [annotations, want] of [
    [undefined, false],
    [{ 'service.kubernetes.io/topology-mode': 'Auto' }, true],
    [{ 'service.kubernetes.io/topology-mode': 'auto' }, true],
    [{ 'service.kubernetes.io/topology-mode': 'AUTO' }, false],
    [{ 'service.kubernetes.io/topology-aware-hints': 'auto' }, true],
    [
      { 'service.kubernetes.io/topology-aware-hints': 'disabled', 'service.kubernetes.io/topology-mode': 'Auto' },
      false,
    ],
  ] as const) {
    it(`annotations ${JSON.stringify(annotations)}: ${String(want)}`, () => {
      assert.equal(wantsAutoHints(annotations), want);
    });
  }

  for (const [counts, shares, want] of [
    [{}, { a: 0.5, b: 0.5 }, false],
    [{ a: 1 }, undefined, true],
    [{ a: 5, b: 5 }, { a: 0.5, b: 0.5 }, false],
    [{ a: 5 }, { a: 0.5, b: 0.5 }, true],
    [{ a: 6, b: 5 }, { a: 0.5, b: 0.5 }, false],
    [{ a: 9, b: 5 }, { a: 0.5, b: 0.5 }, true],
    [{ a: 1, b: 5 }, { a: 0.25, b: 0.75 }, true],
  ] as const) {
    it(`overloaded: ${JSON.stringify(counts)} of ${JSON.stringify(shares)}: ${String(want)}`, () => {
      assert.equal(isOverloaded(sharesOf(counts), shares === undefined ? undefined : sharesOf(shares)), want);
    });
  }
});

/** `a:1000m`, `b:2!` not ready, `c:1*` control plane, `:1` no zone, `a:` no CPU. */
function nodesOf(text: string): Node[] {
  return text
    .split(' ')
    .filter((one) => one !== '')
    .map((one, i) => {
      const [, zone = '', cpu = '', mark] = /^([a-z]*):([0-9m]*)([!*])?$/.exec(one) ?? [];
      return node(`n${String(i)}`, {
        metadata: {
          labels: {
            ...(zone === '' ? {} : { 'topology.kubernetes.io/zone': zone }),
            ...(mark === '*' ? { 'node-role.kubernetes.io/control-plane': '' } : {}),
          },
        },
        status: {
          conditions: [{ type: 'Ready', status: mark === '!' ? 'False' : 'True' }],
          ...(cpu === '' ? {} : { allocatable: { cpu } }),
        },
      });
    });
}

describe('zone shares', () => {
  for (const [text, want] of [
    ['', undefined],
    ['a:1000m', undefined],
    ['a:1000m a:1', undefined],
    ['a:1000m b:1', { a: 0.5, b: 0.5 }],
    ['a:1! b:1', undefined],
    ['a:1 b:1*', undefined],
    ['a:1 b:1 b:1!', { a: 0.5, b: 0.5 }],
    ['a:1 b:1 b:1*', { a: 0.5, b: 0.5 }],
    ['b:2000m a:2000m b:3500m c:2500m', { a: 0.2, b: 0.55, c: 0.25 }],
    ['a:1 b:1 :1', undefined],
    ['a:1 b:1 :1!', { a: 0.5, b: 0.5 }],
    ['a:1 b:1 b:', undefined],
  ] as const) {
    it(`of "${text}"`, () => {
      const shares = zoneShares(nodesOf(text));
      assert.deepEqual(shares === undefined ? undefined : Object.fromEntries(shares), want);
      assert.deepEqual([...(shares?.keys() ?? [])], Object.keys(want ?? {}), 'by name');
    });
  }

  it('only what decides makes a node another one', () => {
    const [one, same, zone, cpu, ready] = nodesOf('a:1 a:1 b:1 a:2 a:1!').map(topologyText);
    assert.equal(one, same);
    assert.ok([zone, cpu, ready, topologyText(undefined)].every((text) => text !== one));
  });
});
