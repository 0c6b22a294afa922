/** Virtual packets where the catalogue (src/dataplane/testing/catalogue) has no axis: source ranges, unclaimed addresses, text. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { Service, ServiceSpec } from '../api/gen/types.ts';
import { buildTable, journey } from './index.ts';
import type { Packet, Walk, WalkNode } from './index.ts';

const spec: ServiceSpec = {
  type: 'LoadBalancer',
  clusterIPs: ['10.96.0.7'],
  ipFamilies: ['IPv4'],
  loadBalancerSourceRanges: ['10.10.10.100/32', '10.244.1.2/32'],
  ports: [{ port: 80, protocol: 'TCP', nodePort: 30_080 }],
};
const service: Service = {
  metadata: { name: 'web', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec,
  status: { loadBalancer: { ingress: [{ ip: '198.51.100.130' }] } },
};
const slice = {
  metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  endpoints: [{ addresses: ['10.244.1.2'], nodeName: 'node-1' }],
};

function node(n: 1 | 2, trustedSources: readonly string[] = []): WalkNode {
  const view = { nodeName: `node-${String(n)}`, zone: undefined, addresses: [`10.10.10.${String(n)}`] };
  return {
    table: buildTable({ services: [service], slices: [slice], node: view }),
    podCidrs: [`10.244.${String(n)}.0/24`],
    serviceCidrs: ['10.96.0.0/16'],
    nonMasqueradeCidrs: ['10.244.0.0/16'],
    trustedSources,
  };
}

const packet = (source: string, destination: string, port = 80): Packet => ({
  source,
  destination,
  protocol: 'TCP',
  port,
});
const brief = ({ outcome, steps }: Walk): string => `${outcome}: ${steps.map(({ name }) => name).join(' ')}`;

test('source ranges: at the load balancer address always, at node ports where load balancers are trusted', () => {
  const [one, two] = [node(1), node(2)];
  const lb = '198.51.100.130';
  const outside = (source: string, to: string, port: number, at = one): string =>
    brief(journey(packet(source, to, port), [at, two], undefined, at));
  assert.equal(outside('10.10.10.100', lb, 80), 'reached: origin lookup source-ranges selection source-address');
  assert.equal(outside('10.10.10.101', lb, 80), 'dropped: origin lookup source-ranges');
  assert.equal(outside('10.10.10.101', '10.10.10.1', 30_080), 'reached: origin lookup selection source-address');
  const trusting = node(1, ['10.10.10.253']);
  assert.match(outside('10.10.10.101', '10.10.10.1', 30_080, trusting), /^dropped/);
  assert.match(outside('10.10.10.253', '10.10.10.1', 30_080, trusting), /^reached/);
  assert.match(brief(journey(packet('10.244.1.2', lb), [one, two], one)), /^reached/);
  assert.match(brief(journey(packet('10.244.1.3', lb), [one, two], one)), /^dropped/);
  assert.match(brief(journey(packet('10.244.1.3', '10.96.0.7'), [one, two], one)), /^reached/);
});

test('what no service claims: refused in the service range, the way of all packets elsewhere', () => {
  const [one, two] = [node(1), node(2)];
  assert.equal(brief(journey(packet('10.244.1.2', '10.96.9.9'), [one, two], one)), 'refused: origin service-range');
  assert.equal(
    brief(journey(packet('10.10.10.9', '10.96.9.9'), [one, two], undefined, one)),
    'dropped: origin service-range',
  );
  assert.equal(brief(journey(packet('10.244.1.2', '192.0.2.1'), [one, two], one)), 'untouched: origin lookup');
  // The other node's address: its tables decide, and to them a pod of ours is from outside.
  const there = journey(packet('10.244.1.3', '10.10.10.2', 30_080), [one, two], one);
  assert.equal(brief(there), 'reached: origin lookup node origin lookup selection source-address');
  assert.ok(there.outcome === 'reached' && there.arrivals[0]?.sees === 'node');
  assert.match(
    there.steps.at(-1)?.why ?? '',
    /^10\.244\.1\.2 sees the node's address: with externalTrafficPolicy Cluster/,
  );
});
