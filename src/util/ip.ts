/**
 * IP addresses and CIDR ranges as numbers. Strict on the way in (KEP-4858: no leading zeros, no IPv4-mapped IPv6, no
 * zone, no bits beyond the prefix), canonical on the way out (RFC 5952).
 *
 *   '2001:DB8::1' ── parseIp ──> { family: 'IPv6', value: 0x2001… } ── formatIp ──> '2001:db8::1'
 *   '10.96.0.0/16' ─ parseCidr ─> { family, base, bits } ── nthAddress(cidr, 10) ──> 10.96.0.10
 *
 * `undefined` means "not valid"; `why…` functions say why, in upstream's words.
 */

export type Family = 'IPv4' | 'IPv6';

export interface Ip {
  readonly family: Family;
  readonly value: bigint;
}

export interface Cidr {
  readonly family: Family;
  /** First address of the range. */
  readonly base: bigint;
  /** Prefix length. */
  readonly bits: number;
}

interface Sloppy {
  readonly ip: Ip;
  /** An IPv4 part was written with leading zeros (read as decimal, as Go's old parser did). */
  readonly leadingZeros: boolean;
  readonly mapped: boolean;
}

const invalidIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const invalidCidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

export function parseIp(text: string): Ip | undefined {
  const sloppy = parseSloppy(text);
  return sloppy === undefined || sloppy.leadingZeros || sloppy.mapped ? undefined : sloppy.ip;
}

/** Throws: for settings and constants, where a bad value is the programmer's or the operator's. */
export function mustParseIp(text: string): Ip {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`invalid IP address "${text}": ${invalidIp}`);
  return ip;
}

export function isIp(text: string): boolean {
  return parseIp(text) !== undefined;
}

/** undefined when it is not an address. */
export function familyOf(text: string): Family | undefined {
  if (text.includes(':')) return parseIp(text)?.family;
  // Without its value, which would be a big number.
  return parseIpv4(text)?.leadingZeros === false ? 'IPv4' : undefined;
}

/** `10.0.0.01` → undefined, `2001:DB8:0::1` → `2001:db8::1`. */
export function canonicalIp(text: string): string | undefined {
  const ip = parseIp(text);
  return ip === undefined ? undefined : formatIp(ip);
}

/** What a text meant to the old, sloppy parser, as one writes it: `010.0.0.1` → `10.0.0.1`, `::ffff:10.0.0.1` → `10.0.0.1`. */
export function standardIp(text: string): string | undefined {
  const sloppy = parseSloppy(text);
  if (sloppy === undefined) return undefined;
  return sloppy.mapped ? formatIpv4(Number(sloppy.ip.value & 0xffff_ffffn)) : formatIp(sloppy.ip);
}

export function formatIp(ip: Ip): string {
  return ip.family === 'IPv4' ? formatIpv4(Number(ip.value)) : formatIpv6(ip.value);
}

/** IPv4 before IPv6, then by value. */
export function compareIps(a: Ip, b: Ip): number {
  if (a.family !== b.family) return a.family === 'IPv4' ? -1 : 1;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

/** Order of address texts; what is not an address comes last, by text. */
export function compareIpTexts(a: string, b: string): number {
  const left = parseIp(a);
  const right = parseIp(b);
  if (left !== undefined && right !== undefined) return compareIps(left, right);
  if (left !== undefined) return -1;
  if (right !== undefined) return 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function parseCidr(text: string): Cidr | undefined {
  return readCidr(text).cidr;
}

export function mustParseCidr(text: string): Cidr {
  const { cidr, why } = readCidr(text);
  if (cidr === undefined) throw new Error(`invalid address range "${text}": ${why ?? invalidCidr}`);
  return cidr;
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIp({ family: cidr.family, value: cidr.base })}/${cidr.bits}`;
}

/** How many addresses the range has. */
export function cidrSize(cidr: Cidr): bigint {
  return 1n << BigInt(width(cidr.family) - cidr.bits);
}

export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  if (cidr.family !== ip.family) return false;
  const shift = BigInt(width(cidr.family) - cidr.bits);
  return ip.value >> shift === cidr.base >> shift;
}

export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  if (a.family !== b.family) return false;
  const shift = BigInt(width(a.family) - Math.min(a.bits, b.bits));
  return a.base >> shift === b.base >> shift;
}

/** 0 is the first address; negative counts from the end (-1: the last). Throws outside the range. */
export function nthAddress(cidr: Cidr, n: number | bigint): Ip {
  const size = cidrSize(cidr);
  const index = BigInt(n) < 0n ? size + BigInt(n) : BigInt(n);
  if (index < 0n || index >= size) throw new Error(`range ${formatCidr(cidr)} has no address number ${n}`);
  return { family: cidr.family, value: cidr.base + index };
}

/** Position of an address in the range that contains it. */
export function addressIndex(cidr: Cidr, ip: Ip): bigint {
  return ip.value - cidr.base;
}

/** Why upstream's IsValidIPForLegacyField refuses this text; undefined: it is fine. */
export function whyInvalidIp(text: string): string | undefined {
  const sloppy = parseSloppy(text);
  if (sloppy === undefined) return invalidIp;
  if (sloppy.leadingZeros) return 'must not have leading 0s';
  return sloppy.mapped ? 'must not be an IPv4-mapped IPv6 address' : undefined;
}

/** Why upstream's IsValidCIDRForLegacyField refuses this text; undefined: it is fine. */
export function whyInvalidCidr(text: string): string | undefined {
  return readCidr(text).why;
}

export type SpecialRange = 'unspecified' | 'loopback' | 'link-local' | 'link-local multicast' | 'multicast';

/** The ranges that Go's net.IP names; undefined: an ordinary address. */
export function specialRange(ip: Ip): SpecialRange | undefined {
  if (ip.value === 0n) return 'unspecified';
  for (const [range, name] of specials) if (cidrContains(range, ip)) return name;
  return undefined;
}

function width(family: Family): number {
  return family === 'IPv4' ? 32 : 128;
}

function readCidr(text: string): { readonly cidr?: Cidr; readonly why?: string } {
  const slash = text.lastIndexOf('/');
  const length = text.slice(slash + 1);
  const sloppy = slash < 0 ? undefined : parseSloppy(text.slice(0, slash));
  if (sloppy === undefined || !/^\d{1,3}$/.test(length)) return { why: invalidCidr };
  const bits = Number(length);
  const { family, value } = sloppy.ip;
  if (bits > width(family)) return { why: invalidCidr };
  if (sloppy.leadingZeros || (length.length > 1 && length.startsWith('0'))) {
    return { why: 'must not have leading 0s in IP or prefix length' };
  }
  if (sloppy.mapped) return { why: 'must not have an IPv4-mapped IPv6 address' };
  const host = (1n << BigInt(width(family) - bits)) - 1n;
  if ((value & host) !== 0n) return { why: 'must not have bits set beyond the prefix length' };
  return { cidr: { family, base: value, bits } };
}

function parseSloppy(text: string): Sloppy | undefined {
  if (text.includes(':')) return parseIpv6(text);
  const v4 = parseIpv4(text);
  if (v4 === undefined) return undefined;
  return { ip: { family: 'IPv4', value: BigInt(v4.value) }, leadingZeros: v4.leadingZeros, mapped: false };
}

function parseIpv4(text: string): { readonly value: number; readonly leadingZeros: boolean } | undefined {
  let value = 0;
  let octet = -1;
  let digits = 0;
  let dots = 0;
  let leadingZeros = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (octet < 0 || ++dots > 3) return undefined;
      value = value * 256 + octet;
      octet = -1;
      digits = 0;
    } else if (code >= 48 && code <= 57) {
      if (octet === 0 && digits > 0) leadingZeros = true;
      octet = (octet < 0 ? 0 : octet) * 10 + (code - 48);
      if (octet > 255 || ++digits > 8) return undefined;
    } else {
      return undefined;
    }
  }
  return dots === 3 && octet >= 0 ? { value: value * 256 + octet, leadingZeros } : undefined;
}

function parseIpv6(text: string): Sloppy | undefined {
  let rest = text;
  let leadingZeros = false;
  if (text.includes('.')) {
    const colon = text.lastIndexOf(':');
    const v4 = parseIpv4(text.slice(colon + 1));
    if (v4 === undefined) return undefined;
    leadingZeros = v4.leadingZeros;
    rest = `${text.slice(0, colon + 1)}${(v4.value >>> 16).toString(16)}:${(v4.value & 0xffff).toString(16)}`;
  }
  const groups = expandIpv6(rest);
  if (groups === undefined) return undefined;
  let value = 0n;
  for (const group of groups) value = (value << 16n) | BigInt(group);
  return { ip: { family: 'IPv6', value }, leadingZeros, mapped: value >> 32n === 0xffffn };
}

function expandIpv6(text: string): readonly number[] | undefined {
  const gap = text.indexOf('::');
  if (gap < 0) {
    const groups = readGroups(text);
    return groups?.length === 8 ? groups : undefined;
  }
  const head = gap === 0 ? [] : readGroups(text.slice(0, gap));
  const tail = gap + 2 === text.length ? [] : readGroups(text.slice(gap + 2));
  if (head === undefined || tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function readGroups(text: string): number[] | undefined {
  const groups: number[] = [];
  for (const part of text.split(':')) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
    groups.push(Number.parseInt(part, 16));
  }
  return groups;
}

function formatIpv4(value: number): string {
  return `${(value >>> 24) & 255}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** RFC 5952: lower case, the longest run of two or more zero groups shortened, the first one where runs are equal. */
function formatIpv6(value: bigint): string {
  const groups: number[] = [];
  for (let i = 7; i >= 0; i--) groups.push(Number((value >> BigInt(i * 16)) & 0xffffn));
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > length) [start, length] = [i, run];
    if (run > 0) i += run - 1;
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

const specials: readonly (readonly [Cidr, SpecialRange])[] = [
  [mustParseCidr('127.0.0.0/8'), 'loopback'],
  [mustParseCidr('::1/128'), 'loopback'],
  [mustParseCidr('169.254.0.0/16'), 'link-local'],
  [mustParseCidr('fe80::/10'), 'link-local'],
  [mustParseCidr('224.0.0.0/24'), 'link-local multicast'],
  // Go's IsLinkLocalMulticast looks at the scope bits, so ff12::/16 counts too; ff02::/16 is what people write.
  [mustParseCidr('ff02::/16'), 'link-local multicast'],
  [mustParseCidr('224.0.0.0/4'), 'multicast'],
  [mustParseCidr('ff00::/8'), 'multicast'],
];
