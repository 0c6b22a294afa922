/**
 * Which addresses may ever be programmed. Validation refuses the others at the API server; this is the second line, for
 * objects that were stored by somebody else's server (CVE-2021-25737).
 */
import { canonicalIp, parseIp, specialRange } from '../util/ip.ts';
import type { Family } from './types.ts';

/** As the kernel tells it when it is read back, however it was written; undefined: never to be programmed, or of another family. */
export function usableAddress(address: string, family?: Family): string | undefined {
  const isIpv6 = address.includes(':');
  if ((family !== undefined && isIpv6 !== (family === 'IPv6')) || !isUsableAddress(address)) return undefined;
  return isIpv6 ? canonicalIp(address) : address;
}

/** What a packet can carry. */
export function isPort(port: number | undefined): port is number {
  return port !== undefined && port >= 1 && port <= 65_535 && Number.isInteger(port);
}

/** False for loopback, link-local, multicast, unspecified, IPv4-mapped, and what is no canonical address at all. */
export function isUsableAddress(address: string): boolean {
  const start = firstOctets(address);
  if (start !== undefined) return start >= 0x100 && start < 0xe000 && start >> 8 !== 127 && start !== 0xa9fe;
  const ip = parseIp(address);
  return ip !== undefined && specialRange(ip) === undefined;
}

/**
 * The first two octets of a canonical IPv4 address, as one number: the usual case without big numbers, because a proxy reads
 * 100,000 of these at its start. undefined: something else.
 */
function firstOctets(address: string): number | undefined {
  let start = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code === 46) {
      if (digits === 0 || dots === 3) return undefined;
      if (dots < 2) start = start * 256 + octet;
      dots++;
      octet = digits = 0;
    } else {
      // A leading zero would be read as octal by others.
      if (code < 48 || code > 57 || (digits > 0 && octet === 0)) return undefined;
      octet = octet * 10 + code - 48;
      if (octet > 255) return undefined;
      digits++;
    }
  }
  return dots === 3 && digits > 0 ? start : undefined;
}
