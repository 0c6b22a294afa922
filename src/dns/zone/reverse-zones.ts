/**
 * Reverse zones of address ranges, and addresses out of reverse names.
 *
 *   10.96.0.0/16    -> 96.10.in-addr.arpa
 *   10.96.0.0/12    -> 96.10.in-addr.arpa … 111.10.in-addr.arpa     a range that ends inside an octet is several zones
 *   10.0.96.10.in-addr.arpa -> '10.96.0.10'
 */
import type { Cidr } from '../../util/ip.ts';
import { ipKey, nameFromLabels, zoneOffset } from '../wire/index.ts';
import type { WireName } from '../wire/index.ts';

export const inAddrArpa = nameFromLabels(['in-addr', 'arpa']);
export const ip6Arpa = nameFromLabels(['ip6', 'arpa']);

export function reverseZones({ family, base, bits }: Cidr): readonly WireName[] {
  const v4 = family === 'IPv4';
  const perLabel = v4 ? 8 : 4;
  const key = ipKey({ family, value: base });
  const digits = v4 ? key.split('.').map(Number) : Array.from(key, (nibble) => Number.parseInt(nibble, 16));
  const whole = Math.floor(bits / perLabel);
  const rest = bits % perLabel;
  const zone = (labels: readonly number[]): WireName =>
    nameFromLabels([
      ...labels.map((digit) => digit.toString(v4 ? 10 : 16)).reverse(),
      ...(v4 ? ['in-addr', 'arpa'] : ['ip6', 'arpa']),
    ]);
  if (rest === 0) return [zone(digits.slice(0, whole))];
  const first = digits[whole] ?? 0;
  return Array.from({ length: 1 << (perLabel - rest) }, (_, index) => zone([...digits.slice(0, whole), first + index]));
}

/** Of ranges that lie in one another the widest speaks: an answer must not change its zone with a range that adds nothing. */
export function outermostZones(ranges: readonly Cidr[]): readonly WireName[] {
  const zones = [...new Set(ranges.flatMap(reverseZones))];
  return zones.filter((zone) => !zones.some((other) => other !== zone && zoneOffset(zone, other) >= 0));
}

export type ReverseName =
  | { readonly kind: 'address'; readonly key: string }
  /** Fewer labels than an address has; IPv4 with its octets as text (`10.244.`). */
  | { readonly kind: 'partial'; readonly prefix: string | undefined }
  | { readonly kind: 'other' };

/** `labels`: what stands before in-addr.arpa or ip6.arpa, leftmost first, in lower case. */
export function parseReverse(labels: readonly string[], family: Cidr['family']): ReverseName {
  const digits = labels.toReversed();
  if (family === 'IPv4') {
    if (digits.length > 4 || !digits.every(isOctet)) return { kind: 'other' };
    if (digits.length === 4) return { kind: 'address', key: digits.join('.') };
    return { kind: 'partial', prefix: digits.map((digit) => `${digit}.`).join('') };
  }
  if (digits.length > 32 || !digits.every((digit) => /^[0-9a-f]$/.test(digit))) return { kind: 'other' };
  return digits.length === 32 ? { kind: 'address', key: digits.join('') } : { kind: 'partial', prefix: undefined };
}

function isOctet(text: string): boolean {
  return /^(0|[1-9][0-9]{0,2})$/.test(text) && Number(text) <= 255;
}
