/**
 * Which addresses the API server may be sent to by an object's status: never itself, never what only it can reach.
 * Upstream: apimachinery's pkg/util/net (IsProxyableIP); CVE-2020-8562 and CVE-2022-3294 are why what is checked is what is dialled.
 */
import { BlockList, isIP } from 'node:net';
import { badRequest } from '../../errors.ts';

const refused = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  // Link-local, and with it the metadata services of clouds.
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
] as const)
  refused.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  ['fd00:ec2::254', 128],
] as const)
  refused.addSubnet(net, bits, 'ipv6');

/** Returns it, to be dialled as it is; a name is never taken, since it could mean something else a moment later. */
export function checkedAddress(address: string, own: readonly string[] = []): string {
  const family = isIP(address);
  const allowed =
    family !== 0 &&
    !own.includes(address) &&
    !isMapped(address) &&
    !refused.check(address, family === 4 ? 'ipv4' : 'ipv6');
  if (!allowed) throw badRequest('address not allowed');
  return address;
}

/** An IPv4 address in IPv6's clothes, however it is spelt. */
function isMapped(address: string): boolean {
  return address.includes(':') && new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.startsWith('[::ffff:');
}
