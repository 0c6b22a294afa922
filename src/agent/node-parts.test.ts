/** What E2E §2.4 asks of a node beyond running a container: gates, names, volumes, security, hooks, storage. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { resources } from '../api/resources.ts';
import type { PodSpec } from '../api/gen/types.ts';
import { eventually } from '../util/testing.ts';
import { hostContainer, isReady, startTestNode } from './testing.ts';

await test('node parts', async (t) => {
  const node = await startTestNode(t);
  const kubectl = (...args: readonly string[]): Promise<string> =>
    text(spawn('kubectl', ['--kubeconfig', node.kubeconfig, ...args]).stdout);
  const sleeper = (spec: Partial<PodSpec['containers'][number]> = {}): PodSpec['containers'][number] => ({
    ...hostContainer('c', 'trap "exit 0" TERM; while true; do sleep 0.1; done'),
    ...spec,
  });

  await t.test('a readiness gate holds Ready back until someone opens it', async () => {
    await node.create('gate', { containers: [sleeper()], readinessGates: [{ conditionType: 'example.com/go' }] });
    const held = await node.until('gate', ({ status }) =>
      (status?.conditions ?? []).some(({ type, status: value }) => type === 'ContainersReady' && value === 'True'),
    );
    const ready = held.status?.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(ready?.message, 'corresponding condition of pod readiness gate "example.com/go" does not exist.');
    const conditions = [{ type: 'example.com/go', status: 'True' }];
    const key = { namespace: 'default', name: 'gate' };
    await node.client.patch(resources.pods, key, 'strategic', { status: { conditions } }, { subresource: 'status' });
    await node.until('gate', isReady);
    await node.remove('gate');
  });

  await t.test('names, search paths, volumes, downward values and the security context', async () => {
    const meta = { namespace: 'default', name: 'cfg' };
    await node.client.create(resources.configMaps, { metadata: meta, data: { key: 'from map' } });
    await node.client.create(resources.secrets, {
      metadata: meta,
      data: { key: Buffer.from('hidden').toString('base64') },
    });
    const searches = Array.from({ length: 8 }, (_, i) => `s${String(i)}.example.com`);
    await node.create(
      'all',
      {
        hostname: 'own',
        subdomain: 'sub',
        setHostnameAsFQDN: true,
        dnsPolicy: 'None',
        dnsConfig: { nameservers: ['10.96.0.10'], searches },
        securityContext: { fsGroup: 2000, runAsUser: 1000, runAsGroup: 1000 },
        volumes: [
          { name: 'map', configMap: { name: 'cfg' } },
          { name: 'empty', emptyDir: {} },
          {
            name: 'all',
            projected: {
              sources: [
                { secret: { name: 'cfg', items: [{ key: 'key', path: 'deep/secret' }] } },
                { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
              ],
            },
          },
        ],
        containers: [
          sleeper({
            resources: { limits: { cpu: '500m', memory: '64Mi' } },
            securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'], add: ['NET_RAW'] } },
            env: [{ name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } }],
            volumeMounts: [
              { name: 'map', mountPath: '/own/file', subPath: 'key' },
              { name: 'empty', mountPath: '/srv' },
              { name: 'all', mountPath: '/opt' },
            ],
          }),
        ],
      },
      { labels: { a: 'b' } },
    );
    await node.until('all', isReady);
    const script = [
      'hostname; grep ^search /etc/resolv.conf; cat /own/file; echo; cat /opt/deep/secret; echo; cat /opt/labels; echo',
      'id -u; id -G; touch /srv/x && stat -c %g /srv/x; touch /usr/x 2>/dev/null || echo read-only',
      'grep CapBnd /proc/self/status | cut -f2; echo $MEM',
      // The token is its user's and its group's, and nobody else's.
      'stat -Lc "%a %u %g" /var/run/secrets/kubernetes.io/serviceaccount/token',
    ].join('; ');
    const lines = (await kubectl('exec', 'all', '--', 'sh', '-c', script)).split('\n');
    assert.deepEqual(lines.slice(0, -1), [
      'own.sub.default.svc.cluster.local',
      `search ${searches.join(' ')}`,
      'from map',
      'hidden',
      'a="b"',
      '1000',
      '1000 2000',
      '2000',
      'read-only',
      '0000000000002000',
      '64',
      '640 1000 2000',
    ]);
    const key = { namespace: 'default', name: 'all' };
    await node.client.patch(resources.pods, key, 'merge', { metadata: { labels: { a: 'new' } } });
    await eventually('the volume shows the label at once', async () => {
      return (await kubectl('exec', 'all', '--', 'cat', '/opt/labels')) === 'a="new"';
    });
    await node.remove('all');
  });

  await t.test('emptyDir in memory: one file system of the size asked for, shared, and gone with the pod', async () => {
    const volumeMounts = [{ name: 'mem', mountPath: '/srv' }];
    const pod = await node.create('memory', {
      volumes: [{ name: 'mem', emptyDir: { medium: 'Memory', sizeLimit: '2Mi' } }],
      containers: [sleeper({ volumeMounts }), sleeper({ name: 'other', volumeMounts })],
    });
    await node.until('memory', isReady);
    const script =
      'stat -fc "%T %s %b" /srv; stat -c %a /srv; dd if=/dev/zero of=/srv/x bs=1M count=3 2>&1 | grep -c left';
    const lines = (await kubectl('exec', 'memory', '-c', 'other', '--', 'sh', '-c', script)).split('\n');
    assert.deepEqual(lines.slice(0, 3), ['tmpfs 4096 512', '777', '1'], 'no space is left after 2 MiB');
    assert.equal(await kubectl('exec', 'memory', '-c', 'c', '--', 'stat', '-c', '%s', '/srv/x'), '2097152\n');
    await node.remove('memory');
    assert.ok(!readFileSync('/proc/self/mounts', 'utf8').includes(pod.metadata.uid), 'nothing stays mounted');
  });

  await t.test('hooks run, and the last word is told', async () => {
    const lifecycle = {
      postStart: { exec: { command: ['sh', '-c', 'echo started >/srv/log'] } },
      preStop: { exec: { command: ['sh', '-c', 'echo stopping >>/srv/log; cat /srv/log >/srv/last'] } },
    };
    const container = {
      ...sleeper({ lifecycle, volumeMounts: [{ name: 'v', mountPath: '/srv' }], terminationMessagePath: '/srv/word' }),
      securityContext: { runAsUser: 1000 },
      command: ['sh', '-c', 'trap "cat /srv/last >/srv/word; exit 3" TERM; while true; do sleep 0.1; done'],
    };
    await node.create('hooks', {
      containers: [container],
      volumes: [{ name: 'v', emptyDir: {} }],
      terminationGracePeriodSeconds: 20,
    });
    await node.until('hooks', isReady);
    const key = { namespace: 'default', name: 'hooks' };
    await node.client.patch(resources.pods, key, 'merge', { metadata: { finalizers: ['example.com/look'] } });
    await node.client.delete(resources.pods, key);
    const ended = await node.until(
      'hooks',
      ({ status }) => status?.containerStatuses?.[0]?.state?.terminated !== undefined,
    );
    const { exitCode, message } = ended.status?.containerStatuses?.[0]?.state?.terminated ?? {};
    assert.deepEqual([exitCode, message], [3, 'started\nstopping\n']);
    await node.client.patch(resources.pods, key, 'merge', { metadata: { finalizers: null } });
  });

  await t.test('whoever writes more than its ephemeral-storage limit is evicted', async () => {
    const limits = { 'ephemeral-storage': '5Mi' };
    const command = ['sh', '-c', 'dd if=/dev/zero of=/usr/file bs=1M count=10 2>/dev/null; sleep 1000'];
    await node.create('fat', { containers: [{ ...sleeper({ resources: { limits } }), command }] });
    const evicted = await node.until('fat', ({ status }) => status?.phase === 'Failed');
    assert.equal(evicted.status?.reason, 'Evicted');
    assert.equal(evicted.status?.message, 'Container c exceeded its local ephemeral storage limit "5Mi". ');
    await node.remove('fat');
  });
});
