/** What a Service means, as tables; each row is a rule of upstream. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Endpoint as SliceEndpoint, EndpointSlice, Service, ServiceSpec } from '../api/gen/types.ts';
import {
  backends,
  buildTable,
  endpoints,
  frontends,
  healthCheckPort,
  isUsableAddress,
  serviceEntries,
} from './index.ts';
import type { Frontend, NodeView, Selection } from './index.ts';

const node: NodeView = { nodeName: 'node-1', zone: 'a', addresses: ['10.10.10.1', 'fd00::1'] };
const http = { port: 80, protocol: 'TCP' };

function service(spec: ServiceSpec, more: Partial<Service> = {}): Service {
  return {
    metadata: { name: 'web', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { type: 'ClusterIP', clusterIPs: ['10.96.0.7'], ipFamilies: ['IPv4'], ports: [http], ...spec },
    ...more,
  };
}

function slice(ends: readonly Partial<SliceEndpoint>[], more: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: ends.map((end) => ({ addresses: ['10.244.1.2'], ...end })),
    ...more,
  };
}

const brief = (list: readonly Frontend[]): string[] =>
  list.map((f) => `${f.kind} ${f.address ?? '*'}:${String(f.port)}/${f.protocol} ${f.policy} ${f.family}`);
const addressesOf = (selection: Selection): string[] => selection.endpoints.map(({ address }) => address);

test('frontends by type', () => {
  const ingress = [{ ip: '198.51.100.1' }, { ip: '198.51.100.2', ipMode: 'Proxy' }, { hostname: 'lb' }, { ip: '' }];
  const status = { loadBalancer: { ingress } };
  const rows: readonly (readonly [string, Service, readonly string[]])[] = [
    ['ClusterIP', service({}), ['ClusterIP 10.96.0.7:80/TCP Cluster IPv4']],
    ['headless', service({ clusterIPs: ['None'], clusterIP: 'None' }), []],
    ['no address yet', service({ clusterIPs: [], clusterIP: '' }), []],
    ['ExternalName', service({ type: 'ExternalName' }), []],
    [
      'old client: clusterIP only',
      service({ clusterIPs: undefined, clusterIP: '10.96.0.8' }),
      ['ClusterIP 10.96.0.8:80/TCP Cluster IPv4'],
    ],
    [
      'NodePort, dual stack',
      service({
        type: 'NodePort',
        clusterIPs: ['10.96.0.7', 'fd00:96::7'],
        ipFamilies: ['IPv4', 'IPv6'],
        ports: [{ ...http, nodePort: 30080 }],
      }),
      [
        'ClusterIP 10.96.0.7:80/TCP Cluster IPv4',
        'ClusterIP fd00:96::7:80/TCP Cluster IPv6',
        'NodePort *:30080/TCP Cluster IPv4',
        'NodePort *:30080/TCP Cluster IPv6',
      ],
    ],
    [
      'LoadBalancer: VIP mode only',
      service(
        { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ ...http, nodePort: 30080 }] },
        { status },
      ),
      [
        'ClusterIP 10.96.0.7:80/TCP Cluster IPv4',
        'NodePort *:30080/TCP Local IPv4',
        'LoadBalancerIP 198.51.100.1:80/TCP Local IPv4',
      ],
    ],
    ['a status that outlived its type', service({}, { status }), ['ClusterIP 10.96.0.7:80/TCP Cluster IPv4']],
    [
      'external IPs; never loopback, link-local or the wildcard',
      service({ externalIPs: ['192.0.2.1', '127.0.0.1', '169.254.169.254', '0.0.0.0', 'x'] }),
      ['ClusterIP 10.96.0.7:80/TCP Cluster IPv4', 'ExternalIP 192.0.2.1:80/TCP Cluster IPv4'],
    ],
    ['internal policy', service({ internalTrafficPolicy: 'Local' }), ['ClusterIP 10.96.0.7:80/TCP Local IPv4']],
    [
      'one number, two protocols',
      service({ ports: [http, { port: 80, protocol: 'UDP', name: 'u' }] }),
      ['ClusterIP 10.96.0.7:80/TCP Cluster IPv4', 'ClusterIP 10.96.0.7:80/UDP Cluster IPv4'],
    ],
  ];
  for (const [what, given, want] of rows) assert.deepEqual(brief(frontends(given)), want, what);
  const labelled = (label: string): Service => service({}, { metadata: { name: 'web', labels: { [label]: '' } } });
  assert.deepEqual(frontends(labelled('service.kubernetes.io/service-proxy-name')), []);
  assert.equal(frontends(labelled('service.kubernetes.io/headless')).length, 1, 'of slices only');
});

test('affinity, source ranges and health check port', () => {
  const first = (spec: ServiceSpec): Frontend | undefined => frontends(service(spec))[0];
  assert.equal(first({})?.affinitySeconds, undefined);
  assert.equal(first({ sessionAffinity: 'ClientIP' })?.affinitySeconds, 10800);
  const timed = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } };
  assert.equal(first(timed)?.affinitySeconds, 5);
  const ranges = (loadBalancerSourceRanges: string[], type = 'LoadBalancer'): unknown =>
    frontends(service({ type, loadBalancerSourceRanges, ports: [{ ...http, nodePort: 30080 }] }))[1]?.sourceRanges;
  assert.equal(ranges([]), undefined);
  assert.deepEqual(ranges(['10.0.0.0/8 ', 'fd00::/8']), ['10.0.0.0/8']);
  assert.deepEqual(ranges(['fd00::/8']), [], 'the other family only: nobody, not everybody');
  assert.deepEqual(ranges(['rubbish']), [], 'unreadable: nobody, not everybody');
  assert.equal(ranges(['10.0.0.0/8'], 'NodePort'), undefined);
  const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31000 };
  assert.equal(healthCheckPort(service(local)), 31000);
  assert.equal(healthCheckPort(service({ ...local, externalTrafficPolicy: 'Cluster' })), 0);
  assert.equal(healthCheckPort(service({ ...local, type: 'NodePort' })), 0);
});

test('endpoints: joined by name and protocol, merged over slices, bad addresses left out', () => {
  const port = { portName: '', protocol: 'TCP', family: 'IPv4' } as const;
  const at = (address: string, conditions = {}): Partial<SliceEndpoint> => ({ addresses: [address], conditions });
  const found = (slices: readonly EndpointSlice[]): string[] =>
    endpoints(slices, port).map(
      (e) => `${e.address}:${String(e.port)} ${e.ready ? 'ready' : e.serving ? 'serving' : 'not'}`,
    );
  assert.deepEqual(found([slice([at('10.244.1.2'), at('10.244.1.3', { ready: false })])]), [
    '10.244.1.2:8080 ready',
    // Not told whether it serves: it does.
    '10.244.1.3:8080 serving',
  ]);
  const leaving = { ready: false, serving: true, terminating: true };
  assert.deepEqual(found([slice([at('10.244.1.2', leaving)]), slice([at('10.244.1.2')])]), ['10.244.1.2:8080 ready']);
  assert.deepEqual(found([slice([at('10.244.1.2')]), slice([at('10.244.1.2', leaving)])]), ['10.244.1.2:8080 ready']);
  // The address has gone to another pod, which is not ready yet: nothing is left of the first.
  const starting = { ready: false, serving: false, terminating: false };
  for (const both of [
    [leaving, starting],
    [starting, leaving],
  ]) {
    assert.deepEqual(found(both.map((conditions) => slice([at('10.244.1.2', conditions)]))), ['10.244.1.2:8080 not']);
  }
  assert.deepEqual(found([slice([at('10.244.1.2', { ready: false, terminating: true })])]), [
    '10.244.1.2:8080 serving',
  ]);
  assert.deepEqual(found([slice([at('10.244.1.2')], { ports: [{ name: 'other', port: 1 }] })]), []);
  assert.deepEqual(found([slice([at('10.244.1.2')], { ports: [{ name: '', port: 1, protocol: 'UDP' }] })]), []);
  assert.deepEqual(found([slice([at('10.244.1.2')], { ports: [{ name: '' }] })]), [], 'all ports');
  assert.deepEqual(found([slice([at('fd00::2')], { addressType: 'IPv6' })]), []);
  const headless = { labels: { 'service.kubernetes.io/headless': '' } };
  assert.deepEqual(found([slice([at('10.244.1.2')], { metadata: headless })]), []);
  const bad = ['127.0.0.1', '169.254.1.1', '224.0.0.1', '0.0.0.0', '::ffff:127.0.0.1', '010.0.0.1', 'x', ''];
  assert.deepEqual(found([slice(bad.map((address) => at(address)))]), []);
});

test('property: endpoints of overlapping slices, few or many: each address and port once, in order, the best state', () => {
  const port = { portName: '', protocol: 'TCP', family: 'IPv4' } as const;
  const end = fc.record({ last: fc.nat(60), ready: fc.boolean() });
  const part = fc.record({ numbers: fc.uniqueArray(fc.constantFrom(80, 81), { minLength: 1 }), ends: fc.array(end) });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4, size: 'max' }), (parts) => {
      const want = new Map<string, boolean>();
      for (const { numbers, ends } of parts) {
        for (const number of numbers) {
          for (const { last, ready } of ends) {
            const key = `10.244.1.${String(last)}:${String(number)}`;
            want.set(key, ready || want.get(key) === true);
          }
        }
      }
      const slices = parts.map(({ numbers, ends }) =>
        slice(
          ends.map(({ last, ready }) => ({ addresses: [`10.244.1.${String(last)}`], conditions: { ready } })),
          { ports: numbers.map((number) => ({ name: '', port: number, protocol: 'TCP' })) },
        ),
      );
      const found = endpoints(slices, port).map((e) => [`${e.address}:${String(e.port)}`, e.ready] as const);
      assert.deepEqual(found, [...want]);
    }),
    { numRuns: 200 },
  );
});

interface Row {
  readonly what: string;
  readonly spec?: ServiceSpec;
  readonly ends: readonly Partial<SliceEndpoint>[];
  /** Of the frontend with this index. */
  readonly frontend?: number;
  readonly traffic: 'internal' | 'external';
  /** Addresses' last numbers, or the verdict. */
  readonly want: string;
}

const nodePort = { type: 'NodePort', ports: [{ ...http, nodePort: 30080 }] };
const here = { nodeName: 'node-1' };
const there = { nodeName: 'node-2' };
const end = (n: number, more: Partial<SliceEndpoint>): Partial<SliceEndpoint> => ({
  addresses: [`10.244.1.${String(n)}`],
  ...more,
});
const not = { conditions: { ready: false, serving: false } };
const leaving = { conditions: { ready: false, serving: true, terminating: true } };
const zone = (name: string): Partial<SliceEndpoint> => ({ hints: { forZones: [{ name }] } });
const forNode = (name: string): Partial<SliceEndpoint> => ({
  hints: { forNodes: [{ name }], forZones: [{ name: 'a' }] },
});

const rows: readonly Row[] = [
  { what: 'all ready', ends: [end(2, here), end(3, there), end(4, not)], traffic: 'internal', want: '2 3' },
  {
    what: 'terminating ones only where none is ready',
    ends: [end(2, leaving), end(3, here)],
    traffic: 'internal',
    want: '3',
  },
  { what: 'none ready: terminating', ends: [end(2, leaving), end(3, not)], traffic: 'internal', want: '2' },
  { what: 'none', ends: [], traffic: 'internal', want: 'reject' },
  { what: 'none ready', ends: [end(2, not)], traffic: 'internal', want: 'reject' },
  { what: 'cluster IP from outside', ends: [end(2, here)], traffic: 'external', want: 'drop' },
  {
    what: 'internal Local',
    spec: { internalTrafficPolicy: 'Local' },
    ends: [end(2, here), end(3, there)],
    traffic: 'internal',
    want: '2',
  },
  {
    what: 'internal Local, elsewhere',
    spec: { internalTrafficPolicy: 'Local' },
    ends: [end(3, there)],
    traffic: 'internal',
    want: 'drop',
  },
  {
    what: 'internal Local, nowhere',
    spec: { internalTrafficPolicy: 'Local' },
    ends: [],
    traffic: 'internal',
    want: 'reject',
  },
  {
    what: 'internal Local, terminating here',
    spec: { internalTrafficPolicy: 'Local' },
    ends: [end(2, { ...here, ...leaving }), end(3, there)],
    traffic: 'internal',
    want: '2',
  },
  {
    what: 'external Cluster',
    spec: nodePort,
    frontend: 1,
    ends: [end(2, here), end(3, there)],
    traffic: 'external',
    want: '2 3',
  },
  {
    what: 'external Local',
    spec: { ...nodePort, externalTrafficPolicy: 'Local' },
    frontend: 1,
    ends: [end(2, here), end(3, there)],
    traffic: 'external',
    want: '2',
  },
  {
    what: 'external Local, elsewhere',
    spec: { ...nodePort, externalTrafficPolicy: 'Local' },
    frontend: 1,
    ends: [end(3, there)],
    traffic: 'external',
    want: 'drop',
  },
  {
    what: 'external Local, short circuit',
    spec: { ...nodePort, externalTrafficPolicy: 'Local' },
    frontend: 1,
    ends: [end(3, there)],
    traffic: 'internal',
    want: '3',
  },
  {
    what: 'external Local, none',
    spec: { ...nodePort, externalTrafficPolicy: 'Local' },
    frontend: 1,
    ends: [],
    traffic: 'external',
    want: 'reject',
  },
  { what: 'zone hints', ends: [end(2, zone('a')), end(3, zone('b'))], traffic: 'internal', want: '2' },
  { what: 'one without a hint', ends: [end(2, zone('a')), end(3, {})], traffic: 'internal', want: '2 3' },
  { what: 'no hint for our zone', ends: [end(2, zone('b')), end(3, zone('c'))], traffic: 'internal', want: '2 3' },
  {
    what: 'hints of endpoints that are not ready do not count',
    ends: [end(2, zone('a')), end(3, { ...not })],
    traffic: 'internal',
    want: '2',
  },
  {
    what: 'node hints first',
    ends: [end(2, forNode('node-2')), end(3, forNode('node-1'))],
    traffic: 'internal',
    want: '3',
  },
  {
    what: 'no hint for our node: zone',
    ends: [end(2, forNode('node-2')), end(3, forNode('node-3'))],
    traffic: 'internal',
    want: '2 3',
  },
  {
    what: 'hints do not narrow Local',
    spec: { internalTrafficPolicy: 'Local' },
    ends: [end(2, { ...here, ...zone('b') }), end(3, { ...here, ...zone('a') })],
    traffic: 'internal',
    want: '2 3',
  },
];

for (const { what, spec = {}, ends, frontend = 0, traffic, want } of rows) {
  test(`backends: ${what} -> ${want}`, () => {
    const one = frontends(service(spec))[frontend];
    assert.ok(one !== undefined);
    const selection = backends(one, [slice(ends)], node, traffic);
    const got =
      selection.verdict === 'forward'
        ? addressesOf(selection)
            .map((text) => text.slice(9))
            .join(' ')
        : selection.verdict;
    assert.equal(got, want);
    assert.notEqual(selection.why, '');
  });
}

test('the table: node ports on each address of the node; the older of two claims wins', () => {
  const entries = serviceEntries(
    service({ ...nodePort, clusterIPs: ['10.96.0.7', 'fd00:96::7'], ipFamilies: ['IPv4', 'IPv6'] }),
    [],
    node,
  );
  assert.deepEqual(
    entries.map(({ key }) => key),
    ['10.96.0.7 TCP 80', 'fd00:96::7 TCP 80', '10.10.10.1 TCP 30080', 'fd00::1 TCP 30080'],
  );
  const claim = (name: string, creationTimestamp: string, ip: string): Service => ({
    ...service({ clusterIPs: [ip], externalIPs: ['198.51.100.9'] }),
    metadata: { name, namespace: 'x', creationTimestamp },
  });
  const services = [
    claim('young', '2026-02-01T00:00:00Z', '10.96.0.1'),
    claim('old', '2026-01-01T00:00:00Z', '10.96.0.2'),
  ];
  for (const order of [services, [...services].reverse()]) {
    const table = buildTable({ services: order, slices: [], node });
    assert.equal(table.entries.get('198.51.100.9 TCP 80')?.frontend.service.name, 'old');
  }
});

test('an address is one address however it is written, and is called as the kernel tells it', () => {
  const spelled = ['2001:DB8::1', '2001:0db8:0:0::1', '2001:db8::1'];
  const entries = serviceEntries(service({ externalIPs: spelled }), [], node);
  assert.deepEqual(
    entries.map(({ key }) => key),
    ['10.96.0.7 TCP 80', '2001:db8::1 TCP 80'],
  );
  const [endpoint] = endpoints([slice([{ addresses: ['FD00:0::2'] }], { addressType: 'IPv6' })], {
    portName: '',
    protocol: 'TCP',
    family: 'IPv6',
  });
  assert.equal(endpoint?.address, 'fd00::2');
});

test('an address that a service names twice: the source ranges of the load balancer hold, whatever else it is', () => {
  const twice = service(
    {
      type: 'LoadBalancer',
      externalIPs: ['198.51.100.9', '10.10.10.1'],
      loadBalancerSourceRanges: ['192.0.2.0/24'],
      ports: [{ ...http, port: 30_080, nodePort: 30_080 }],
    },
    { status: { loadBalancer: { ingress: [{ ip: '198.51.100.9' }, { ip: '10.10.10.1' }] } } },
  );
  const entries = serviceEntries(twice, [], node);
  assert.deepEqual(
    entries.map(({ key, frontend }) => `${key} ${frontend.kind}`),
    ['10.96.0.7 TCP 30080 ClusterIP', '10.10.10.1 TCP 30080 LoadBalancerIP', '198.51.100.9 TCP 30080 LoadBalancerIP'],
  );
});

test('what no packet can carry and no table hold is left out, and takes nothing else with it', () => {
  const ports = [
    { name: 'a', port: 70_000, nodePort: 70_001, protocol: 'TCP' },
    { name: 'b', port: 80, protocol: 'QUIC' },
    { name: 'c', port: 81, nodePort: 70_000, protocol: 'TCP' },
  ];
  assert.deepEqual(brief(frontends(service({ type: 'NodePort', ports }))), ['ClusterIP 10.96.0.7:81/TCP Cluster IPv4']);
  const port = { portName: '', protocol: 'TCP', family: 'IPv4' } as const;
  const of = (address: string, number: number): number =>
    endpoints([slice([{ addresses: [address] }], { ports: [{ name: '', port: number }] })], port).length;
  assert.deepEqual(
    [of('fd00::2', 80), of('10.244.1.2', 65_536), of('10.244.1.2', 1.5), of('10.244.1.2', 65_535)],
    [0, 0, 0, 1],
  );
  const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 70_000 };
  assert.equal(healthCheckPort(service(local)), 0);
});

const anyEnd = fc.record({
  addresses: fc
    .tuple(fc.constantFrom('10.244.1.2', '10.244.1.3', '10.244.2.2', '127.0.0.1', 'fe80::1'))
    .map(([a]) => [a]),
  conditions: fc.record({ ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() }),
  nodeName: fc.constantFrom('node-1', 'node-2'),
  hints: fc.record({
    forZones: fc.subarray([{ name: 'a' }, { name: 'b' }]),
    forNodes: fc.subarray([{ name: 'node-1' }]),
  }),
});

test('property: a selection holds only usable, serving endpoints, each once, and refuses only when it must', () => {
  const specs = fc.constantFrom<ServiceSpec>({}, { internalTrafficPolicy: 'Local' }, nodePort, {
    ...nodePort,
    externalTrafficPolicy: 'Local',
  });
  const all = fc.array(fc.array(anyEnd, { maxLength: 5 }), { maxLength: 3 });
  fc.assert(
    fc.property(specs, all, fc.constantFrom('internal', 'external'), (spec, ends, traffic) => {
      const slices = ends.map((list) => slice(list));
      for (const frontend of frontends(service(spec))) {
        const selection = backends(frontend, slices, node, traffic);
        const usable = endpoints(slices, frontend);
        const texts = selection.endpoints.map(({ address, port }) => `${address} ${String(port)}`);
        assert.equal(new Set(texts).size, texts.length);
        for (const chosen of selection.endpoints) {
          assert.ok(isUsableAddress(chosen.address));
          assert.ok(chosen.ready || (chosen.serving && chosen.terminating));
        }
        assert.equal(selection.verdict === 'forward', selection.endpoints.length > 0);
        const serves = usable.some(({ ready, serving, terminating }) => ready || (serving && terminating));
        if (selection.verdict === 'reject') assert.ok(!serves);
        if (traffic === 'internal' && frontend.policy === 'Cluster')
          assert.equal(selection.verdict === 'forward', serves);
      }
    }),
  );
});
