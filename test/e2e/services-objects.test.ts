/** What upstream's end-to-end suite asks of Services as objects: types that change, hand-made slices, labels, load balancers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointSlice, Service } from '../../src/api/gen/types.ts';
import { answeringPod, startPods } from '../support/answering-pods.ts';
import { clientPod } from '../support/apps.ts';
import { sharedCluster } from '../support/cluster.ts';
import { eventually } from '../../src/util/testing.ts';

const cluster = sharedCluster();

const service = (name: string, spec: string): string =>
  `\n{ apiVersion: v1, kind: Service, metadata: { name: ${name} }, spec: ${spec} }\n`;

async function read(ns: string, name: string): Promise<Service> {
  return await cluster.json<Service>(['get', 'service', name, '-n', ns]);
}

async function patch(ns: string, object: string, body: object, ...more: string[]): Promise<void> {
  await cluster.kubectl(['patch', object, '-n', ns, '--type=merge', '-p', JSON.stringify(body), ...more]);
}

async function reaches(vantage: string, url: string, want: string): Promise<void> {
  await eventually(`${vantage} ${url} gives ${want}`, async () => {
    const got = await cluster.fetch(vantage, url, 1);
    return (got.kind === 'answer' ? got.body.split(' ')[0] : got.kind) === want;
  });
}

// Two at a time: what they wait for is work of others; each has a namespace and node ports of its own.
describe('Services as objects', { concurrency: 2 }, () => {
  test('a change of type clears what the new type cannot have, and allocates what it needs', async (t) => {
    const ns = await cluster.namespace(t, 'type');
    const ports = 'ports: [{ port: 80, targetPort: 8080 }]';
    const pods = [
      answeringPod('web', { node: 'node-1' }),
      service('web', `{ type: NodePort, selector: { app: web }, ${ports} }`),
    ];
    await startPods(cluster, ns, pods, ['web']);
    const before = await read(ns, 'web');
    const nodePort = before.spec?.ports?.[0]?.nodePort ?? 0;
    const ip = before.spec?.clusterIP ?? '';
    await reaches('node/node-2', `http://${ip}/`, 'web');

    // The client sends back what it has read, address and node port included, as a Go client's Update does.
    const named = { ...before, spec: { ...before.spec, type: 'ExternalName', externalName: 'example.com' } };
    await cluster.kubectl(['replace', '-n', ns, '-f', '-'], { input: JSON.stringify(named) });
    const renamed = await read(ns, 'web');
    assert.deepEqual(
      [renamed.spec?.clusterIP, renamed.spec?.clusterIPs, renamed.spec?.ports?.[0]?.nodePort, renamed.spec?.ipFamilies],
      [undefined, undefined, undefined, undefined],
    );
    await reaches('node/node-2', `http://${ip}/`, 'refused');
    await cluster.apply(
      ns,
      service('taker', `{ type: NodePort, clusterIP: ${ip}, ports: [{ port: 80, nodePort: ${String(nodePort)} }] }`),
    );

    const back = { ...renamed, spec: { ...renamed.spec, type: 'NodePort' } };
    await cluster.kubectl(['replace', '-n', ns, '-f', '-'], { input: JSON.stringify(back) });
    const again = await read(ns, 'web');
    const number = again.spec?.ports?.[0]?.nodePort ?? 0;
    assert.ok(number >= 30_000 && number !== nodePort);
    assert.match(again.spec?.clusterIP ?? '', /^10\.96\./);
    await reaches('node/node-2', `http://${again.spec?.clusterIP ?? ''}/`, 'web');
    const [nodeIP = ''] = await cluster.nodeAddresses();
    await reaches('lan', `http://${nodeIP}:${String(number)}/`, 'web');
    await patch(ns, 'service/web', { spec: { type: 'ClusterIP', externalName: null } });
    await reaches('lan', `http://${nodeIP}:${String(number)}/`, 'refused');
    const listening = await cluster.mustFrom('node/node-1', ['ss', '-Hltn']);
    assert.ok(!listening.includes(`:${String(number)} `), 'no listener is left');
  });

  test('hand-made slices: several, overlapping, without node or target; labels that take a service away, in both directions', async (t) => {
    const ns = await cluster.namespace(t, 'slices');
    const pods = [
      answeringPod('one', { node: 'node-1' }),
      answeringPod('two', { node: 'node-2' }),
      clientPod('client', 'node-3'),
      service('hand', '{ ports: [{ name: http, port: 80 }, { name: alt, port: 81 }] }'),
      service('nobody', '{ selector: { app: nobody }, ports: [{ port: 80 }] }'),
    ];
    await startPods(cluster, ns, pods, ['one', 'two', 'client']);
    const [one, two] = [
      await cluster.field(ns, 'pod/one', '.status.podIP'),
      await cluster.field(ns, 'pod/two', '.status.podIP'),
    ];
    const slice = (name: string, port: string, ends: string): string =>
      `\n{ apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: { name: ${name}, labels: { kubernetes.io/service-name: hand } }, addressType: IPv4, ports: [{ name: ${port}, port: 8080, protocol: TCP }], endpoints: [${ends}] }\n`;
    await cluster.apply(
      ns,
      [
        slice('hand-1', 'http', `{ addresses: [${one}] }`),
        slice('hand-2', 'http', `{ addresses: [${two}] }, { addresses: [${one}], conditions: { ready: true } }`),
        slice('hand-3', 'alt', `{ addresses: [${two}] }`),
      ].join('---'),
    );
    const ip = await cluster.field(ns, 'service/hand', '.spec.clusterIP');
    const client = `pod/${ns}/client`;
    const seen = async (): Promise<Map<string, number>> => {
      const counts = new Map<string, number>();
      for (const line of await cluster.fetchMany(client, `http://${ip}/`, 100)) {
        const [name = ''] = line.split(' ');
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      return counts;
    };
    await reaches(client, `http://${ip}:81/`, 'two');
    // Named twice is chosen once: half of a hundred has a deviation of five.
    const counts = await eventually('both serve', async () => {
      const got = await seen();
      return got.size === 2 ? got : false;
    });
    assert.ok(Math.abs((counts.get('one') ?? 0) - 50) < 35, JSON.stringify([...counts]));

    const proxyName = 'service.kubernetes.io/service-proxy-name';
    await cluster.kubectl(['label', 'service', 'hand', '-n', ns, `${proxyName}=x`]);
    await reaches(client, `http://${ip}:81/`, 'refused');
    await cluster.kubectl(['label', 'service', 'hand', '-n', ns, `${proxyName}-`]);
    await reaches(client, `http://${ip}:81/`, 'two');
    await cluster.kubectl(['label', 'endpointslice', 'hand-3', '-n', ns, 'service.kubernetes.io/headless=']);
    await reaches(client, `http://${ip}:81/`, 'refused');
    await cluster.kubectl(['label', 'endpointslice', 'hand-3', '-n', ns, 'service.kubernetes.io/headless-']);
    await reaches(client, `http://${ip}:81/`, 'two');

    const made = async (): Promise<EndpointSlice[]> =>
      (
        await cluster.json<{ items: EndpointSlice[] }>([
          'get',
          'endpointslices',
          '-n',
          ns,
          '-l',
          'kubernetes.io/service-name=nobody',
        ])
      ).items;
    const [empty, ...others] = await eventually('an empty slice', async () =>
      (await made()).length > 0 ? made() : false,
    );
    assert.deepEqual([others.length, empty?.endpoints ?? []], [0, []]);
    await cluster.kubectl(['delete', 'endpointslice', empty?.metadata?.name ?? '', '-n', ns]);
    await eventually('a deleted slice comes back', async () => (await made()).length === 1);
  });

  test('the status of a service: a foreign class is left alone, what is written through /status stays', async (t) => {
    const ns = await cluster.namespace(t, 'status');
    await cluster.apply(
      ns,
      service('web', '{ type: LoadBalancer, loadBalancerClass: example.com/none, ports: [{ port: 80 }] }'),
    );
    await patch(
      ns,
      'service/web',
      {
        metadata: { annotations: { patchedstatus: 'true' } },
        status: {
          loadBalancer: { ingress: [{ ip: '203.0.113.1' }] },
          conditions: [
            { type: 'StatusPatched', status: 'True', reason: 'E2E', message: 'set', lastTransitionTime: null },
          ],
        },
      },
      '--subresource=status',
    );
    const { metadata, status } = await read(ns, 'web');
    assert.equal(metadata?.annotations?.['patchedstatus'], 'true');
    assert.deepEqual(
      status?.loadBalancer?.ingress?.map(({ ip }) => ip),
      ['203.0.113.1'],
    );
    assert.equal(status?.conditions?.[0]?.type, 'StatusPatched');
  });

  test('load balancer: source ranges for pods as well, addresses kept under Local, node ports on request, the finalizer', async (t) => {
    const ns = await cluster.namespace(t, 'lb');
    const spec =
      '{ type: LoadBalancer, allocateLoadBalancerNodePorts: false, externalTrafficPolicy: Local, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }';
    const pods = [
      answeringPod('web', { node: 'node-1' }),
      clientPod('in', 'node-1'),
      clientPod('out', 'node-2'),
      service('web', spec),
    ];
    await startPods(cluster, ns, pods, ['web', 'in', 'out']);
    const address = await eventually('an address', async () => {
      const ip = await cluster.field(ns, 'service/web', '.status.loadBalancer.ingress[0].ip');
      return ip === '' ? false : ip;
    });
    const url = `http://${address}/`;
    const made = await read(ns, 'web');
    assert.equal(made.spec?.ports?.[0]?.nodePort, undefined);
    assert.deepEqual(made.metadata?.finalizers, ['service.kubernetes.io/load-balancer-cleanup']);
    await reaches(`pod/${ns}/in`, url, 'web');
    const [inIP, outIP] = [
      await cluster.field(ns, 'pod/in', '.status.podIP'),
      await cluster.field(ns, 'pod/out', '.status.podIP'),
    ];
    for (const [pod, ip] of [
      ['in', inIP],
      ['out', outIP],
    ] as const) {
      assert.deepEqual(await cluster.fetch(`pod/${ns}/${pod}`, url), {
        kind: 'answer',
        status: 200,
        body: `web ${ip}\n`,
      });
    }
    await patch(ns, 'service/web', { spec: { loadBalancerSourceRanges: [`${inIP}/32`] } });
    await reaches(`pod/${ns}/out`, url, 'timeout');
    await reaches(`pod/${ns}/in`, url, 'web');
    await patch(ns, 'service/web', { spec: { loadBalancerSourceRanges: [`${outIP}/32`] } });
    await reaches(`pod/${ns}/in`, url, 'timeout');
    await reaches(`pod/${ns}/out`, url, 'web');
    await patch(ns, 'service/web', { spec: { loadBalancerSourceRanges: null, allocateLoadBalancerNodePorts: true } });
    assert.ok(((await read(ns, 'web')).spec?.ports?.[0]?.nodePort ?? 0) >= 30_000);
    await reaches(`pod/${ns}/in`, url, 'web');
    await patch(ns, 'service/web', { spec: { type: 'ClusterIP', externalTrafficPolicy: null } });
    await eventually(
      'the finalizer is gone',
      async () => ((await read(ns, 'web')).metadata?.finalizers ?? []).length === 0,
    );
    await cluster.kubectl(['delete', 'service', 'web', '-n', ns, '--timeout=20s']);
  });

  test('Services from a range that a ServiceCIDR adds: served on every node, refused where unused, and the range goes', async (t) => {
    const ns = await cluster.namespace(t, 'cidr');
    t.after(() => cluster.kubectl(['delete', 'servicecidr', ns, '--ignore-not-found', '--wait=false']));
    const range = '198.18.200.0/24';
    const cidr = `\n{ apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: { name: ${ns} }, spec: { cidrs: [${range}] } }\n`;
    const ip = '198.18.200.20';
    await startPods(
      cluster,
      ns,
      [
        answeringPod('web', { node: 'node-1' }),
        ...[1, 2, 3].map((n) => clientPod(`in-${String(n)}`, `node-${String(n)}`)),
        cidr,
      ],
      ['web', 'in-1', 'in-2', 'in-3'],
    );
    await cluster.kubectl(['wait', '--for=condition=Ready', `servicecidr/${ns}`, '--timeout=30s']);
    const spec = (name: string, address: string): string =>
      service(name, `{ clusterIP: ${address}, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }`);
    await cluster.apply(ns, [spec('web', ip), spec('other', '198.18.200.21')].join('---'));
    assert.equal(await cluster.field(ns, `ipaddress/${ip}`, '.spec.parentRef.name'), 'web');
    const vantages = [1, 2, 3].flatMap((n) => [`pod/${ns}/in-${String(n)}`, `node/node-${String(n)}`]);
    await Promise.all(vantages.map((from) => reaches(from, `http://${ip}/`, 'web')));
    await reaches(`pod/${ns}/in-2`, 'http://198.18.200.21/', 'web');
    await reaches(`pod/${ns}/in-2`, 'http://198.18.200.99/', 'refused');
    await reaches('node/node-3', 'http://198.18.200.99/', 'refused');

    await cluster.kubectl(['delete', 'servicecidr', ns, '--wait=false']);
    await reaches(`pod/${ns}/in-3`, `http://${ip}/`, 'web');
    await cluster.kubectl(['delete', 'service', 'web', 'other', '-n', ns]);
    await cluster.kubectl(['wait', '--for=delete', `servicecidr/${ns}`, '--timeout=30s']);
  });
});
