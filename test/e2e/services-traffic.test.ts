/** What upstream's end-to-end suite asks of the proxy, through the real kubectl and real pods: policies, affinity, readiness. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { answeringPod, askUdp, startPods } from '../support/answering-pods.ts';
import { clientPod } from '../support/apps.ts';
import { asYaml, sharedCluster } from '../support/cluster.ts';
import { eventually } from '../../src/util/testing.ts';

const cluster = sharedCluster();
let nodeIPs: string[] = [];
before(async () => {
  nodeIPs = await cluster.nodeAddresses();
});

/** Name of the pod that answered, or how it failed. */
async function server(vantage: string, url: string, seconds = 3): Promise<string> {
  const fetched = await cluster.fetch(vantage, url, seconds);
  return fetched.kind === 'answer' ? (fetched.body.split(' ')[0] ?? '') : fetched.kind;
}

async function becomes(vantage: string, url: string, want: string): Promise<void> {
  let last = '';
  try {
    await eventually('', async () => (last = await server(vantage, url, 1)) === want);
  } catch (error) {
    throw new Error(`${vantage} ${url}: want ${want}, last ${last}`, { cause: error });
  }
}

async function serversOf(vantage: string, url: string, count: number): Promise<Set<string>> {
  return new Set((await cluster.fetchMany(vantage, url, count)).map((line) => line.split(' ')[0] ?? ''));
}

async function clusterIP(ns: string, name: string): Promise<string> {
  return await cluster.field(ns, `service/${name}`, '.spec.clusterIP');
}

async function patch(ns: string, object: string, body: object): Promise<void> {
  await cluster.kubectl(['patch', object, '-n', ns, '--type=merge', '-p', JSON.stringify(body)]);
}

const service = (name: string, spec: string, more = ''): string =>
  `\n{ apiVersion: v1, kind: Service, metadata: { name: ${name}${more} }, spec: ${spec} }\n`;

// Two at a time: what they wait for is work of others; each has a namespace and node ports of its own.
describe('traffic of Services', { concurrency: 2 }, () => {
  test('externalTrafficPolicy and the health check node port, changed live; terminating endpoints serve while there is no other', async (t) => {
    const ns = await cluster.namespace(t, 'policy');
    const spec =
      '{ type: LoadBalancer, loadBalancerClass: example.com/none, externalTrafficPolicy: Local, healthCheckNodePort: 30041, selector: { app: web }, ports: [{ port: 80, targetPort: 8080, nodePort: 30040 }] }';
    await startPods(
      cluster,
      ns,
      [answeringPod('one', { node: 'node-1', graceSeconds: 20 }), service('web', spec)],
      ['one'],
    );
    const [first = '', second = ''] = nodeIPs;
    const [at1, at2] = [`http://${first}:30040/`, `http://${second}:30040/`];
    const health = async (ip: string): Promise<number | string> => {
      const got = await cluster.fetch('lan', `http://${ip}:30041/`, 2);
      return got.kind === 'answer' ? got.status : got.kind;
    };
    await becomes('lan', at1, 'one');
    const lanIP = first.replace(/\d+$/, '100');
    assert.deepEqual(await cluster.fetch('lan', at1), { kind: 'answer', status: 200, body: `one ${lanIP}\n` });
    assert.deepEqual([await health(first), await health(second)], [200, 503]);
    assert.equal(await server('lan', at2, 1), 'timeout', 'no endpoint there: dropped outside');
    assert.equal(await server('node/node-2', at2), 'one', 'short circuit inside');

    await patch(ns, 'service/web', { spec: { externalTrafficPolicy: 'Cluster' } });
    await becomes('lan', at2, 'one');
    assert.equal(await cluster.field(ns, 'service/web', '.spec.healthCheckNodePort'), '');
    await eventually('the health check port is closed', async () => (await health(first)) === 'refused');
    await patch(ns, 'service/web', { spec: { externalTrafficPolicy: 'Local', healthCheckNodePort: 30041 } });
    await eventually('it is open again', async () => (await health(first)) === 200);

    await cluster.kubectl(['delete', 'pod', 'one', '-n', ns, '--wait=false']);
    await eventually('only a terminating endpoint', async () => (await health(first)) === 503);
    assert.equal(await server('lan', at1), 'one');
    assert.equal(await server('node/node-3', `http://${await clusterIP(ns, 'web')}/`), 'one');
    await startPods(cluster, ns, [answeringPod('two', { node: 'node-1' })], ['two']);
    await becomes('lan', at1, 'two');
    await cluster.kubectl(['delete', 'pod', 'one', '-n', ns, '--grace-period=0', '--force']);
  });

  test('publishNotReadyAddresses, live; no ready endpoint is refused; a failed pod is never one', async (t) => {
    const ns = await cluster.namespace(t, 'ready');
    const never = ', readinessProbe: { exec: { command: ["false"] }, periodSeconds: 1 }';
    const failed =
      '\n{ apiVersion: v1, kind: Pod, metadata: { name: failed, labels: { app: gone } }, spec: { restartPolicy: Never, containers: [{ name: c, image: portolan.local/host, command: ["false"] }] } }\n';
    const port = 'ports: [{ port: 80, targetPort: 8080 }]';
    await startPods(
      cluster,
      ns,
      [
        answeringPod('never', { node: 'node-2', container: never }),
        failed,
        clientPod('client', 'node-1'),
        service('web', `{ selector: { app: web }, ${port} }`),
        service('gone', `{ publishNotReadyAddresses: true, selector: { app: gone }, ${port} }`),
      ],
      ['client'],
    );
    const [web, gone] = [await clusterIP(ns, 'web'), await clusterIP(ns, 'gone')];
    const from = `pod/${ns}/client`;
    await becomes(from, `http://${web}/`, 'refused');
    await patch(ns, 'service/web', { spec: { publishNotReadyAddresses: true } });
    await becomes(from, `http://${web}/`, 'never');
    await patch(ns, 'service/web', { spec: { publishNotReadyAddresses: false } });
    await becomes(from, `http://${web}/`, 'refused');
    await cluster.kubectl(['wait', '-n', ns, '--for=jsonpath={.status.phase}=Failed', 'pod/failed', '--timeout=30s']);
    await becomes(from, `http://${gone}/`, 'refused');
  });

  test('source addresses, hairpin, affinity switched live, and traffic kept near', async (t) => {
    const ns = await cluster.namespace(t, 'near');
    const names = ['one', 'two', 'three'];
    const pods = names.map((name, i) => answeringPod(name, { node: `node-${String(i + 1)}` }));
    const spec = '{ type: NodePort, selector: { app: web }, ports: [{ port: 80, targetPort: 8080, nodePort: 30010 }] }';
    await startPods(cluster, ns, [...pods, clientPod('client', 'node-1'), service('web', spec)], [...names, 'client']);
    const url = `http://${await clusterIP(ns, 'web')}/`;
    const nodePort = `http://${nodeIPs[1] ?? ''}:30010/`;
    const client = `pod/${ns}/client`;
    await eventually('all three serve', async () => (await serversOf(client, url, 30)).size === 3);
    const ip = async (pod: string): Promise<string> => await cluster.field(ns, `pod/${pod}`, '.status.podIP');
    const clientIP = await ip('client');
    const lines = await cluster.fetchMany(client, url, 20);
    assert.deepEqual(
      new Set(lines.map((line) => line.split(' ')[1])),
      new Set([clientIP]),
      'on this node and on others',
    );
    const own = await cluster.fetchMany(`pod/${ns}/one`, url, 30);
    const toItself = own.filter((line) => line.startsWith('one '));
    assert.ok(toItself.length > 0);
    assert.ok(!toItself.includes(`one ${await ip('one')}`), 'a hairpin is masqueraded');

    await patch(ns, 'service/web', { spec: { sessionAffinity: 'ClientIP' } });
    for (const [from, to] of [
      [client, url],
      ['lan', nodePort],
    ] as const) {
      await eventually(`${from} sticks`, async () => (await serversOf(from, to, 15)).size === 1);
      const [stuck] = await serversOf(from, to, 5);
      assert.deepEqual([...(await serversOf(from, to, 20))], [stuck]);
    }
    await patch(ns, 'service/web', { spec: { sessionAffinity: 'None' } });
    await eventually('it spreads again', async () => (await serversOf('lan', nodePort, 30)).size === 3);

    await patch(ns, 'service/web', { spec: { trafficDistribution: 'PreferSameNode' } });
    await eventually('the node keeps its own', async () => [...(await serversOf(client, url, 20))].join() === 'one');
    await cluster.kubectl(['delete', 'pod', 'one', '-n', ns]);
    await eventually('others help out', async () => (await serversOf(client, url, 30)).size === 2);
    await startPods(cluster, ns, [answeringPod('one', { node: 'node-1' })], ['one']);
    await eventually('and it is back', async () => [...(await serversOf(client, url, 20))].join() === 'one');

    await patch(ns, 'service/web', { spec: { trafficDistribution: null, internalTrafficPolicy: 'Local' } });
    await eventually('internal Local', async () => [...(await serversOf('node/node-2', url, 10))].join() === 'two');
    await cluster.kubectl(['delete', 'pod', 'two', '-n', ns]);
    await becomes('node/node-2', url, 'timeout');
    assert.equal(await server(client, url), 'one');
  });

  test('UDP flows follow the server: pods that cycle, another target port; TCP and UDP on one number come and go alone', async (t) => {
    const ns = await cluster.namespace(t, 'udp');
    const udp = '{ name: u, port: 80, targetPort: 8080, protocol: UDP, nodePort: 30020 }';
    const tcp = '{ name: t, port: 80, targetPort: 8080, protocol: TCP, nodePort: 30020 }';
    const spec = (ports: string): string =>
      service('web', `{ type: NodePort, selector: { app: web }, ports: [${ports}] }`);
    await startPods(
      cluster,
      ns,
      [answeringPod('one', { node: 'node-1' }), clientPod('client', 'node-2'), spec(`${tcp}, ${udp}`)],
      ['one', 'client'],
    );
    // Not apply: kubectl's patch tells ports apart by number only, so TCP/80 and UDP/80 would become one (kubernetes#39188).
    const replace = async (yaml: string): Promise<void> => {
      await cluster.kubectl(['replace', '-n', ns, '-f', '-'], { input: asYaml(yaml) });
    };
    const ip = await clusterIP(ns, 'web');
    const follows = async (want: string): Promise<void> => {
      const flows = [
        [`pod/${ns}/client`, ip, 80, 40_501],
        ['node/node-2', ip, 80, 40_502],
        ['lan', nodeIPs[1] ?? '', 30_020, 40_503],
      ] as const;
      await Promise.all(
        flows.map(([from, to, port, source]) =>
          eventually(`${from} meets ${want}`, async () =>
            (await askUdp(cluster, from, to, port, source)).startsWith(want),
          ),
        ),
      );
    };
    await follows('one ');
    await startPods(cluster, ns, [answeringPod('two', { node: 'node-2', port: 9090, labels: 'app: other' })], ['two']);
    await cluster.kubectl(['delete', 'pod', 'one', '-n', ns]);
    await follows('REFUSED');
    await cluster.kubectl(['label', 'pod', 'two', '-n', ns, '--overwrite', 'app=web']);
    await replace(spec(`${tcp}, ${udp.replace('8080', '9090')}`));
    await follows('two ');
    await replace(spec(tcp.replace('8080', '9090')));
    await follows('REFUSED');
    await becomes('node/node-1', `http://${ip}/`, 'two');
    await replace(spec(udp.replace('8080', '9090')));
    await follows('two ');
    await becomes('node/node-1', `http://${ip}/`, 'refused');
    assert.equal(await server('lan', `http://${nodeIPs[0] ?? ''}:30020/`), 'refused');
  });
});
