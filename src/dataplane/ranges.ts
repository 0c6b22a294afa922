/**
 * Address ranges as nftables wants them in one set: of one family, and none inside another. CIDRs nest or are apart, so that
 * is all there is to do.
 */
import type { Family } from '../model/index.ts';
import { cidrContains, cidrsOverlap, formatCidr, formatIp, mustParseCidr, parseIp } from '../util/ip.ts';
import type { Cidr } from '../util/ip.ts';
import { addressBytes } from './bytes.ts';

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

/** Asks the same of an address as the kernel has it, at a place in its bytes. `cidrs` are all of one family. */
export function withinAnyBytes(cidrs: readonly Cidr[]): (bytes: Buffer, at: number) => boolean {
  const ranges = cidrs.map(({ family, base, bits }) => ({
    bits,
    base: addressBytes(formatIp({ family, value: base })),
  }));
  return (bytes, at) => ranges.some(({ base, bits }) => startsWith(bytes, at, base, bits));
}

function startsWith(bytes: Buffer, at: number, base: Buffer, bits: number): boolean {
  let left = bits;
  for (let i = 0; left > 0; i++, left -= 8) {
    const mask = left >= 8 ? 0xff : 0xff & (0xff << (8 - left));
    if ((((bytes[at + i] ?? 0) ^ (base[i] ?? 0)) & mask) !== 0) return false;
  }
  return true;
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
