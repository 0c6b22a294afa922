/**
 * `--config FILE`: a KubeProxyConfiguration as kubeadm and others write it, read into the flags that its fields stand for. A field
 * that is not there, or says nothing, leaves the flag as it is; one without a flag of ours is told of in the log.
 *
 * Upstream: k8s.io/kube-proxy/config/v1alpha1/types.go; defaults in pkg/proxy/apis/config/v1alpha1/defaults.go.
 */
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../cluster/usage-error.ts';
import { familyOf } from '../util/ip.ts';
import { bind, cidrs } from './flags.ts';
import type { Bind } from './flags.ts';
import { duration, localMode, proxyMode } from './kube-proxy-flags.ts';

export interface ReadConfig {
  /** By the names of commander's values: `clusterCidr`. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Fields that are set and stand for no flag. */
  readonly idle: readonly string[];
}

type Reader = (value: unknown) => unknown;

const words: Reader = (value) => (typeof value === 'string' ? value : fail('want text.'));
const whether: Reader = (value) => (typeof value === 'boolean' ? value : fail('want true or false.'));
const number: Reader = (value) => (typeof value === 'number' ? value : fail('want a number.'));
const seconds: Reader = (value) => duration(String(value));
const list: Reader = (value) => cidrs('primary')(Array.isArray(value) ? value.join(',') : String(words(value)));

const fields: Readonly<Record<string, readonly [flag: string, read: Reader]>> = {
  'clientConnection.kubeconfig': ['kubeconfig', words],
  hostnameOverride: ['hostnameOverride', words],
  healthzBindAddress: ['healthzBindAddress', (value) => bindWith(String(words(value)), 10_256)],
  metricsBindAddress: ['metricsBindAddress', (value) => bindWith(String(words(value)), 10_249)],
  bindAddressHardFail: ['bindAddressHardFail', whether],
  mode: ['proxyMode', (value) => proxyMode(String(words(value)))],
  'iptables.localhostNodePorts': ['iptablesLocalhostNodeports', whether],
  'nftables.masqueradeAll': ['masqueradeAll', whether],
  detectLocalMode: ['detectLocalMode', (value) => localMode(String(words(value)))],
  clusterCIDR: ['clusterCidr', list],
  nodePortAddresses: ['nodeportAddresses', list],
  oomScoreAdj: ['oomScoreAdj', number],
  'conntrack.maxPerCore': ['conntrackMaxPerCore', number],
  'conntrack.min': ['conntrackMin', number],
  'conntrack.tcpEstablishedTimeout': ['conntrackTcpTimeoutEstablished', seconds],
  'conntrack.tcpCloseWaitTimeout': ['conntrackTcpTimeoutCloseWait', seconds],
  'conntrack.tcpBeLiberal': ['conntrackTcpBeLiberal', whether],
  'conntrack.udpTimeout': ['conntrackUdpTimeout', seconds],
  'conntrack.udpStreamTimeout': ['conntrackUdpTimeoutStream', seconds],
};

export async function readConfig(file: string): Promise<ReadConfig> {
  const root = await parsed(file);
  const { apiVersion, kind, ...rest } = root;
  if (kind !== 'KubeProxyConfiguration' || apiVersion !== 'kubeproxy.config.k8s.io/v1alpha1') {
    const found = `apiVersion: ${String(apiVersion)}, kind: ${String(kind)}`;
    throw new UsageError(
      `--config ${file}: want a kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration, not ${found}`,
    );
  }
  const flags: Record<string, unknown> = {};
  const idle: string[] = [];
  for (const [path, value] of leaves(rest)) {
    const [flag, read] = fields[path] ?? [];
    if (flag === undefined || read === undefined) {
      if (!nothing.has(value)) idle.push(path);
      continue;
    }
    try {
      flags[flag] = read(value);
    } catch (error) {
      const why = error instanceof InvalidArgumentError ? error.message : String(error);
      throw new UsageError(`--config ${file}: ${path}: ${JSON.stringify(value)}: ${why}`);
    }
  }
  return { flags, idle };
}

async function parsed(file: string): Promise<Readonly<Record<string, unknown>>> {
  let root: unknown;
  try {
    const text = await readFile(file, 'utf8');
    const { parse } = await import('yaml');
    root = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw new UsageError(`--config ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return isMapping(root) ? root : {};
}

/** Of a field without a flag, as well as null, '' and []: nothing is asked for. */
const nothing: ReadonlySet<unknown> = new Set([false, 0, '0', '0s']);

/** What is set: null, '' and [] mean upstream's default, which is ours. */
function* leaves(mapping: Readonly<Record<string, unknown>>, prefix = ''): Generator<readonly [string, unknown]> {
  for (const [name, value] of Object.entries(mapping)) {
    const path = `${prefix}${name}`;
    if (isMapping(value) && !(path in fields)) yield* leaves(value, `${path}.`);
    else if (value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)) yield [path, value];
  }
}

/** Upstream's AppendPortIfNeeded: an address alone has the usual port. */
function bindWith(text: string, port: number): Bind | false {
  if (familyOf(text) === undefined) return bind(text);
  return bind(`${text.includes(':') ? `[${text}]` : text}:${String(port)}`);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fail(why: string): never {
  throw new InvalidArgumentError(why);
}
