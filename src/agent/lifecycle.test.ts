import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { resources } from '../api/resources.ts';
import { hostContainer, isReady, podNamespaces, startTestNode } from './testing.ts';
import { eventually } from '../util/testing.ts';
import type { TestNode } from './testing.ts';

/** The real one, against the test's API server. */
function kubectl(node: TestNode, args: readonly string[], input = ''): Promise<Said> {
  return command('kubectl', ['--kubeconfig', node.kubeconfig, ...args], input);
}

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function command(program: string, args: readonly string[], input = ''): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args);
    let out = '';
    let err = '';
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, out, err }));
    child.stdin.end(input);
  });
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

await test('a node runs pods', async (t) => {
  const node = await startTestNode(t);
  const server = 'python3 -u -m http.server 8080 --bind ::';

  await t.test('a server becomes Ready, is reached, has its names, its token and its environment', async () => {
    const container = {
      ...hostContainer('web', `echo up; exec ${server}`),
      env: [
        { name: 'A', value: 'x' },
        { name: 'B', value: '$(A)-$(NOPE)-$$(A)' },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
      readinessProbe: { httpGet: { path: '/', port: 8080 } },
    };
    await node.create('web', { containers: [container] });
    const pod = await node.until('web', isReady);
    const [ip = '', six = ''] = (pod.status?.podIPs ?? []).map((one) => one.ip ?? '');
    assert.match(ip, /^10\.244\.1\./);
    assert.ok(await canConnect(ip, 8080));
    assert.ok(await canConnect(six, 8080));
    const script = [
      'hostname; cat /etc/hostname; echo "$A $B $IP"; head -2 /etc/resolv.conf; grep -c web /etc/hosts',
      'cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo; wc -c </var/run/secrets/kubernetes.io/serviceaccount/token',
      'echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT; touch /usr/written && echo written',
      `ls ${node.options.rootDir} ${node.options.runDir} /root/.kube /etc/shadow 2>/dev/null | wc -l`,
      'cat /sys/class/net/eth0/address >/dev/null && ls /sys/class/net | tr "\\n" " "',
    ].join('; ');
    const { out } = await kubectl(node, ['exec', 'web', '--', 'sh', '-c', script]);
    const lines = out.split('\n');
    assert.deepEqual(lines.slice(0, 3), ['web', 'web', `x x-$(NOPE)-$(A) ${ip}`]);
    assert.match(lines[3] ?? '', /^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local/);
    assert.equal(lines[4], 'nameserver 10.96.0.10');
    assert.equal(lines[5], '2');
    assert.equal(lines[6], 'default');
    assert.ok(Number(lines[7]) > 100, String(lines[7]));
    assert.equal(lines[8], '10.96.0.1:443');
    assert.equal(lines[9], 'written');
    assert.equal(lines[10], '0');
    assert.equal(lines[11]?.trim(), 'eth0 lo');
    assert.equal(existsSync('/usr/written'), false);
  });

  await t.test('kubectl exec passes input, both outputs and the exit code; a terminal has a size', async () => {
    const piped = await kubectl(node, ['exec', '-i', 'web', '--', 'sh', '-c', 'cat; echo e >&2; exit 7'], 'through\n');
    assert.deepEqual([piped.out, piped.code], ['through\n', 7]);
    assert.match(piped.err, /^e\n/);
    const inside = 'sleep 0.3; stty size; test -t 0 && echo terminal';
    const outside = `stty cols 91 rows 33; kubectl --kubeconfig ${node.kubeconfig} exec -it web -- sh -c '${inside}'`;
    const tty = await command('script', ['-qefc', outside, '/dev/null']);
    assert.match(tty.out, /33 91\r\n(.|\n)*terminal/);
    const big = await kubectl(node, ['exec', 'web', '--', 'sh', '-c', 'head -c 3000000 /dev/zero']);
    assert.equal(big.out.length, 3_000_000);
  });

  await t.test('kubectl run -i attaches, gives the input to its end and shows the output', async () => {
    const overrides = JSON.stringify({ spec: { nodeName: 'n1' } });
    const args = [
      'run',
      'echo',
      '-i',
      '--quiet',
      '--restart=Never',
      '--image=portolan.local/host',
      `--overrides=${overrides}`,
    ];
    const said = await kubectl(node, [...args, '--command', '--', 'sh', '-c', 'cat; echo done; exit 4'], 'given\n');
    assert.equal(said.out, 'given\ndone\n', said.err);
    const pod = await node.until('echo', ({ status }) => status?.phase === 'Failed');
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 4);
    await node.remove('echo');
  });

  await t.test('kubectl logs: tail, timestamps, follow to the end, previous', async () => {
    const script =
      'for i in 1 2 3; do echo line $i; done; echo err >&2; printf partial; sleep 0.5; echo; echo last; exit 1';
    await node.create('talk', { containers: [hostContainer('c', script)], restartPolicy: 'Never' });
    await node.until('talk', (pod) => pod.status?.phase !== 'Pending');
    const followed = await kubectl(node, ['logs', '-f', 'talk']);
    assert.deepEqual(
      followed.out.split('\n').filter((line) => line !== 'err'),
      ['line 1', 'line 2', 'line 3', 'partial', 'last', ''],
    );
    const failed = await node.until('talk', (pod) => pod.status?.phase === 'Failed');
    assert.equal(failed.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 1);
    assert.equal((await kubectl(node, ['logs', '--tail=1', 'talk'])).out, 'last\n');
    assert.match((await kubectl(node, ['logs', '--tail=1', '--timestamps', 'talk'])).out, /^20\d\d-.*Z last\n$/);
    assert.equal((await kubectl(node, ['logs', '--limit-bytes=6', 'talk'])).out, 'line 1');
    assert.match(
      (await kubectl(node, ['logs', '--previous', 'talk'])).err,
      /previous terminated container "c" in pod "talk" not found/,
    );
    assert.match((await kubectl(node, ['logs', 'talk', '-c', 'nope'])).err, /nope/);
    await node.remove('talk');
  });

  await t.test('init containers run in order, a sidecar stays, shared volumes are shared', async () => {
    const mount = [{ name: 'shared', mountPath: '/shared' }];
    await node.create('steps', {
      restartPolicy: 'Never',
      initContainers: [
        { ...hostContainer('first', 'echo 1 >>/shared/order'), volumeMounts: mount },
        {
          ...hostContainer('side', 'echo 2 >>/shared/order; trap "exit 0" TERM; while :; do sleep 0.05; done'),
          restartPolicy: 'Always',
          volumeMounts: mount,
          startupProbe: { exec: { command: ['test', '-e', '/shared/order'] } },
        },
        { ...hostContainer('third', 'echo 3 >>/shared/order'), volumeMounts: mount },
      ],
      containers: [
        {
          ...hostContainer('main', 'cat /shared/order; cat /config/key; cat /shared/order >/dev/termination-log'),
          volumeMounts: [...mount, { name: 'config', mountPath: '/config' }],
        },
      ],
      volumes: [
        { name: 'shared', emptyDir: {} },
        { name: 'config', configMap: { name: 'late' } },
      ],
    });
    await eventually('event about the missing config map', async () => {
      const events = await node.client.list(resources.events, { namespace: 'default' });
      return events.items.some(
        (event) => event.reason === 'FailedMount' && /configmap "late" not found/.test(event.message ?? ''),
      );
    });
    const early = (await node.until('steps', ({ status }) => status?.initContainerStatuses !== undefined)).status;
    const reasons = [...(early?.initContainerStatuses ?? []), ...(early?.containerStatuses ?? [])].map(
      ({ state }) => state?.waiting?.reason,
    );
    assert.deepEqual(new Set(reasons), new Set(['PodInitializing']));
    await node.client.create(resources.configMaps, {
      metadata: { name: 'late', namespace: 'default' },
      data: { key: 'value\n' },
    });
    const pod = await node.until('steps', ({ status }) => status?.phase === 'Succeeded');
    assert.equal((await kubectl(node, ['logs', 'steps', '-c', 'main'])).out, '1\n2\n3\nvalue\n');
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.terminated?.message, '1\n2\n3\n');
    assert.equal(pod.status?.initContainerStatuses?.[1]?.state?.terminated?.exitCode, 0);
    await node.remove('steps');
  });

  await t.test('what can not be had says why', async () => {
    const absent = { name: 'absent', image: 'localhost:1/none:1' };
    const broken = { ...hostContainer('broken', ''), command: ['no-such-program'] };
    const keyless = {
      ...hostContainer('keyless', ':'),
      env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'late', key: 'none' } } }],
    };
    await node.create('sad', { containers: [absent, broken, keyless] });
    const pod = await node.until('sad', ({ status }) => {
      const waiting = (status?.containerStatuses ?? []).map((one) => one.state?.waiting?.reason);
      return (
        waiting[0] === 'ImagePullBackOff' &&
        waiting[1] === 'CrashLoopBackOff' &&
        waiting[2] === 'CreateContainerConfigError'
      );
    });
    const [image, program, key] = pod.status?.containerStatuses ?? [];
    assert.match(
      image?.state?.waiting?.message ?? '',
      /^Back-off pulling image "localhost:1\/none:1": ErrImagePull: failed to pull and unpack image/,
    );
    assert.equal(program?.lastState?.terminated?.reason, 'StartError');
    assert.match(program?.lastState?.terminated?.message ?? '', /no-such-program/);
    assert.equal(key?.state?.waiting?.message, "couldn't find key none in ConfigMap default/late");
    // They are sent beside the status, not before it.
    await eventually('events', async () => {
      const events = await node.client.list(resources.events, {
        namespace: 'default',
        fieldSelector: 'involvedObject.name=sad',
      });
      const reasons = events.items.map((event) => event.reason);
      return ['Pulling', 'Failed', 'BackOff'].every((reason) => reasons.includes(reason));
    });
    await node.remove('sad', 0);
  });

  await t.test('a liveness probe that fails restarts the container', async () => {
    const live = hostContainer(
      'live',
      'trap "exit 0" TERM; touch /tmp/ok; sleep 0.3; rm /tmp/ok; while :; do sleep 0.05; done',
    );
    const probe = { exec: { command: ['test', '-e', '/tmp/ok'] }, periodSeconds: 1, failureThreshold: 1 };
    await node.create('live', { containers: [{ ...live, livenessProbe: probe }] });
    const pod = await node.until('live', ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0);
    assert.equal(pod.status?.containerStatuses?.[0]?.lastState?.terminated?.reason, 'Completed');
    const { out } = await kubectl(node, [
      'get',
      'events',
      '--field-selector',
      'involvedObject.name=live',
      '-o',
      'jsonpath={.items[*].message}',
    ]);
    assert.match(out, /Liveness probe failed: .*Container live failed liveness probe, will be restarted/s);
    await node.remove('live');
  });

  await t.test('a pod outlives the agent; the next one knows it, its restarts and its logs', async () => {
    await node.create('stay', {
      containers: [hostContainer('c', 'echo begin; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo end; exit 3')],
    });
    const before = await node.until('stay', isReady);
    const web = await node.until('web', isReady);
    await node.stopAgent();
    assert.ok(await canConnect(web.status?.podIP ?? '', 8080));
    await node.startAgent();
    const again = await node.until('web', isReady);
    assert.equal(again.status?.containerStatuses?.[0]?.containerID, web.status?.containerStatuses?.[0]?.containerID);
    await node.stopAgent();
    // It ends while no agent is there.
    const root = join(
      node.options.runDir,
      'events',
      before.status?.containerStatuses?.[0]?.containerID?.slice(7) ?? '',
    );
    execFileSync('nsenter', ['-t', readFileSync(`${root}.pid`, 'utf8'), '-m', 'touch', '/tmp/go']);
    await eventually('exit is recorded', () => existsSync(`${root}.exit`));
    await node.startAgent();
    const after = await node.until(
      'stay',
      ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0 && status?.phase === 'Running',
    );
    assert.equal(after.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 3);
    assert.equal((await kubectl(node, ['logs', '--previous', 'stay'])).out, 'begin\nend\n');
    await node.remove('stay');
  });

  await t.test('nothing is left of pods that are gone', async () => {
    await node.remove('web');
    await eventually(
      'traces gone',
      () =>
        podNamespaces(node.options.netnsPrefix).length === 0 &&
        readdirSync(join(node.options.rootDir, 'pods')).length === 0,
    );
    for (const place of ['containers', 'raw', 'logs'])
      assert.deepEqual(readdirSync(join(node.options.rootDir, place)), [], place);
    for (const place of ['containers', 'events', 'crun'])
      assert.deepEqual(readdirSync(join(node.options.runDir, place)), [], place);
    assert.equal(readFileSync('/proc/self/mounts', 'utf8').includes(node.dir), false);
    assert.equal(execFileSync('ip', ['-o', 'link', 'show', 'type', 'veth']).toString(), '');
  });
});
