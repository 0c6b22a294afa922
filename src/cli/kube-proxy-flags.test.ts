/** What kube-proxy's users have in their DaemonSets and ConfigMaps, and what becomes of it. */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Client } from '../client/index.ts';
import type { ProxyOptions } from '../proxy/index.ts';
import { duration } from './kube-proxy-flags.ts';
import { proxyFlags, proxyOptions, readProxyFlags } from './proxy-flags.ts';
import type { ProxyFlags } from './proxy-flags.ts';

let dir: string;
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'portolan-flags-'));
});
after(() => rmSync(dir, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(dir, 'config.conf');
  writeFileSync(path, text);
  return path;
}

async function read(...args: readonly string[]): Promise<ProxyFlags> {
  const command = proxyFlags(new Command('proxy'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  command.parse(args, { from: 'user' });
  return readProxyFlags(command.opts<ProxyFlags>(), command);
}

async function options(...args: readonly string[]): Promise<ProxyOptions> {
  return proxyOptions({} as Client, await read(...args));
}

/** As kubeadm writes it. */
const kubeadm = `
apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16,fd00:10:244::/48
configSyncPeriod: 0s
conntrack:
  maxPerCore: null
  min: null
  tcpBeLiberal: false
  tcpCloseWaitTimeout: 30m0s
  tcpEstablishedTimeout: null
  udpStreamTimeout: 0s
  udpTimeout: 0s
detectLocal:
  bridgeInterface: ""
  interfaceNamePrefix: ""
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: 0.0.0.0
hostnameOverride: ""
iptables:
  localhostNodePorts: null
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
ipvs:
  excludeCIDRs: null
  scheduler: ""
kind: KubeProxyConfiguration
logging:
  flushFrequency: 0
  options:
    json:
      infoBufferSize: "0"
metricsBindAddress: "[::1]:10299"
mode: ""
nftables:
  masqueradeAll: false
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
`;

test("kubeadm's configuration and command line", async () => {
  const flags = await read(`--config=${file(kubeadm)}`, '--hostname-override=worker-1');
  assert.equal(flags.kubeconfig, '/var/lib/kube-proxy/kubeconfig.conf');
  const read1 = proxyOptions({} as Client, flags);
  assert.equal(read1.nodeName, 'worker-1');
  assert.deepEqual(read1.clusterCidrs, ['10.244.0.0/16', 'fd00:10:244::/48']);
  assert.deepEqual(read1.healthz, { address: '0.0.0.0', port: 10256 });
  assert.deepEqual(read1.metrics, { address: '::1', port: 10299 });
  assert.equal(read1.nodePortAddresses, undefined);
  assert.equal(read1.masqueradePods, false);
  assert.deepEqual(read1.sysctls, {
    established: undefined,
    closeWait: 1800,
    udp: 0,
    udpStream: 0,
    beLiberal: false,
    max: undefined,
  });
});

test('the configuration goes before the flags, but for the name', async () => {
  const path = file(`{"apiVersion":"kubeproxy.config.k8s.io/v1alpha1","kind":"KubeProxyConfiguration",
    "hostnameOverride":"a","clusterCIDR":"10.1.0.0/16","nodePortAddresses":["192.168.0.0/16"],"oomScoreAdj":-5,
    "iptables":{"localhostNodePorts":false},"detectLocalMode":"ClusterCIDR"}`);
  const both = [
    '--config',
    path,
    '--cluster-cidr',
    '10.2.0.0/16',
    '--oom-score-adj',
    '3',
    '--service-cluster-ip-range',
  ];
  const command = proxyFlags(new Command())
    .option('--oom-score-adj <n>')
    .parse([...both, '10.9.0.0/16'], { from: 'user' });
  const flags = await readProxyFlags(command.opts<ProxyFlags & { oomScoreAdj: number }>(), command);
  assert.equal(flags.oomScoreAdj, -5);
  const { nodeName, clusterCidrs, serviceCidrs, nodePortAddresses, localhostNodePorts, localPods } = proxyOptions(
    {} as Client,
    flags,
  );
  assert.deepEqual([nodeName, clusterCidrs, serviceCidrs], ['a', ['10.1.0.0/16'], ['10.9.0.0/16']]);
  assert.deepEqual([nodePortAddresses, localhostNodePorts, localPods], [['192.168.0.0/16'], false, 'cluster']);
});

test('flags of kube-proxy: those that work', async () => {
  const one = await options(
    '--iptables-localhost-nodeports=false',
    '--conntrack-tcp-timeout-established=0',
    '--conntrack-udp-timeout=1m30s',
    '--conntrack-tcp-be-liberal',
    '--conntrack-max-per-core=1000',
    '--detect-local-mode=NodeCIDR',
    '--healthz-port=0',
    '--metrics-port=10300',
  );
  assert.equal(one.localhostNodePorts, false);
  assert.deepEqual(one.sysctls, {
    established: 0,
    closeWait: undefined,
    udp: 90,
    udpStream: undefined,
    beLiberal: true,
    max: { perCore: 1000, min: 131_072 },
  });
  assert.deepEqual([one.healthz, one.metrics], [false, { address: '127.0.0.1', port: 10300 }]);
  assert.equal(one.localPods, undefined);
  assert.deepEqual((await options('--cluster-cidr', '10.1.0.0/16')).clusterCidrs, ['10.1.0.0/16']);
});

test('ClusterCIDR without a cluster CIDR is the Node’s podCIDRs', async () => {
  assert.equal((await options('--detect-local-mode=ClusterCIDR')).localPods, undefined);
  const told = await options('--detect-local-mode=ClusterCIDR', '--cluster-cidr=10.0.0.0/8');
  assert.equal(told.localPods, 'cluster');
});

test('those that mean nothing here are taken, with and without a value', async () => {
  const args =
    '--proxy-mode=iptables --v=2 -v 4 --profiling --ipvs-strict-arp=true --feature-gates A=true --bind-address 0.0.0.0 ';
  const more =
    '--kube-api-qps 50 --iptables-min-sync-period=0 --masquerade-all=false --logging-format json --vmodule=a=1';
  assert.equal((await read(...`${args}${more}`.split(' '))).masqueradeAll, false);
});

test('those that cannot be done are refused, and say why', async () => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['--masquerade-all', /^--masquerade-all: a pod that uses a cluster IP keeps its address/],
    ['--detect-local-mode=BridgeInterface', /use --detect-local-mode NodeCIDR or ClusterCIDR$/],
    ['--pod-interface-name-prefix=cali', /^--pod-interface-name-prefix: pods are told by their addresses/],
    ['--init-only', /^--init-only: /],
    ['--write-config-to=x', /^--write-config-to: /],
    ['--bind-address-hard-fail', /does not end the proxy$/],
    ['--proxy-mode=userspace', /must be iptables,ipvs,nftables or blank/],
    ['--detect-local-mode=x', /must be one of ClusterCIDR, NodeCIDR/],
    ['--conntrack-udp-timeout=5', /want a duration such as 1h30m or 90s/],
    ['--config=/no/such', /^--config \/no\/such: ENOENT/],
    [`--config=${file('a: [')}`, /^--config .*config.conf: /],
  ];
  for (const [flag, why] of refusals) await assert.rejects(read(flag), { message: why }, flag);
  const bad = (text: string): Promise<ProxyFlags> =>
    read('--config', file(`apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${text}`));
  await assert.rejects(bad('clusterCIDR: 10.0.0.0'), /clusterCIDR: "10.0.0.0": "10.0.0.0" is no CIDR/);
  await assert.rejects(bad('mode: userspace'), /mode: "userspace": must be iptables,ipvs,nftables or blank/);
  await assert.rejects(bad('nftables: {masqueradeAll: true}'), /--masquerade-all: /);
  await assert.rejects(read('--config', file('kind: Pod')), /want a kubeproxy.config.k8s.io\/v1alpha1 KubeProxyConf/);
});

test('durations as Go writes them', () => {
  assert.deepEqual(['24h0m0s', '1h30m', '1.5m', '250ms', '0', '0s'].map(duration), [86_400, 5_400, 90, 0, 0, 0]);
  for (const text of ['', '5', '1x', 'h', '-1s', '1h ']) assert.throws(() => duration(text), /want a duration/, text);
});
