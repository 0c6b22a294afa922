/** DaemonSet, StatefulSet and Job with real pods, through the real kubectl; the kinds that it can make by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedCluster } from '../support/cluster.ts';
import { eventually } from '../../src/util/testing.ts';

const cluster = sharedCluster();

const waiting = `
      terminationGracePeriodSeconds: 0
      containers: [{ name: c, image: portolan.local/host, command: [sleep, infinity] }]`;

function workload(kind: string, name: string, spec: string): string {
  return `
apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: ${name} } }
${spec}
  template:
    metadata: { labels: { app: ${name} } }
    spec:${waiting}
`;
}

test('a DaemonSet is on each node, rolls out, and is undone', async (t) => {
  const ns = await cluster.namespace(t, 'ds');
  await cluster.apply(ns, workload('DaemonSet', 'agent', '  minReadySeconds: 0'));
  const status = async (): Promise<string> =>
    cluster.kubectl(['rollout', 'status', 'daemonset/agent', '-n', ns, '--timeout=60s']);
  assert.match(await status(), /daemon set "agent" successfully rolled out/);
  const nodes = await cluster.kubectl(['get', 'pods', '-n', ns, '-o', 'jsonpath={.items[*].spec.nodeName}']);
  assert.deepEqual(nodes.split(' ').sort(), await cluster.nodeNames());
  await cluster.kubectl(['set', 'env', 'daemonset/agent', 'A=b', '-n', ns]);
  assert.match(await status(), /successfully rolled out/);
  const history = await cluster.kubectl(['rollout', 'history', 'daemonset/agent', '-n', ns]);
  assert.match(history, /^1 +<none>\n2 +<none>$/m);
  await cluster.kubectl(['rollout', 'undo', 'daemonset/agent', '-n', ns]);
  assert.match(await status(), /successfully rolled out/);
  const env = await cluster.field(ns, 'daemonset/agent', '.spec.template.spec.containers[0].env');
  assert.equal(env, '');
  assert.match(await cluster.kubectl(['describe', 'daemonset/agent', '-n', ns]), /SuccessfulCreate/);
});

test('a StatefulSet gives its pods names that resolve', async (t) => {
  const ns = await cluster.namespace(t, 'sts');
  const service = `
apiVersion: v1
kind: Service
metadata: { name: db }
spec: { clusterIP: None, selector: { app: db }, ports: [{ port: 80 }] }
---`;
  await cluster.apply(ns, `${service}${workload('StatefulSet', 'db', '  serviceName: db\n  replicas: 2')}`);
  await cluster.kubectl(['rollout', 'status', 'statefulset/db', '-n', ns, '--timeout=60s']);
  assert.deepEqual(await cluster.podNames(ns, 'app=db'), ['db-0', 'db-1']);
  const ip = await cluster.field(ns, 'pod/db-1', '.status.podIP');
  await eventually('its name resolves', async () => {
    const { stdout } = await cluster.from(`pod/${ns}/db-0`, ['getent', 'hosts', 'db-1.db']);
    return stdout.startsWith(ip);
  });
  await cluster.kubectl(['scale', 'statefulset/db', '--replicas=1', '-n', ns]);
  await cluster.kubectl(['wait', '--for=delete', 'pod/db-1', '-n', ns, '--timeout=30s']);
  assert.deepEqual(await cluster.podNames(ns, 'app=db'), ['db-0']);
});

test('a Job runs to its end; kubectl makes the other kinds', async (t) => {
  const ns = await cluster.namespace(t, 'job');
  const run = (...args: readonly string[]): Promise<string> => cluster.kubectl(['-n', ns, ...args]);
  await run('create', 'job', 'hello', '--image=portolan.local/host', '--', 'echo', 'hello');
  await run('wait', '--for=condition=complete', 'job/hello', '--timeout=60s');
  assert.equal(await run('logs', 'job/hello'), 'hello\n');
  assert.match(await run('get', 'job', 'hello', '--no-headers'), /^hello +Complete +1\/1 /);
  assert.match(await run('describe', 'job', 'hello'), /Job completed/);
  await run('create', 'ingress', 'web', '--rule=a.example/*=web:80');
  assert.match(await run('describe', 'ingress', 'web'), /a\.example/);
  await run('create', 'quota', 'small', '--hard=configmaps=3');
  assert.match(await run('describe', 'quota', 'small'), /configmaps +1 +3/);
  await run('create', 'pdb', 'budget', '--selector=app=x', '--min-available=1');
  assert.match(await run('describe', 'pdb', 'budget'), /Min available: +1/i);
  await run('create', 'deployment', 'd', '--image=portolan.local/host', '--replicas=0');
  const scaler = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: d }
spec: { scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: d }, minReplicas: 1, maxReplicas: 3 }`;
  await cluster.apply(ns, scaler);
  assert.match(await run('get', 'hpa', 'd', '--no-headers'), /^d +Deployment\/d +cpu: <unknown>\/80% +1 +3 +0 /);
  const all = await run('get', 'all');
  for (const kind of ['deployment.apps/d', 'job.batch/hello', 'horizontalpodautoscaler.autoscaling/d']) {
    assert.ok(all.includes(kind), `${kind} in ${all}`);
  }
  const top = await cluster.tryKubectl(['top', 'pods', '-n', ns]);
  assert.match(top.stderr, /Metrics API not available/);
});
