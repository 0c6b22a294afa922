/**
 * The addresses that we may give away, in the order they are given: the lowest free one of a family first.
 *
 *   '198.51.100.128/25'               .129 … .254   (network and broadcast address of a CIDR are never given)
 *   '198.51.100.130-198.51.100.140'   exactly these
 *   '198.51.100.200'                  exactly this
 *
 * IPv4 addresses that end in 0 or 255 are never given: hosts with a /24 take them for the network or its broadcast address.
 */
import {
  cidrsOverlap,
  compareIps,
  formatCidr,
  formatIp,
  mustParseCidr,
  nthAddress,
  parseCidr,
  parseIp,
} from '../util/ip.ts';
import type { Cidr, Family, Ip } from '../util/ip.ts';

interface Range {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
  /** What is routed to us for it. */
  readonly prefixes: readonly string[];
}

export interface AddressPool {
  readonly families: readonly Family[];
  /** Given to people in messages: `198.51.100.128/25`. */
  readonly text: string;
  contains(ip: Ip): boolean;
  /** The lowest address of this family that `isTaken` does not claim. */
  lowestFree(family: Family, isTaken: (address: string) => boolean): string | undefined;
  /** The pool as prefixes: what is routed to us. */
  cidrs(family: Family): readonly string[];
}

/** Throws an error that names the pool and the fix. */
export function parsePools(texts: readonly string[], reserved: Readonly<Record<string, string>> = {}): AddressPool {
  if (texts.length === 0) throw new Error('no address pool: name at least one, for example 198.51.100.128/25');
  const ranges = texts.map(parseRange);
  for (const [i, range] of ranges.entries()) refuseReserved(texts[i] ?? '', range, reserved);
  return {
    families: (['IPv4', 'IPv6'] as const).filter((family) => ranges.some((range) => range.family === family)),
    text: texts.join(', '),
    contains: (ip) => isUsable(ip) && ranges.some((range) => within(range, ip)),
    lowestFree(family, isTaken) {
      for (const range of ranges) {
        if (range.family !== family) continue;
        for (let value = range.first; value <= range.last; value++) {
          const ip = { family, value };
          if (!isUsable(ip)) continue;
          const address = formatIp(ip);
          if (!isTaken(address)) return address;
        }
      }
      return undefined;
    },
    cidrs: (family) => ranges.filter((range) => range.family === family).flatMap((range) => range.prefixes),
  };
}

function parseRange(text: string): Range {
  const cidr = parseCidr(text);
  if (cidr !== undefined) return hostsOf(cidr);
  const [from = '', to = from, ...more] = text.split('-').map((part) => part.trim());
  const [first, last] = [parseIp(from), parseIp(to)];
  if (first === undefined || last === undefined || more.length > 0) {
    throw new Error(`address pool "${text}": write a range as 198.51.100.128/25, as FIRST-LAST, or as one address`);
  }
  if (first.family !== last.family || compareIps(first, last) > 0) {
    throw new Error(`address pool "${text}": the first address must not be after the last, and both of one family`);
  }
  const range = { family: first.family, first: first.value, last: last.value };
  return { ...range, prefixes: prefixesOf(range) };
}

function hostsOf(cidr: Cidr): Range {
  const [first, last] = [nthAddress(cidr, 0).value, nthAddress(cidr, -1).value];
  const edge = last - first < 3n ? 0n : 1n;
  return { family: cidr.family, first: first + edge, last: last - edge, prefixes: [formatCidr(cidr)] };
}

function isUsable(ip: Ip): boolean {
  const octet = ip.value & 0xffn;
  return ip.family === 'IPv6' || (octet !== 0n && octet !== 255n);
}

function within(range: Range, ip: Ip): boolean {
  return ip.family === range.family && ip.value >= range.first && ip.value <= range.last;
}

/** `reserved`: range → what it is, for example `10.10.10.0/24` → `the LAN`. */
function refuseReserved(text: string, range: Range, reserved: Readonly<Record<string, string>>): void {
  for (const [cidrText, what] of Object.entries(reserved)) {
    const taken = mustParseCidr(cidrText);
    if (!range.prefixes.some((prefix) => cidrsOverlap(mustParseCidr(prefix), taken))) continue;
    throw new Error(`address pool "${text}" overlaps ${cidrText}, ${what}: choose a range that nothing else uses`);
  }
}

/** The fewest prefixes that cover exactly first … last. */
function prefixesOf(range: Omit<Range, 'prefixes'>): readonly string[] {
  const prefixes: string[] = [];
  const width = range.family === 'IPv4' ? 32 : 128;
  let base = range.first;
  while (base <= range.last) {
    let bits = width;
    while (bits > 0) {
      const size = 1n << BigInt(width - bits + 1);
      if (base % size !== 0n || base + size - 1n > range.last) break;
      bits--;
    }
    prefixes.push(formatCidr({ family: range.family, base, bits }));
    base += 1n << BigInt(width - bits);
  }
  return prefixes;
}
