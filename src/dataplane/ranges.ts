/**
 * Address ranges as nftables wants them in one set: of one family, and none inside another. CIDRs nest or are apart, so that
 * is all there is to do.
 */
import type { Family } from '../model/index.ts';
import { cidrContains, cidrsOverlap, formatCidr, mustParseCidr, parseIp } from '../util/ip.ts';
import type { Cidr } from '../util/ip.ts';

export function minimal(texts: readonly string[], family: Family): readonly string[] {
  const cidrs = texts.map(mustParseCidr).filter((cidr) => cidr.family === family);
  const kept: Cidr[] = [];
  for (const cidr of cidrs.sort((a, b) => a.bits - b.bits)) {
    if (!kept.some((wider) => cidrsOverlap(wider, cidr))) kept.push(cidr);
  }
  return kept.map(formatCidr);
}

/**
 * Asks whether an address, or the address of an `address port`, is in one of the ranges; quick for IPv4, because a start asks for
 * every endpoint.
 */
export function withinAny(cidrs: readonly Cidr[]): (address: string) => boolean {
  const small = cidrs.filter(({ family }) => family === 'IPv4');
  const masks = small.map(({ bits }) => (bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0));
  const bases = small.map(({ base }) => Number(base));
  return (address) => {
    if (address.includes(':')) {
      const ip = parseIp(address.split(' ', 1)[0] ?? '');
      return ip !== undefined && cidrs.some((cidr) => cidrContains(cidr, ip));
    }
    const value = number(address);
    return masks.some((mask, i) => (value & mask) >>> 0 === bases[i]);
  };
}

/** Of a dotted address that is known to be one. */
function number(address: string): number {
  let value = 0;
  let octet = 0;
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code === 32) break;
    if (code === 46) {
      value = value * 256 + octet;
      octet = 0;
    } else {
      octet = octet * 10 + code - 48;
    }
  }
  return value * 256 + octet;
}
