import assert from 'node:assert/strict';
import test from 'node:test';
import type { Node, ServiceSpec } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { createFlowTable } from './flows.ts';
import type { Flow } from './flows.ts';
import { lbNode } from './node.ts';
import type { LbNode } from './node.ts';
import type { Health } from './probe.ts';
import { probeUrl } from './probe.ts';
import { mustParseCidr } from '../util/ip.ts';
import { changeOf } from './service.ts';
import type { LiveService } from './service.ts';
import { probeUrls, targets } from './targets.ts';
import { testNode, testService } from './testing.ts';

const nodes = ['n1', 'n2', 'n3'].map((name, i) => ({
  name,
  addresses: [`10.10.10.${i + 1}`],
  standing: 'ready' as const,
}));
const nodeUrl = (address: string): string => probeUrl(address, 10256, '/healthz');
const podRanges = [mustParseCidr('10.244.0.0/16')];
const rest = { nodeUrl, podRanges, slicesOf: () => [] };
const local: ServiceSpec = { externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 };

function service(spec: ServiceSpec = {}, metadata: Partial<LiveService['metadata']> = {}): LiveService {
  const made = testService('web', spec);
  const live = { uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', name: 'web' };
  return { ...made, metadata: { ...made.metadata, ...live, ...metadata } };
}

/** `health` per node: of its proxy, and after a slash of the service's own port there. */
function choose(health: readonly string[], spec: ServiceSpec, standing: readonly string[] = []): readonly string[] {
  const healthOf = (url: string): Health => {
    const [, last, port] = /10\.10\.10\.(\d):(\d+)/.exec(url) ?? [];
    const [proxy, own] = (health[Number(last) - 1] ?? 'unknown').split('/');
    return ((port === '10256' ? proxy : own) ?? 'unknown') as Health;
  };
  const standingOf = (i: number): LbNode['standing'] => (standing[i] ?? 'ready') as LbNode['standing'];
  const world = nodes.map((node, i) => ({ ...node, standing: standingOf(i) }));
  const [first] = targets({ service: service(spec), addresses: ['198.51.100.129'], nodes: world, healthOf, ...rest });
  const names = (list: readonly { readonly address: string }[] = []): string =>
    list.map(({ address }) => `n${address.at(-1)}`).join(' ');
  return [names(first?.active), names(first?.lingering)];
}

test('who gets connections, and who may keep old ones', () => {
  const cases: readonly (readonly [readonly string[], ServiceSpec, string, string])[] = [
    [['healthy', 'healthy', 'healthy'], {}, 'n1 n2 n3', ''],
    [['healthy', 'silent', 'unknown'], {}, 'n1', ''],
    [['healthy', 'draining', 'refused'], {}, 'n1', 'n2 n3'],
    [['silent', 'draining', 'refused'], {}, 'n2 n3', ''],
    [['silent', 'silent', 'unknown'], {}, '', ''],
    [['healthy/healthy', 'healthy/draining', 'healthy/silent'], local, 'n1', 'n2 n3'],
    [['healthy/draining', 'healthy/draining', 'silent/healthy'], local, '', 'n1 n2'],
    [['draining/healthy', 'silent/healthy', 'refused/draining'], local, 'n1', 'n3'],
  ];
  for (const [health, spec, active, lingering] of cases) {
    assert.deepEqual(choose(health, spec), [active, lingering], `${health.join()} ${JSON.stringify(spec)}`);
  }
});

test('what the node object says comes before what the probe says, until nobody else is left', () => {
  const good = ['healthy', 'healthy', 'healthy'];
  assert.deepEqual(choose(good, {}, ['ready', 'doubtful', 'excluded']), ['n1', 'n2 n3']);
  assert.deepEqual(choose(['refused', 'healthy', 'healthy'], {}, ['ready', 'doubtful', 'excluded']), ['n1', 'n2 n3']);
  assert.deepEqual(choose(['silent', 'healthy', 'healthy'], {}, ['ready', 'doubtful', 'excluded']), ['n2', 'n3']);
  assert.deepEqual(choose(good, {}, ['excluded', 'excluded', 'excluded']), ['', 'n1 n2 n3']);
});

test('only addresses of the ledger are programmed, whatever the status says (CVE-2020-8554)', () => {
  const forged = {
    ...service(),
    status: { loadBalancer: { ingress: [{ ip: '8.8.8.8' }, { ip: '' }, { hostname: 'x' }] } },
  };
  const input = { service: forged, nodes, healthOf: () => 'healthy' as const, ...rest };
  assert.deepEqual(targets({ ...input, addresses: [] }), []);
  const [only, ...more] = targets({ ...input, addresses: ['198.51.100.129'] });
  assert.equal(only?.frontend.address, '198.51.100.129');
  assert.deepEqual(more, []);
});

test('each port of each address is a frontend; a port without a node port leads nowhere', () => {
  const ports = [
    { name: 'a', port: 80, nodePort: 30080 },
    { name: 'b', port: 80, protocol: 'UDP', nodePort: 30081 },
    { name: 'c', port: 81 },
  ];
  const input = { service: service({ ports }), nodes, healthOf: () => 'healthy' as const, ...rest };
  const found = targets({ ...input, addresses: ['198.51.100.129', 'fd00:51::1'] });
  assert.deepEqual(
    found.map(({ frontend: f, active }) => `${f.address} ${f.protocol} ${f.port} ${active[0]?.port ?? '-'}`).sort(),
    [
      '198.51.100.129 TCP 80 30080',
      '198.51.100.129 TCP 81 -',
      '198.51.100.129 UDP 80 30081',
      'fd00:51::1 TCP 80 -',
      'fd00:51::1 TCP 81 -',
      'fd00:51::1 UDP 80 -',
    ],
  );
});

test('without node ports the ready pods are the targets, inside the pod ranges only', () => {
  const slice = {
    addressType: 'IPv4',
    metadata: { namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
    endpoints: [
      { addresses: ['10.244.1.2'], nodeName: 'n1', conditions: { ready: true } },
      { addresses: ['10.244.2.2'], nodeName: 'n2', conditions: { ready: true } },
      { addresses: ['10.244.1.3'], nodeName: 'n1', conditions: { ready: false } },
      { addresses: ['10.10.10.250'], conditions: { ready: true } },
    ],
  };
  const web = service({ ...local, allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] });
  const healthOf = (url: string): Health => (url.includes('10.10.10.2') ? 'silent' : 'refused');
  const input = { service: web, addresses: ['198.51.100.129'], nodes, ...rest, healthOf, slicesOf: () => [slice] };
  assert.deepEqual(targets(input)[0]?.active, [{ address: '10.244.1.2', port: 8080 }]);
});

test('probes: the proxy of each node, and for policy Local the service itself', () => {
  assert.deepEqual(probeUrls({ service: service(), nodes: nodes.slice(0, 1), nodeUrl }), [
    'http://10.10.10.1:10256/healthz',
  ]);
  assert.deepEqual(probeUrls({ service: service(local), nodes: nodes.slice(0, 1), nodeUrl }), [
    'http://10.10.10.1:10256/healthz',
    'http://10.10.10.1:32000/',
  ]);
  assert.equal(probeUrl('fd00::1', 10256, '/healthz'), 'http://[fd00::1]:10256/healthz');
});

test('what a Node says about itself', () => {
  const node = (change: (node: Live<Node>) => void): string => {
    const live = structuredClone(testNode('n1', '10.10.10.1')) as Live<Node>;
    change(live);
    return `${lbNode(live).standing} ${lbNode(live).addresses.join()}`;
  };
  const label = 'node.kubernetes.io/exclude-from-external-load-balancers';
  assert.equal(
    node(() => undefined),
    'ready 10.10.10.1',
  );
  assert.equal(
    node((n) => (n.spec = { unschedulable: true })),
    'ready 10.10.10.1',
  );
  assert.equal(
    node((n) => (n.status = { ...n.status, conditions: [] })),
    'doubtful 10.10.10.1',
  );
  assert.equal(
    node((n) => (n.status = { ...n.status, conditions: [{ type: 'Ready', status: 'False' }] })),
    'doubtful 10.10.10.1',
  );
  assert.equal(
    node((n) => (n.metadata.labels = { [label]: 'true' })),
    'excluded 10.10.10.1',
  );
  assert.equal(
    node((n) => (n.metadata.deletionTimestamp = '2026-01-01T00:00:00Z')),
    'excluded 10.10.10.1',
  );
  const taint = (key: string): string => node((n) => (n.spec = { taints: [{ key, effect: 'NoSchedule' }] }));
  assert.equal(taint('ToBeDeletedByClusterAutoscaler'), 'excluded 10.10.10.1');
  assert.equal(taint('node.kubernetes.io/unreachable'), 'doubtful 10.10.10.1');
  assert.equal(taint('dedicated'), 'ready 10.10.10.1');
});

test('changes that upstream tells of, in its words', () => {
  const cases: readonly (readonly [ServiceSpec, ServiceSpec, string])[] = [
    [{}, {}, 'no'],
    [{ type: 'ClusterIP' }, { type: 'NodePort' }, 'no'],
    [{ type: 'ClusterIP' }, {}, 'Type ClusterIP -> LoadBalancer'],
    [
      {},
      { loadBalancerSourceRanges: ['10.0.0.0/8', '1.2.3.4/32'] },
      'LoadBalancerSourceRanges [] -> [10.0.0.0/8 1.2.3.4/32]',
    ],
    [{}, { loadBalancerIP: '198.51.100.131' }, 'LoadbalancerIP  -> 198.51.100.131'],
    [{}, { externalTrafficPolicy: 'Local' }, 'ExternalTrafficPolicy Cluster -> Local'],
    [local, { ...local, healthCheckNodePort: 32001 }, 'HealthCheckNodePort 32000 -> 32001'],
    [{}, { sessionAffinity: 'ClientIP' }, 'yes'],
    [{}, { ports: [{ port: 81, nodePort: 30080 }] }, 'yes'],
    [{}, { selector: { app: 'x' } }, 'no'],
  ];
  for (const [from, to, expected] of cases) {
    const { needed, event } = changeOf(service(from), service(to));
    const said = event === undefined ? (needed ? 'yes' : 'no') : `${event.reason} ${event.message}`;
    assert.equal(said, expected, JSON.stringify(to));
  }
  assert.equal(changeOf(service(), service({}, { annotations: { a: 'b' } })).needed, true);
});

test('flows are looked for only when something was taken away, and cut only where nobody answers any more', () => {
  const target = (n: number) => ({ address: `10.10.10.${n}`, port: 30080 });
  const flow = (n: number, protocol: Flow['protocol'] = 'TCP'): Flow => ({
    protocol,
    address: '198.51.100.129',
    port: 80,
    target: target(n),
  });
  const vips = ['198.51.100.129'];
  const cut: string[] = [];
  let looks = 0;
  const table = createFlowTable({
    cut: (addresses, protocols, isStale) => {
      looks += 1;
      assert.deepEqual([...addresses], vips);
      const flows = [flow(1), flow(2), flow(2, 'UDP'), flow(3)]
        .filter((at) => protocols.has(at.protocol))
        .filter(isStale);
      cut.push(...flows.map((gone) => `${gone.protocol} ${gone.target.address}`));
      return flows.length;
    },
  });
  const state = (active: readonly number[], lingering: readonly number[]) =>
    (['TCP', 'UDP'] as const).map((protocol) => {
      const [made] = targets({
        service: service(),
        addresses: ['198.51.100.129'],
        nodes,
        healthOf: () => 'healthy',
        ...rest,
      });
      if (made === undefined) throw new Error('no frontend');
      const frontend = { ...made.frontend, protocol };
      return { frontend, active: active.map(target), lingering: lingering.map(target) };
    });
  table.settle(vips, state([1, 2, 3], []));
  assert.deepEqual([looks, cut], [1, []], 'once at the start');
  table.settle(vips, state([1, 2, 3], []));
  assert.equal(looks, 1);
  table.settle(vips, state([3], [2]));
  assert.deepEqual(cut.splice(0), ['TCP 10.10.10.1', 'UDP 10.10.10.2']);
  table.settle([], []);
  assert.deepEqual(cut, ['TCP 10.10.10.1', 'TCP 10.10.10.2', 'UDP 10.10.10.2', 'TCP 10.10.10.3']);
});
