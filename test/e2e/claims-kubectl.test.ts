/** Claims C17, C18 and the verbs people use: the real kubectl, unchanged. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { webApp } from '../support/apps.ts';
import { asYaml, sharedCluster } from '../support/cluster.ts';
import { eventually } from '../../src/util/testing.ts';

const cluster = sharedCluster();

/** An editor for `kubectl edit`: sed with this expression. */
function editorThatRuns(t: TestContext, expression: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-editor-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'editor');
  writeFileSync(path, `#!/bin/sh\nexec sed -i '${expression}' "$1"\n`, { mode: 0o755 });
  return path;
}

test('claim C17: kubectl expose deployment nginxapp, as ClusterIP and as NodePort', async (t) => {
  const ns = await cluster.namespace(t, 'c17');
  await cluster.apply(ns, webApp('nginxapp', { replicas: 2 }));
  await cluster.waitForDeployment(ns, 'nginxapp');
  const first = await cluster.kubectl([
    'expose',
    'deployment',
    'nginxapp',
    '--name=nginxclusterip',
    '--port=80',
    '--target-port=8080',
    '-n',
    ns,
  ]);
  assert.equal(first, 'service/nginxclusterip exposed\n');
  const second = await cluster.kubectl([
    'expose',
    'deployment',
    'nginxapp',
    '--name=nginxnodeport',
    '--port=80',
    '--target-port=8080',
    '--type=NodePort',
    '-n',
    ns,
  ]);
  assert.equal(second, 'service/nginxnodeport exposed\n');
  const clusterIP = await cluster.field(ns, 'service/nginxclusterip', '.spec.clusterIP');
  const nodePort = await cluster.field(ns, 'service/nginxnodeport', '.spec.ports[0].nodePort');
  const [nodeIP = ''] = await cluster.nodeAddresses();
  await eventually(
    'the cluster IP answers',
    async () => (await cluster.fetch('node/node-3', `http://${clusterIP}/`)).kind === 'answer',
  );
  await eventually(
    'the node port answers',
    async () => (await cluster.fetch('lan', `http://${nodeIP}:${nodePort}/`)).kind === 'answer',
  );
});

test('claim C18: a container in a pod in a replica set in a deployment: create, scale, rollout', async (t) => {
  const ns = await cluster.namespace(t, 'c18');
  await cluster.kubectl([
    'create',
    'deployment',
    'app',
    '-n',
    ns,
    '--image=portolan.local/host',
    '--replicas=2',
    '--',
    // Process 1 of a container has no default action for SIGTERM: `sleep` would take its whole grace of 30 s to end.
    'perl',
    '-e',
    '$SIG{TERM} = sub { exit }; sleep 1 while 1',
  ]);
  assert.match(
    await cluster.kubectl(['rollout', 'status', 'deployment/app', '-n', ns, '--timeout=60s']),
    /successfully rolled out/,
  );
  const [replicaSet] = (
    await cluster.json<{ items: { metadata: { name: string; ownerReferences: { kind: string; name: string }[] } }[] }>([
      'get',
      'rs',
      '-n',
      ns,
    ])
  ).items;
  assert.deepEqual(
    [replicaSet?.metadata.ownerReferences[0]?.kind, replicaSet?.metadata.ownerReferences[0]?.name],
    ['Deployment', 'app'],
  );
  const pods = (
    await cluster.json<{ items: { metadata: { name: string; ownerReferences: { kind: string; name: string }[] } }[] }>([
      'get',
      'pods',
      '-n',
      ns,
    ])
  ).items;
  assert.equal(pods.length, 2);
  for (const pod of pods)
    assert.deepEqual(
      [pod.metadata.ownerReferences[0]?.kind, pod.metadata.ownerReferences[0]?.name],
      ['ReplicaSet', replicaSet?.metadata.name],
    );

  await cluster.kubectl(['scale', 'deployment/app', '-n', ns, '--replicas=4']);
  await cluster.waitForDeployment(ns, 'app');
  assert.match(await cluster.kubectl(['get', 'deployment', 'app', '-n', ns]), /^app\s+4\/4\s+4\s+4\s/m);
  await cluster.kubectl(['scale', 'deployment/app', '-n', ns, '--replicas=1']);
  await eventually('three pods are gone', async () => (await cluster.podNames(ns, 'app=app')).length === 1, {
    timeoutMs: 60_000,
  });

  await cluster.kubectl(['set', 'env', 'deployment/app', '-n', ns, 'ROUND=2']);
  assert.match(
    await cluster.kubectl(['rollout', 'status', 'deployment/app', '-n', ns, '--timeout=60s']),
    /successfully rolled out/,
  );
  assert.match(await cluster.kubectl(['rollout', 'history', 'deployment/app', '-n', ns]), /^1\s+<none>\n2\s+<none>/m);
  await cluster.kubectl(['rollout', 'undo', 'deployment/app', '-n', ns]);
  assert.match(
    await cluster.kubectl(['rollout', 'status', 'deployment/app', '-n', ns, '--timeout=60s']),
    /successfully rolled out/,
  );
});

test('kubectl: describe, edit, label, annotate, wait, watch, yaml, delete', async (t) => {
  const ns = await cluster.namespace(t, 'verbs');
  await cluster.apply(ns, webApp('web'));
  await cluster.waitForDeployment(ns, 'web');
  await cluster.kubectl(['expose', 'deployment', 'web', '-n', ns, '--port=80', '--target-port=8080']);
  const described = await eventually('describe shows the endpoint', async () => {
    const text = await cluster.kubectl(['describe', 'service', 'web', '-n', ns]);
    return /Endpoints:\s+10\.244\.\d+\.\d+:8080/.test(text) ? text : false;
  });
  assert.match(described, /^Type:\s+ClusterIP$/m);
  assert.match(described, /^Session Affinity:\s+None$/m);
  assert.match(
    await cluster.kubectl(['describe', 'pod', '-n', ns, '-l', 'app=web']),
    /Started\s+.*container|Started container/i,
  );

  await cluster.kubectl(['label', 'service', 'web', '-n', ns, 'tier=front']);
  await cluster.kubectl(['annotate', 'service', 'web', '-n', ns, 'note=hello']);
  assert.equal(
    await cluster.kubectl([
      'get',
      'svc',
      '-n',
      ns,
      '-l',
      'tier=front',
      '-o',
      'jsonpath={.items[0].metadata.annotations.note}',
    ]),
    'hello',
  );
  await cluster.kubectl(['edit', 'service', 'web', '-n', ns], {
    env: { KUBE_EDITOR: editorThatRuns(t, 's/tier: front/tier: edge/') },
  });
  assert.equal(await cluster.field(ns, 'service/web', '.metadata.labels.tier'), 'edge');
  assert.match(await cluster.kubectl(['get', 'svc', 'web', '-n', ns, '-o', 'yaml']), /^kind: Service$/m);
  await cluster.kubectl(['wait', '-n', ns, '--for=condition=Available', 'deployment/web', '--timeout=30s']);

  const watching = cluster.tryKubectl(
    ['get', 'configmap', '-n', ns, '--watch', '--output-watch-events', '--request-timeout=20s', '-o', 'name'],
    { timeoutMs: 6_000 },
  );
  await cluster.kubectl(['create', 'configmap', 'seen', '-n', ns, '--from-literal=a=b']);
  await cluster.kubectl(['delete', 'configmap', 'seen', '-n', ns]);
  assert.match((await watching).stdout, /configmap\/seen/);
  await cluster.kubectl(['delete', 'deployment,service', '--all', '-n', ns]);
  await eventually(
    'the pods go with their deployment',
    async () => (await cluster.podNames(ns, 'app=web')).length === 0,
  );
});

test('kubectl: apply changes what was applied, and only that', async (t) => {
  const ns = await cluster.namespace(t, 'apply');
  const at = (ports: string): string =>
    `{ apiVersion: v1, kind: Service, metadata: { name: web, labels: { a: b } }, spec: { selector: { app: web }, ports: ${ports} } }`;
  await cluster.apply(ns, at('[{ name: http, port: 80 }]'));
  await cluster.kubectl(['label', 'service', 'web', '-n', ns, 'by=hand']);
  await cluster.apply(ns, at('[{ name: http, port: 80, targetPort: 8080 }, { name: https, port: 443 }]'));
  const live = await cluster.json<{
    metadata: { labels: unknown };
    spec: { ports: { name: string; targetPort: unknown }[] };
  }>(['get', 'service', 'web', '-n', ns]);
  assert.deepEqual(live.metadata.labels, { a: 'b', by: 'hand' });
  assert.deepEqual(
    live.spec.ports.map((port) => [port.name, port.targetPort]),
    [
      ['http', 8080],
      ['https', 443],
    ],
  );
  assert.match(
    await cluster.kubectl(['apply', '-n', ns, '-f', '-'], {
      input: asYaml(at('[{ name: http, port: 80, targetPort: 8080 }, { name: https, port: 443 }]')),
    }),
    /unchanged/,
  );
});

test('kubectl: logs and exec, with exit codes and standard input', async (t) => {
  const ns = await cluster.namespace(t, 'exec');
  await cluster.kubectl([
    'run',
    'talker',
    '-n',
    ns,
    '--image=portolan.local/host',
    '--restart=Never',
    '--',
    'sh',
    '-c',
    'echo first; echo second; sleep 86400',
  ]);
  await cluster.kubectl(['wait', '-n', ns, '--for=condition=Ready', 'pod/talker', '--timeout=60s']);
  await eventually('both lines are in the log', async () =>
    (await cluster.kubectl(['logs', 'talker', '-n', ns])).includes('second'),
  );
  assert.equal(await cluster.kubectl(['logs', 'talker', '-n', ns, '--tail=1']), 'second\n');
  assert.equal(await cluster.kubectl(['exec', 'talker', '-n', ns, '--', 'hostname']), 'talker\n');
  assert.equal(
    await cluster.kubectl(['exec', '-i', 'talker', '-n', ns, '--', 'tr', 'a-z', 'A-Z'], { input: 'shout' }),
    'SHOUT',
  );
  const failed = await cluster.tryKubectl(['exec', 'talker', '-n', ns, '--', 'sh', '-c', 'echo sorry >&2; exit 7']);
  assert.equal(failed.code, 7);
  assert.match(failed.stderr, /sorry/);
  const missing = await cluster.tryKubectl(['logs', 'nobody', '-n', ns]);
  assert.match(missing.stderr, /error from server \(NotFound\): pods "nobody" not found/i);
});

test('kubectl: an image that cannot be had says why', async (t) => {
  const ns = await cluster.namespace(t, 'image');
  await cluster.kubectl(['run', 'absent', '-n', ns, '--image=127.0.0.1:1/nobody/nothing:v1']);
  await eventually('the pod shows why it waits', async () =>
    /ErrImagePull|ImagePullBackOff/.test(await cluster.kubectl(['get', 'pod', 'absent', '-n', ns])),
  );
  await eventually('the events carry the reason', async () =>
    /Failed to pull image "127\.0\.0\.1:1\/nobody\/nothing:v1":/.test(
      await cluster.kubectl(['describe', 'pod', 'absent', '-n', ns]),
    ),
  );
});
