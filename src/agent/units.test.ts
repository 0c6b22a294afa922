import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Container, Pod, PodSpec, Probe, Service } from '../api/gen/types.ts';
import { rejectionOf } from './admission.ts';
import { capabilitiesIn, containerCapabilities, defaultCapabilities } from './capabilities.ts';
import { containerUser } from './container-user.ts';
import { backoffLeft, durationText, nextBackoff } from './crash-backoff.ts';
import { expand } from './expand.ts';
import { managedHosts, podHostName } from './hosts-file.ts';
import { readRuntime } from './machine.ts';
import { volumeMounts } from './mounts.ts';
import { mayCall, subresourcesOf } from './node-api/authorize.ts';
import { commandLine, ociSpec } from './oci-spec.ts';
import { planPod } from './pod-plan.ts';
import type { ContainerView } from './pod-plan.ts';
import { setUpScript } from './pod-network.ts';
import { countsAsFailure, initialProbeState, nextProbeState, probeWait } from './probe-state.ts';
import { parseQuantity } from './quantity.ts';
import { podResolvConf } from './resolv-conf.ts';
import { restartsAfter } from './restart-policy.ts';
import { wantedRoutes } from './routes.ts';
import { serviceEnvironment } from './service-env.ts';
import { logText } from './termination-message.ts';

test('the version of crun is the one that is installed', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-crun-'));
  const path = process.env['PATH'];
  t.after(() => {
    process.env['PATH'] = path;
    rmSync(dir, { recursive: true });
  });
  writeFileSync(join(dir, 'crun'), '#!/bin/sh\ntest "$*" = "--root /run/it --version" && echo "crun version 1.21"\n', {
    mode: 0o755,
  });
  process.env['PATH'] = `${dir}:${path ?? ''}`;
  assert.equal(await readRuntime('/run/it'), 'crun://1.21');
});

test('$(VAR) expansion', () => {
  const env: Record<string, string> = { A: 'a', B: 'b c' };
  const table = [
    ['$(A)', 'a'],
    ['x$(A)$(B)y', 'xab cy'],
    ['$$(A)', '$(A)'],
    ['$(NONE)', '$(NONE)'],
    ['$(A', '$(A'],
    ['$A $', '$A $'],
    ['$$$(A)', '$a'],
    ['', ''],
  ] as const;
  for (const [text, wanted] of table)
    assert.equal(
      expand(text, (name) => env[name]),
      wanted,
      text,
    );
});

test('resolv.conf by dnsPolicy and dnsConfig', () => {
  const settings = {
    clusterDns: ['10.96.0.10'],
    clusterDomain: 'c.local',
    nodeConf: 'nameserver 1.1.1.1\nsearch corp.\noptions rotate\n',
  };
  const conf = (spec: Partial<Pod['spec'] & object>): string =>
    podResolvConf({ metadata: { namespace: 'ns' }, spec: { containers: [], ...spec } }, settings);
  const cluster = 'search ns.svc.c.local svc.c.local c.local corp\nnameserver 10.96.0.10\noptions ndots:5\n';
  const node = 'search corp\nnameserver 1.1.1.1\noptions rotate\n';
  assert.equal(conf({}), cluster);
  assert.equal(conf({ hostNetwork: true }), node);
  assert.equal(conf({ dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }), cluster);
  assert.equal(conf({ dnsPolicy: 'Default' }), node);
  const own = {
    nameservers: ['9.9.9.9'],
    searches: ['a_b', '.'],
    options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
  };
  assert.equal(
    conf({ dnsPolicy: 'None', dnsConfig: own }),
    'search a_b .\nnameserver 9.9.9.9\noptions ndots:2 edns0\n',
  );
  assert.match(conf({ dnsConfig: own }), /options ndots:2 edns0\n$/);
});

test('hosts file and host name', () => {
  const pod = { metadata: { name: 'web-0', namespace: 'ns' }, spec: { containers: [], hostname: 'h', subdomain: 's' } };
  const name = podHostName(pod, 'c.local');
  assert.deepEqual(name, { hostname: 'h', domain: 's.ns.svc.c.local' });
  const text = managedHosts(['10.0.0.1'], name, [{ ip: '1.2.3.4', hostnames: ['x', 'y'] }]);
  assert.match(text, /^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/);
  assert.match(
    text,
    /10\.0\.0\.1\th\.s\.ns\.svc\.c\.local\th\n\n# Entries added by HostAliases\.\n1\.2\.3\.4\tx\ty\n$/,
  );
  const long = podHostName({ metadata: { name: `${'a'.repeat(62)}-b` } }, 'c');
  assert.equal(long.hostname, 'a'.repeat(62));
});

test('service variables: namespace, links, kubernetes, headless', () => {
  const service = (namespace: string, name: string, clusterIP: string): Service => ({
    metadata: { namespace, name },
    spec: {
      clusterIP,
      ports: [
        { name: 'http', port: 80, protocol: 'TCP' },
        { port: 53, protocol: 'UDP' },
      ],
    },
  });
  const all = [
    service('default', 'kubernetes', '10.0.0.1'),
    service('ns', 'my-db', '10.0.0.2'),
    service('ns', 'none', 'None'),
    service('other', 'x', '10.0.0.3'),
  ];
  const env = serviceEnvironment(all, 'ns', true);
  assert.equal(env.get('MY_DB_SERVICE_HOST'), '10.0.0.2');
  assert.equal(env.get('MY_DB_SERVICE_PORT_HTTP'), '80');
  assert.equal(env.get('MY_DB_PORT'), 'tcp://10.0.0.2:80');
  assert.equal(env.get('MY_DB_PORT_53_UDP_ADDR'), '10.0.0.2');
  assert.equal(env.get('KUBERNETES_SERVICE_HOST'), '10.0.0.1');
  assert.equal(
    [...env.keys()].some((key) => key.startsWith('NONE') || key.startsWith('X_')),
    false,
  );
  assert.deepEqual(
    [...new Set([...serviceEnvironment(all, 'ns', false).keys()].map((key) => key.split('_')[0]))],
    ['KUBERNETES'],
  );
});

test('config.json: command, capabilities, namespaces, limits', () => {
  const image = { Entrypoint: ['/entry'], Cmd: ['cmd'], Env: ['PATH=/x'], WorkingDir: '/w' };
  const environment = new Map([['V', 'v']]);
  const line = (container: object): string[] =>
    commandLine({ image, environment, container: { name: 'c', ...container } });
  assert.deepEqual(line({}), ['/entry', 'cmd']);
  assert.deepEqual(line({ args: ['$(V)'] }), ['/entry', 'v']);
  assert.deepEqual(line({ command: ['run'] }), ['run']);
  assert.deepEqual(line({ command: ['run'], args: ['a'] }), ['run', 'a']);
  assert.ok(containerCapabilities(undefined).includes('CAP_NET_RAW'));
  assert.deepEqual(containerCapabilities({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }), [
    'CAP_NET_BIND_SERVICE',
  ]);
  const spec = ociSpec({
    pod: { spec: { containers: [] } },
    container: { name: 'c', resources: { limits: { memory: '1Mi', cpu: '500m' } } },
    image,
    hostRoot: false,
    environment,
    user: { uid: 5, gid: 6, additionalGids: [6], home: '/' },
    hostname: 'h',
    netns: '/run/netns/n',
    mounts: [],
    cgroupsPath: '/p',
  }) as {
    process: { env: string[]; cwd: string; capabilities: { effective: string[] } };
    linux: { namespaces: object[]; resources: { memory: { limit: number }; cpu: { quota: number } } };
  };
  assert.deepEqual(spec.process.env, ['PATH=/x', 'HOSTNAME=h', 'V=v', 'HOME=/']);
  assert.equal(spec.process.cwd, '/w');
  assert.deepEqual(spec.process.capabilities.effective, []);
  assert.deepEqual(spec.linux.namespaces.at(-1), { type: 'network', path: '/run/netns/n' });
  assert.deepEqual([spec.linux.resources.memory.limit, spec.linux.resources.cpu.quota], [1048576, 50000]);
  assert.equal(parseQuantity('1e3'), 1000);
  assert.equal(parseQuantity('x'), undefined);
});

test('capabilities: all means all that this machine has to give', () => {
  const held = capabilitiesIn('Name:\tx\nCapPrm:\t0000000000000000\nCapEff:\t000001fffeffffff\nCapBnd:\t0\n');
  assert.equal(held.length, 40);
  assert.ok(
    !held.includes('CAP_SYS_RESOURCE') && held.includes('CAP_SYS_ADMIN') && held.includes('CAP_CHECKPOINT_RESTORE'),
  );
  assert.deepEqual(capabilitiesIn('CapEff:\t0000000000003001\n'), ['CAP_CHOWN', 'CAP_NET_ADMIN', 'CAP_NET_RAW']);
  const of = (add: string[], drop: string[]): string[] =>
    containerCapabilities({ capabilities: { add, drop } }, held).sort();
  assert.deepEqual(containerCapabilities({ privileged: true }, held), held);
  assert.deepEqual(of(['ALL'], []), [...held].sort());
  assert.deepEqual(of(['all'], ['sys_admin', 'CAP_CHOWN']).length, 38);
  assert.deepEqual(of(['ALL', 'NET_RAW'], ['ALL']), ['CAP_NET_RAW']);
  assert.deepEqual(of(['NET_ADMIN'], ['NET_ADMIN']), [...defaultCapabilities].sort());
});

test('who a container runs as', () => {
  const files = { passwd: 'root:x:0:0::/root:/bin/sh\nweb:x:33:34::/var/www:/bin/sh\n', group: 'extra:x:99:web\n' };
  const user = (pod: Pod['spec'] & object, image: string): unknown => {
    const { uid, gid, additionalGids, home } = containerUser(
      { spec: pod },
      pod.containers[0] ?? { name: 'c' },
      image,
      files,
    );
    return [uid, gid, additionalGids, home];
  };
  assert.deepEqual(user({ containers: [] }, ''), [0, 0, [0], '/root']);
  assert.deepEqual(user({ containers: [] }, 'web'), [33, 34, [34, 99], '/var/www']);
  assert.deepEqual(user({ containers: [] }, 'web:extra'), [33, 99, [99], '/var/www']);
  assert.deepEqual(user({ containers: [], securityContext: { runAsUser: 7, fsGroup: 8 } }, 'web'), [7, 0, [0, 8], '/']);
  assert.throws(() => user({ containers: [], securityContext: { runAsNonRoot: true } }, ''), /image will run as root/);
  assert.throws(() => user({ containers: [] }, 'nobody'), /unable to find user nobody/);
});

test('probes: thresholds in a row, and early tries that say nothing yet', () => {
  const probe: Probe = { periodSeconds: 2, failureThreshold: 2, successThreshold: 2 };
  let state = initialProbeState('readiness');
  const feed = (ok: boolean): string => (state = nextProbeState(state, ok, probe)).verdict;
  assert.deepEqual([true, true, false, true, false, false].map(feed), [
    'failure',
    'success',
    'success',
    'success',
    'success',
    'failure',
  ]);
  assert.equal(initialProbeState('liveness').verdict, 'success');
  const fresh = initialProbeState('readiness');
  assert.equal(probeWait('readiness', probe, fresh, 1, 0), 10);
  assert.equal(probeWait('readiness', probe, fresh, 5, 1900), 100);
  assert.equal(probeWait('readiness', probe, fresh, 9, 2000), 2000);
  assert.equal(probeWait('liveness', probe, fresh, 1, 0), 2000);
  assert.equal(countsAsFailure('readiness', probe, fresh, 1999), false);
  assert.equal(countsAsFailure('readiness', probe, fresh, 2000), true);
  assert.equal(countsAsFailure('liveness', probe, fresh, 0), true);
});

test('back-off: none at first, 10 s, doubled to 5 min, forgotten after 10 min', () => {
  assert.equal(backoffLeft(undefined, 0, 0), 0);
  let state = nextBackoff(undefined, 0);
  const waits = [state.delayMs];
  for (let i = 1; i < 8; i += 1) waits.push((state = nextBackoff(state, i * 1000)).delayMs);
  assert.deepEqual(
    waits,
    [10, 20, 40, 80, 160, 300, 300, 300].map((seconds) => seconds * 1000),
  );
  assert.equal(backoffLeft({ delayMs: 10_000, since: 0 }, 1000, 4000), 7000);
  assert.equal(backoffLeft({ delayMs: 10_000, since: 0 }, 700_000, 700_000), 0);
  assert.deepEqual([10_000, 80_000, 300_000].map(durationText), ['10s', '1m20s', '5m0s']);
});

test('the plan: init order, restart policies, sidecars end with the pod', () => {
  const idle: ContainerView = { record: undefined, busy: false, running: false, started: false, retryAt: undefined };
  const up: ContainerView = { ...idle, running: true, started: true };
  const exited = (code: number): ContainerView => ({
    ...idle,
    record: { id: 'x', restartCount: 0, image: '', imageId: '', exit: { id: 'x', code, reason: '', finishedAt: 0 } },
  });
  const pod: Pod = {
    spec: {
      restartPolicy: 'OnFailure',
      initContainers: [{ name: 'i' }, { name: 's', restartPolicy: 'Always' }],
      containers: [{ name: 'a' }, { name: 'b' }],
    },
  };
  const plan = (views: Record<string, ContainerView>, initialized = false): ReturnType<typeof planPod> =>
    planPod(pod, initialized, (name) => views[name] ?? idle, 1);
  assert.deepEqual(plan({}).start, ['i']);
  assert.deepEqual(plan({ i: exited(1) }).start, ['i']);
  assert.deepEqual(plan({ i: exited(0) }).start, ['s']);
  assert.deepEqual(plan({ i: exited(0), s: { ...up, started: false } }).start, []);
  assert.deepEqual(plan({ i: exited(0), s: up }).start, ['a', 'b']);
  assert.deepEqual(plan({ s: up, a: exited(1), b: exited(0) }, true).start, ['a']);
  const over = plan({ s: up, a: exited(0), b: exited(0) }, true);
  assert.deepEqual([over.start, over.stop], [[], ['s']]);
});

test('the last words of a log: whole lines with their ends, a part without', () => {
  const at = '2026-07-08T10:00:00.123456000Z stdout';
  assert.equal(logText(`${at} F one\n${at} P DO\n${at} P NE\n`), 'one\nDONE');
  assert.equal(logText(''), '');
  assert.equal(logText(`${at} F x\n`.repeat(100)), 'x\n'.repeat(80));
});

test('routes, network script and callers', () => {
  const node = (name: string, range: string, ip: string): object => ({
    metadata: { name },
    spec: { podCIDRs: [range] },
    status: { addresses: [{ type: 'InternalIP', address: ip }] },
  });
  const routes = wantedRoutes(
    [node('a', '10.1.0.0/24', '10.0.0.1'), node('b', '10.2.0.0/24', '10.0.0.2'), node('c', 'fd00::/64', '10.0.0.3')],
    'a',
  );
  assert.deepEqual(
    [...routes],
    [
      ['10.1.0.0/24', 'unreachable'],
      ['10.2.0.0/24', '10.0.0.2'],
    ],
  );
  const script = setUpScript({ netns: 'p', link: 'v', ips: ['10.1.0.2', 'fd00::2'] }, ['10.1.0.1', 'fd00::1']);
  for (const line of [
    'addr add 10.1.0.1/32 dev v',
    'route replace fd00::2/128 dev v',
    'route add default via 10.1.0.1 dev eth0 onlink',
    'route add fd00::1/128 dev eth0',
  ]) {
    assert.ok(script.includes(line), line);
  }
  assert.equal(mayCall({ CN: 'x', O: 'system:masters' }), true);
  assert.equal(mayCall({ CN: 'kube-apiserver-kubelet-client' }), true);
  assert.equal(mayCall({ CN: 'system:node:n2', O: 'system:nodes' }), false);
  assert.equal(mayCall(undefined), false);
  assert.deepEqual(subresourcesOf('/healthz?verbose'), ['healthz', 'proxy']);
  assert.deepEqual(subresourcesOf('/metrics/cadvisor'), ['metrics']);
  assert.deepEqual(subresourcesOf('/exec/ns/pod/c'), ['proxy']);
});

test('what the node rejects, and in which words', () => {
  const sysctls = (name: string): PodSpec => ({ containers: [], securityContext: { sysctls: [{ name, value: '1' }] } });
  const cases: readonly (readonly [PodSpec, string | undefined])[] = [
    [{ containers: [], os: { name: 'linux' }, nodeSelector: { 'kubernetes.io/os': 'linux' } }, undefined],
    [{ containers: [], os: { name: 'windows' } }, 'PodOSNotSupported'],
    [{ containers: [], nodeSelector: { 'kubernetes.io/os': 'windows' } }, 'PodOSSelectorNodeLabelDoesNotMatch'],
    [sysctls('net/ipv4/tcp_rmem'), undefined],
    [{ ...sysctls('net.ipv4.tcp_rmem'), hostNetwork: true }, 'SysctlForbidden'],
    [sysctls('kernel.msgmax'), 'SysctlForbidden'],
  ];
  for (const [spec, reason] of cases) assert.equal(rejectionOf({ spec })?.reason, reason, JSON.stringify(spec));
  const message = rejectionOf({ spec: sysctls('kernel.msgmax') })?.message;
  assert.equal(message, 'forbidden sysctl: "kernel.msgmax" not allowlisted');
});

test('a container runs again by its rules, its policy, the policy of its pod', () => {
  const rules = (operator: string, ...values: readonly number[]): Partial<Container> => ({
    restartPolicyRules: [{ action: 'Restart', exitCodes: { operator, values: [...values] } }],
  });
  const cases: readonly (readonly [Partial<Container>, string, number, boolean])[] = [
    [{}, 'Never', 1, false],
    [{}, 'OnFailure', 0, false],
    [{ restartPolicy: 'Always' }, 'Never', 0, true],
    [{ restartPolicy: 'OnFailure' }, 'Never', 1, true],
    [{ restartPolicy: 'OnFailure' }, 'Always', 0, false],
    [{ restartPolicy: 'Never', ...rules('In', 42) }, 'Always', 42, true],
    [{ restartPolicy: 'Never', ...rules('In', 42) }, 'Always', 1, false],
    [{ restartPolicy: 'Never', ...rules('NotIn', 42) }, 'Never', 1, true],
  ];
  for (const [container, policy, code, again] of cases) {
    assert.equal(restartsAfter({ name: 'c', ...container }, policy, code), again, JSON.stringify([container, policy]));
  }
});

test('a subPath that is not there is made with the permissions of its volume', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 't-subpath-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  chmodSync(dir, 0o777);
  const container = { name: 'c', volumeMounts: [{ name: 'v', mountPath: '/srv', subPath: 'a/b' }] };
  const [mount] = volumeMounts(container, new Map([['v', dir]]), new Map());
  assert.equal(mount?.source, join(dir, 'a', 'b'));
  for (const path of ['a', 'a/b']) assert.equal(statSync(join(dir, path)).mode & 0o777, 0o777);
});
