/**
 * /etc/hosts of a pod. Upstream: pkg/kubelet/kubelet_pods.go (managedHostsFileContent, nodeHostsFileContent).
 */
import type { HostAlias, Pod } from '../api/gen/types.ts';

/** The host name a pod sees, and its fully qualified one when it has a subdomain. */
export function podHostName(pod: Pod, clusterDomain: string): { readonly hostname: string; readonly domain: string } {
  const spec = pod.spec;
  const override = spec?.hostnameOverride ?? '';
  if (override !== '') return { hostname: cut(override), domain: '' };
  const name = spec?.hostname ?? '';
  const hostname = name !== '' ? name : cut(pod.metadata?.name ?? '');
  const subdomain = spec?.subdomain ?? '';
  const domain = subdomain === '' ? '' : `${subdomain}.${pod.metadata?.namespace ?? ''}.svc.${clusterDomain}`;
  return { hostname, domain };
}

/** A pod's name may be longer than a host's may be. */
function cut(name: string): string {
  return name.slice(0, 63).replace(/[-.]+$/, '');
}

/** What the kernel calls the pod. */
export function ownHostName(pod: Pod, clusterDomain: string): string {
  const { hostname, domain } = podHostName(pod, clusterDomain);
  return pod.spec?.setHostnameAsFQDN === true && domain !== '' ? `${hostname}.${domain}` : hostname;
}

export function managedHosts(
  ips: readonly string[],
  name: { readonly hostname: string; readonly domain: string },
  aliases: readonly HostAlias[],
): string {
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
  ];
  for (const ip of ips) {
    lines.push(
      name.domain === '' ? `${ip}\t${name.hostname}` : `${ip}\t${name.hostname}.${name.domain}\t${name.hostname}`,
    );
  }
  return `${lines.join('\n')}\n${aliasLines(aliases)}`;
}

/** A hostNetwork pod has the node's file. */
export function nodeHosts(nodeFile: string, aliases: readonly HostAlias[]): string {
  return `# Kubernetes-managed hosts file (host network).\n${nodeFile}${aliasLines(aliases)}`;
}

function aliasLines(aliases: readonly HostAlias[]): string {
  if (aliases.length === 0) return '';
  const lines = aliases.map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}`);
  return `\n# Entries added by HostAliases.\n${lines.join('\n')}\n`;
}
