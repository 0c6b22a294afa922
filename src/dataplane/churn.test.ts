/**
 * Rolling updates without end under constant traffic: no request fails that the API's promises do not allow to. Each update
 * replaces every pod of the service by one of the next generation, as a Deployment does:
 *
 *   slice: new one ready ─> in the kernel ─> slice: old one terminating ─> in the kernel ─> what is under way ends ─> it listens no more
 *
 * 100 updates; as many as PORTOLAN_CHURN says, for a long run.
 */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { buildTable } from '../model/index.ts';
import type { EndpointSlice } from '../api/gen/types.ts';
import { createDataPlane } from './index.ts';
import type { DataPlane } from './index.ts';
import { addresses, createTopology, service, slice } from './testing/index.ts';
import type { Question, Topology } from './testing/index.ts';

const updates = Number(process.env['PORTOLAN_CHURN'] ?? 100);
const servers = ['pod-a', 'pod-b', 'pod-c'] as const;
const hosts = { 'pod-a': 'node-1', 'pod-b': 'node-1', 'pod-c': 'node-2' } as const;
const clients = ['pod-d', 'node-1', 'lan'] as const;
const vip = ['10.96.0.1', 'fd00:10:96::1'] as const;
const nodePort = 30_001;

let net: Topology;
const planes: DataPlane[] = [];

before(async () => {
  net = await createTopology();
  for (const n of [1, 2] as const) {
    const plane = createDataPlane({
      netns: net.netns(`node-${n}`),
      podCidrs: [`10.244.${String(n)}.0/24`, `fd00:10:244:${String(n)}::/64`],
      serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
      nonMasqueradeCidrs: ['10.244.0.0/16', '10.10.10.0/24', 'fd00:10::/32'],
    });
    planes.push(plane);
    await plane.start([]);
    // As a proxy does (proxy/sysctls.ts): these clients reset what they have, and soon come again from the same ports.
    net.run(`node-${n}`, 'sysctl', '-qw', 'net.netfilter.nf_conntrack_tcp_timeout_close=1');
  }
});
after(async () => {
  for (const plane of planes) plane.close();
  await net.close();
});

/** A pod of one generation: the pods' addresses stay, so a generation is a port. */
interface Backend {
  readonly pod: (typeof servers)[number];
  readonly port: number;
  readonly isLeaving: boolean;
}

const web = service('web', {
  type: 'NodePort',
  clusterIPs: [...vip],
  ports: [{ port: 80, protocol: 'TCP', nodePort }],
});

function slicesOf(backends: readonly Backend[]): EndpointSlice[] {
  return ([0, 1] as const).flatMap((v) =>
    backends.map(({ pod, port, isLeaving }) =>
      slice(
        'web',
        port,
        [{ address: addresses[pod][v], node: hosts[pod], ready: !isLeaving, serving: true, terminating: isLeaving }],
        { name: `web-${pod}-${String(port)}-${String(v)}`, family: v === 0 ? 'IPv4' : 'IPv6' },
      ),
    ),
  );
}

/** In the kernels of both nodes when it resolves. */
async function program(backends: readonly Backend[]): Promise<void> {
  const slices = slicesOf(backends);
  await Promise.all(
    planes.map((plane, i) => {
      const name = `node-${i + 1}` as 'node-1' | 'node-2';
      const node = { nodeName: name, zone: undefined, addresses: addresses[name] };
      return plane.apply({ set: [...buildTable({ services: [web], slices, node }).entries.values()], remove: [] });
    }),
  );
}

function questionsOf(client: (typeof clients)[number]): Question[] {
  return ([0, 1] as const).flatMap((v) => {
    const targets: { address: string; port: number }[] = [{ address: addresses['node-1'][v], port: nodePort }];
    if (client !== 'lan') targets.push({ address: vip[v], port: 80 });
    return targets.map((target): Question => ({ protocol: 'TCP', timeoutMs: 20_000, ...target }));
  });
}

test(`${String(updates)} rolling updates under constant traffic: no request fails`, async (t) => {
  let backends: Backend[] = servers.map((pod) => ({ pod, port: 10_000, isLeaving: false }));
  await Promise.all(backends.map(({ pod, port }) => net.places[pod].serve('TCP', port)));
  await program(backends);
  assert.match(await net.places['pod-d'].hold('long', vip[0], 80), /^pod-/);
  await Promise.all(clients.map((client) => net.places[client].load(questionsOf(client))));
  for (let update = 1; update <= updates; update++) {
    for (const pod of servers) {
      const port = 10_000 + (update % 20_000);
      const others = backends.filter((backend) => backend.pod !== pod);
      const old = backends.filter((backend) => backend.pod === pod);
      await net.places[pod].serve('TCP', port);
      const fresh = { pod, port, isLeaving: false };
      await program([...backends, fresh]);
      await program([...others, ...old.map((backend) => ({ ...backend, isLeaving: true })), fresh]);
      await Promise.all(clients.map((client) => net.places[client].settle()));
      await Promise.all(old.map((backend) => net.places[pod].unserve(backend.port)));
      backends = [...others, fresh];
      await program(backends);
    }
  }
  const loads = await Promise.all(clients.map((client) => net.places[client].unload()));
  const asked = loads.reduce((sum, load) => sum + load.asked, 0);
  const failed = loads.flatMap((load) => load.failed);
  t.diagnostic(`${String(updates)} rolling updates, ${String(asked)} requests, ${String(failed.length)} failed`);
  assert.deepEqual(failed, []);
  assert.ok(loads.every((load) => servers.every((pod) => (load.servers[pod] ?? 0) > 0)));
  assert.equal(await net.places['pod-d'].say('long', 'still'), 'still', 'a connection from before the first update');
});
