/** Claims C20, C21: the API from inside a pod, and the three-tier example with only its front open. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';
import { clientPod } from '../support/apps.ts';
import { sharedCluster } from '../support/cluster.ts';
import { eventually } from '../../src/util/testing.ts';
import { projectRoot } from '../support/paths.ts';

const cluster = sharedCluster();

test('claim C20: a pod reaches the API at 10.96.0.1:443 with its own token and CA', async (t) => {
  const ns = await cluster.namespace(t, 'c20');
  assert.match(
    await cluster.kubectl(['get', 'service', 'kubernetes', '-n', 'default']),
    /^kubernetes\s+ClusterIP\s+10\.96\.0\.1\s+<none>\s+443\/TCP/m,
  );
  await cluster.apply(ns, clientPod('client'));
  await cluster.kubectl(['wait', '-n', ns, '--for=condition=Ready', 'pod/client', '--timeout=60s']);
  // A real cluster allows an account nothing but discovery until somebody gives it a role.
  await cluster.kubectl([
    ...['create', 'rolebinding', 'client-views', '-n', ns, '--clusterrole=view', `--serviceaccount=${ns}:default`],
  ]);
  const script = `d=/var/run/secrets/kubernetes.io/serviceaccount
    [ "$(cat $d/namespace)" = "${ns}" ] || exit 9
    curl -sS --noproxy '*' --fail --cacert $d/ca.crt -H "Authorization: Bearer $(cat $d/token)" "https://$0/api/v1/namespaces/${ns}/pods/client"`;
  for (const host of [
    '10.96.0.1:443',
    'kubernetes.default.svc:443',
    '$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT',
  ]) {
    const program = host.startsWith('$') ? script.replace('$0', host) : script;
    const pod = JSON.parse(await cluster.kubectl(['exec', 'client', '-n', ns, '--', 'sh', '-c', program, host])) as {
      metadata: { name: string };
    };
    assert.equal(pod.metadata.name, 'client');
  }
  const anonymous = await cluster.kubectl([
    'exec',
    'client',
    '-n',
    ns,
    '--',
    'sh',
    '-c',
    "curl -sS --noproxy '*' -k -o /dev/null -w '%{http_code}' https://10.96.0.1/api/v1/namespaces",
  ]);
  assert.match(anonymous, /^40[13]$/);
});

test('claim C21: user → frontend → backend → database, and only the frontend is open', async (t) => {
  const ns = await cluster.namespace(t, 'c21');
  await cluster.kubectl(['apply', '-n', ns, '-f', join(projectRoot, 'examples/three-tier.yaml')]);
  for (const name of ['frontend', 'backend', 'database']) await cluster.waitForDeployment(ns, name);
  const address = await eventually('the frontend has a public address', async () => {
    const ip = await cluster.field(ns, 'service/frontend', '.status.loadBalancer.ingress[0].ip');
    return ip === '' ? false : ip;
  });
  const answer = await eventually('one request from the internet passes all three tiers', async () => {
    const fetched = await cluster.fetch('internet', `http://${address}/`);
    return fetched.kind === 'answer' && fetched.status === 200 ? fetched : false;
  });
  for (const tier of ['frontend', 'backend', 'database']) assert.match(answer.body, new RegExp(tier));
  for (const name of ['backend', 'database']) {
    const service = await cluster.json<{ spec: { clusterIP: string; ports: { port: number }[]; type: string } }>([
      'get',
      'service',
      name,
      '-n',
      ns,
    ]);
    assert.equal(service.spec.type, 'ClusterIP');
    const podIP = await cluster.kubectl([
      'get',
      'pods',
      '-n',
      ns,
      '-l',
      `app=${name}`,
      '-o',
      'jsonpath={.items[0].status.podIP}',
    ]);
    for (const host of [service.spec.clusterIP === 'None' ? podIP : service.spec.clusterIP, podIP]) {
      assert.notEqual(
        (await cluster.fetch('internet', `http://${host}:${service.spec.ports[0]?.port}/`, 2)).kind,
        'answer',
        `the internet must not reach ${name}`,
      );
    }
  }
});
