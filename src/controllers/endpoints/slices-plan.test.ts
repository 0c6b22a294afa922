import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { node, nodes, pod, service, stored } from '../fixtures.ts';
import type { Write } from '../writes.ts';
import { maxEndpointsPerSlice } from './packing.ts';
import { planSlices } from './slices-plan.ts';
import type { SlicesInput } from './slices-plan.ts';

const zoned = node('node-1', { metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'a' } } });
const defaults = { nodes: nodes(zoned, node('node-2')), slices: [], triggerTime: undefined };

function plan(input: Pick<SlicesInput, 'service' | 'pods'> & Partial<SlicesInput>): readonly Write[] {
  return planSlices({ ...defaults, ...input }).writes;
}

function written(writes: readonly Write[]): EndpointSlice[] {
  return writes.flatMap((write) =>
    write.verb === 'create' || write.verb === 'update' ? [write.object as EndpointSlice] : [],
  );
}

/** The API server's side: what there is after the writes. */
function after(slices: readonly Live<EndpointSlice>[], writes: readonly Write[]): Live<EndpointSlice>[] {
  const byName = new Map(slices.map((slice) => [slice.metadata.name, slice]));
  for (const write of writes) {
    if (write.verb === 'delete') byName.delete(write.key.name);
    if (write.verb !== 'create' && write.verb !== 'update') continue;
    const name = write.object.metadata?.name ?? `s${(made += 1)}`;
    byName.set(name, stored(write.object as EndpointSlice, name));
  }
  return [...byName.values()];
}
let made = 0;

describe('EndpointSlice plan', () => {
  it('writes a slice as upstream does', () => {
    const pods = [pod('a', { ip: '10.0.0.1' })];
    const [write] = plan({
      service: service({}, { labels: { team: 'x' } }),
      pods,
      triggerTime: '2026-01-01T00:00:00Z',
    });
    assert.equal(write?.verb, 'create');
    assert.deepEqual(write.object, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        generateName: 'web-',
        namespace: 'default',
        labels: {
          team: 'x',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' },
        ownerReferences: [
          {
            apiVersion: 'v1',
            kind: 'Service',
            name: 'web',
            uid: 'uid-web',
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.0.0.1'],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'node-1',
          targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' },
          zone: 'a',
        },
      ],
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    });
  });

  const conditions: readonly [string, Parameters<typeof pod>[1], Parameters<typeof service>[0], string][] = [
    ['ready', {}, {}, 'true true false'],
    ['not ready', { ready: false }, {}, 'false false false'],
    ['terminating, serving', { terminating: true }, {}, 'false true true'],
    ['terminating, not serving', { terminating: true, ready: false }, {}, 'false false true'],
    ['publishNotReadyAddresses', { ready: false }, { publishNotReadyAddresses: true }, 'true false false'],
    ['… terminating', { ready: false, terminating: true }, { publishNotReadyAddresses: true }, 'true false true'],
  ];
  for (const [name, options, spec, expected] of conditions) {
    it(`conditions: ${name}`, () => {
      const [slice] = written(plan({ service: service(spec), pods: [pod('a', { ip: '10.0.0.1', ...options })] }));
      const { ready, serving, terminating } = slice?.endpoints?.[0]?.conditions ?? {};
      assert.equal(`${ready} ${serving} ${terminating}`, expected);
    });
  }

  for (const [name, options] of [
    ['Failed', { phase: 'Failed', ip: '10.0.0.1' }],
    ['Succeeded', { phase: 'Succeeded', ip: '10.0.0.1' }],
    ['without an address', {}],
    ['of the other family', { ip: 'fd00::1' }],
  ] as const) {
    it(`leaves out a pod that is ${name}, also with publishNotReadyAddresses`, () => {
      const [slice, ...more] = written(
        plan({ service: service({ publishNotReadyAddresses: true }), pods: [pod('a', options)] }),
      );
      assert.deepEqual([slice?.endpoints, slice?.ports, more.length], [[], [], 0]);
    });
  }

  it('keeps one empty slice for each family of a service without pods, and fills it with the first', () => {
    const dual = service({ ipFamilies: ['IPv4', 'IPv6'] });
    const empty = after([], plan({ service: dual, pods: [] }));
    assert.deepEqual(
      empty.map(({ addressType }) => addressType),
      ['IPv4', 'IPv6'],
    );
    assert.deepEqual(plan({ service: dual, pods: [], slices: empty }), []);
    const pods = [pod('a', { ip: ['10.0.0.1', 'fd00::1'] })];
    const writes = plan({ service: dual, pods, slices: empty });
    assert.deepEqual(
      writes.map(({ verb }) => verb),
      ['update', 'update'],
    );
    const filled = after(empty, writes);
    assert.deepEqual(
      filled.map(({ endpoints }) => endpoints?.[0]?.addresses),
      [['10.0.0.1'], ['fd00::1']],
    );
    assert.deepEqual(plan({ service: dual, pods, slices: filled }), [], 'nothing to do twice');
    const emptied = after(filled, plan({ service: dual, pods: [], slices: filled }));
    assert.deepEqual(
      emptied.map(({ endpoints }) => endpoints?.length),
      [0, 0],
    );
  });

  it('resolves a named port pod by pod, in sidecars too: one set of ports a slice', () => {
    const ports = (containerPort: number) => [{ name: 'http', containerPort, protocol: 'TCP' }];
    const named = service({
      ports: [{ port: 80, targetPort: 'http', protocol: 'TCP', name: 'web', appProtocol: 'h2c' }],
    });
    const pods = [
      pod('a', { ip: '10.0.0.1', spec: { containers: [{ name: 'c', ports: ports(8001) }] } }),
      pod('b', { ip: '10.0.0.2', spec: { containers: [{ name: 'c', ports: ports(8002) }] } }),
      pod('c', {
        ip: '10.0.0.3',
        spec: {
          containers: [{ name: 'c' }],
          initContainers: [
            { name: 'once', ports: ports(9) },
            { name: 'sidecar', restartPolicy: 'Always', ports: ports(8001) },
          ],
        },
      }),
      pod('other', {
        ip: '10.0.0.4',
        spec: { containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 1, protocol: 'UDP' }] }] },
      }),
    ];
    const slices = written(plan({ service: named, pods }));
    const summary = slices.map(
      ({ ports: [port] = [], endpoints = [] }) =>
        `${port?.port} ${endpoints.map(({ addresses }) => addresses[0]).join()}`,
    );
    assert.deepEqual(summary.sort(), ['8001 10.0.0.1,10.0.0.3', '8002 10.0.0.2', 'undefined 10.0.0.4']);
    assert.equal(slices[0]?.ports?.[0]?.appProtocol, 'h2c');
  });

  it('marks headless services, and gives a pod its hostname under its own subdomain', () => {
    const headless = service({ clusterIP: 'None', ports: [] });
    const hosted = { hostname: 'db-0', subdomain: 'web' };
    const pods = [
      pod('a', { ip: '10.0.0.1', spec: hosted }),
      pod('b', { ip: '10.0.0.2', spec: { ...hosted, subdomain: 'else' } }),
    ];
    const [slice] = written(plan({ service: headless, pods }));
    assert.equal(slice?.metadata?.labels?.['service.kubernetes.io/headless'], '');
    assert.deepEqual(
      slice?.endpoints?.map(({ hostname }) => hostname),
      ['db-0', undefined],
    );
    assert.deepEqual(slice?.ports, []);
  });

  for (const [trafficDistribution, expected] of [
    ['PreferClose', { forZones: [{ name: 'a' }] }],
    ['PreferSameZone', { forZones: [{ name: 'a' }] }],
    ['PreferSameNode', { forZones: [{ name: 'a' }], forNodes: [{ name: 'node-1' }] }],
  ] as const) {
    it(`hints for ${trafficDistribution}, of ready endpoints only`, () => {
      const pods = [pod('a', { ip: '10.0.0.1' }), pod('b', { ip: '10.0.0.2', ready: false })];
      const [slice] = written(plan({ service: service({ trafficDistribution }), pods }));
      assert.deepEqual(
        slice?.endpoints?.map(({ hints }) => hints),
        [expected, undefined],
      );
    });
  }

  describe('topology-mode Auto', () => {
    const auto = { annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } };
    const zoneOf = (name: string, zone: string): ReturnType<typeof node> =>
      node(name, { metadata: { labels: { 'topology.kubernetes.io/zone': zone } } });
    const place = { nodes: nodes(zoneOf('node-1', 'a'), zoneOf('node-2', 'b')) };
    const shares = new Map([
      ['a', 0.5],
      ['b', 0.5],
    ]);
    const pods = [pod('a', { ip: '10.0.0.1' }), pod('b', { ip: '10.0.0.2', node: 'node-2' })];
    const hinted = planSlices({ ...defaults, ...place, service: service({}, auto), pods, shares });
    const slices = after([], hinted.writes);
    const events = (writes: readonly Write[]): string[] =>
      writes.flatMap((write) => (write.verb === 'event' ? [`${write.type} ${write.reason}: ${write.message}`] : []));
    const hintsOf = (list: readonly EndpointSlice[]): (string | undefined)[] =>
      list.flatMap(({ endpoints = [] }) => endpoints.map(({ hints }) => hints?.forZones?.[0]?.name));

    it('hints each endpoint in the first write, says so once, and has nothing to do after that', () => {
      assert.deepEqual(hintsOf(written(hinted.writes)), ['a', 'b']);
      assert.deepEqual(events(hinted.writes), [
        'Normal TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4',
      ]);
      assert.deepEqual(
        [hinted.hinted, hinted.zoneCounts.map((counts) => Object.fromEntries(counts))],
        [true, [{ a: 1, b: 1 }]],
      );
      const again = planSlices({
        ...defaults,
        ...place,
        service: service({}, auto),
        pods,
        slices,
        shares,
        hinted: true,
      });
      assert.deepEqual(again.writes, []);
    });

    it('takes hints away with an event when too few endpoints are left, and goes before trafficDistribution', () => {
      const spec = { trafficDistribution: 'PreferClose' };
      const input = { ...defaults, ...place, service: service(spec, auto), pods: pods.slice(0, 1), slices, shares };
      const { writes, hinted: still, zoneCounts } = planSlices({ ...input, hinted: true });
      assert.deepEqual(hintsOf(written(writes)), [undefined]);
      assert.deepEqual(events(writes), [
        'Warning TopologyAwareHintsDisabled: Insufficient number of endpoints (1 endpoints, 2 zones), addressType: IPv4',
      ]);
      assert.deepEqual([still, zoneCounts], [false, []]);
    });

    it('takes them away with the annotation, for one event, unless trafficDistribution wants the same', () => {
      const { writes, hinted: still } = planSlices({
        ...defaults,
        ...place,
        service: service(),
        pods,
        slices,
        hinted: true,
      });
      assert.deepEqual(hintsOf(written(writes)), [undefined, undefined]);
      assert.deepEqual(events(writes), [
        'Warning TopologyAwareHintsDisabled: Topology Aware Hints has been disabled, addressType: IPv4',
      ]);
      assert.equal(still, false);
      const close = service({ trafficDistribution: 'PreferSameZone' });
      assert.deepEqual(written(planSlices({ ...defaults, ...place, service: close, pods, slices }).writes), []);
    });

    it('weighs each family for itself', () => {
      const dual = service({ ipFamilies: ['IPv4', 'IPv6'] }, auto);
      const mixed = [pod('a', { ip: ['10.0.0.1', 'fd00::1'] }), pod('b', { ip: '10.0.0.2', node: 'node-2' })];
      const { writes } = planSlices({ ...defaults, ...place, service: dual, pods: mixed, shares });
      assert.deepEqual(hintsOf(written(writes)), ['a', 'b', undefined]);
      assert.deepEqual(events(writes), [
        'Normal TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4',
        'Warning TopologyAwareHintsDisabled: Insufficient number of endpoints (1 endpoints, 2 zones), addressType: IPv6',
      ]);
    });
  });

  it('waits for a node that it does not know, and says which', () => {
    const pods = [pod('a', { ip: '10.0.0.1', node: 'unknown' }), pod('b', { ip: '10.0.0.2' })];
    const { writes, missingNodes } = planSlices({ ...defaults, service: service(), pods });
    assert.deepEqual(missingNodes, ['unknown']);
    assert.equal(written(writes)[0]?.endpoints?.length, 1);
  });

  it('deletes slices of a family that the service has no more, and of a service that was before', () => {
    const pods = [pod('a', { ip: ['10.0.0.1', 'fd00::1'] })];
    const both = after([], plan({ service: service({ ipFamilies: ['IPv4', 'IPv6'] }), pods }));
    const writes = plan({ service: service(), pods, slices: both });
    assert.deepEqual(
      writes.map(({ verb }) => verb),
      ['delete'],
    );
    const again = plan({ service: service({}, { uid: 'another' }), pods, slices: both.slice(0, 1) });
    assert.deepEqual(again.map(({ verb }) => verb).sort(), ['create', 'delete']);
  });

  it('property: any history leaves exactly the pods there are, in full slices, and a second look writes nothing', () => {
    const change = fc.record({ remove: fc.nat(40), add: fc.nat(60), flip: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (history) => {
        let slices: Live<EndpointSlice>[] = [];
        let pods: ReturnType<typeof pod>[] = [];
        let names = 0;
        for (const { remove, add, flip } of history) {
          pods = pods.slice(Math.min(remove, pods.length));
          pods = pods.map((one, i) =>
            i < flip ? pod(one.metadata.name, { ip: one.status?.podIP, ready: false }) : one,
          );
          for (let i = 0; i < add; i++) {
            names += 1;
            pods.push(pod(`p${names}`, { ip: `10.0.${names >> 8}.${names & 255}` }));
          }
          const writes = plan({ service: service(), pods, slices });
          slices = after(slices, writes);
          const names_ = slices.flatMap(({ endpoints = [] }) => endpoints.map(({ targetRef }) => targetRef?.name));
          assert.deepEqual(names_.sort(), pods.map(({ metadata }) => metadata.name).sort());
          assert.ok(slices.every(({ endpoints = [] }) => endpoints.length <= maxEndpointsPerSlice));
          assert.ok(slices.length >= 1);
          assert.deepEqual(plan({ service: service(), pods, slices }), []);
          // A full rewrite would touch every slice; one new pod touches one.
          const more = [...pods, pod('one-more', { ip: '10.1.1.1' })];
          assert.equal(plan({ service: service(), pods: more, slices }).length, 1);
        }
      }),
      { numRuns: 60 },
    );
  });
});
