/**
 * /etc/resolv.conf of a pod, from dnsPolicy, dnsConfig and the node's own file.
 * Upstream: pkg/kubelet/network/dns/dns.go (GetPodDNS, formDNSSearchFitsLimits).
 */
import type { Pod } from '../api/gen/types.ts';

export interface DnsSettings {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** Text of the node's resolv.conf. */
  readonly nodeConf: string;
}

interface Conf {
  nameservers: string[];
  searches: string[];
  options: string[];
}

export function podResolvConf(pod: Pod, settings: DnsSettings): string {
  const conf = policyConf(pod, settings);
  const config = pod.spec?.dnsConfig;
  if (config !== undefined) {
    conf.nameservers = unique([...conf.nameservers, ...(config.nameservers ?? [])]);
    conf.searches = unique([...conf.searches, ...(config.searches ?? [])]);
    conf.options = mergeOptions(conf.options, config.options ?? []);
  }
  return format(conf);
}

function policyConf(pod: Pod, settings: DnsSettings): Conf {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  const node = parse(settings.nodeConf);
  if (policy === 'None') return { nameservers: [], searches: [], options: [] };
  const cluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && pod.spec?.hostNetwork !== true);
  if (!cluster || settings.clusterDns.length === 0) return node;
  const domain = settings.clusterDomain;
  const own = [`${pod.metadata?.namespace ?? 'default'}.svc.${domain}`, `svc.${domain}`, domain];
  return {
    nameservers: [...settings.clusterDns],
    searches: unique([...own, ...node.searches]),
    options: ['ndots:5'],
  };
}

export function parse(text: string): Conf {
  const conf: Conf = { nameservers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined) conf.nameservers.push(rest[0]);
    // The last search line wins (resolv.conf(5)); `search .` is kept, a trailing dot is not.
    else if (word === 'search') conf.searches = rest.map((name) => (name === '.' ? name : name.replace(/\.$/, '')));
    else if (word === 'options') conf.options.push(...rest);
  }
  return conf;
}

/** dnsConfig wins by option name; what it does not name stays. */
function mergeOptions(have: readonly string[], more: readonly { name?: string; value?: string }[]): string[] {
  const options = new Map<string, string>();
  for (const option of have) options.set(option.split(':')[0] ?? option, option);
  for (const { name, value } of more) {
    if (name === undefined || name === '') continue;
    options.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  }
  return [...options.values()];
}

/** glibc reads no more than three nameservers: upstream's MaxDNSNameservers. */
const maxNameservers = 3;
const maxSearches = 32;

function format(conf: Conf): string {
  const lines: string[] = [];
  const searches = conf.searches.slice(0, maxSearches);
  if (searches.length > 0) lines.push(`search ${searches.join(' ')}`);
  for (const server of conf.nameservers.slice(0, maxNameservers)) lines.push(`nameserver ${server}`);
  if (conf.options.length > 0) lines.push(`options ${conf.options.join(' ')}`);
  return lines.map((line) => `${line}\n`).join('');
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)];
}
