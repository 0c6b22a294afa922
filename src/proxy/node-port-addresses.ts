/**
 * Where node ports answer. Upstream: cmd/kube-proxy --nodeport-addresses, pkg/proxy/util/nodeport_addresses.go.
 *
 *   not given, or `primary`    the node's InternalIPs
 *   CIDRs                      this machine's addresses in one of them
 */
import { networkInterfaces } from 'node:os';
import { canonicalIp, cidrContains, mustParseCidr, parseIp } from '../util/ip.ts';

/** Whether the machine's own addresses count. */
export function namesRanges(wanted: readonly string[] | undefined): boolean {
  return wanted?.some((text) => text !== 'primary') ?? false;
}

export function nodePortAddresses(
  wanted: readonly string[] | undefined,
  primary: readonly string[],
): readonly string[] {
  const cidrs = (wanted ?? []).filter((text) => text !== 'primary').map(mustParseCidr);
  if (cidrs.length === 0) return primary;
  const own = Object.values(networkInterfaces()).flatMap((one) => (one ?? []).map(({ address }) => address));
  const inside = own.filter((address) => {
    const ip = parseIp(address);
    return ip !== undefined && cidrs.some((cidr) => cidrContains(cidr, ip));
  });
  const both = wanted?.includes('primary') === true ? [...primary, ...inside] : inside;
  return [...new Set(both.flatMap((address) => canonicalIp(address) ?? []))];
}
