/**
 * Which host of a local cluster has which address: one plan per address family. Pure.
 *
 *   ranges of one family ── planOf ──> addresses of the places that there are once
 *                                      nodeAddress(plan, n), podRangeOf(plan, n): what node n has; n counts from 1
 */
import { formatIp, mustParseCidr, nthAddress } from '../util/ip.ts';
import type { Cidr } from '../util/ip.ts';
import type { ClusterRanges } from './settings.ts';

export interface Addresses {
  readonly control: string;
  readonly lan: string;
  readonly lbInside: string;
  readonly lbOutside: string;
  readonly internet: string;
  readonly hostInside: string;
  readonly hostOutside: string;
  /** The `kubernetes` service: first address of the range, as upstream. */
  readonly kubernetes: string;
  readonly dns: string;
}

/** What one address family gives to every place. */
export interface FamilyPlan {
  readonly ranges: ClusterRanges;
  readonly addresses: Addresses;
  readonly isIPv6: boolean;
}

export function planOf(ranges: ClusterRanges): FamilyPlan {
  const lan = mustParseCidr(ranges.lanRange);
  const wan = mustParseCidr(ranges.publicRange);
  const services = mustParseCidr(ranges.serviceRange);
  return {
    ranges,
    isIPv6: lan.family === 'IPv6',
    addresses: {
      control: addressAt(lan, 250),
      lan: addressAt(lan, 100),
      lbInside: addressAt(lan, 253),
      lbOutside: addressAt(wan, 1),
      internet: addressAt(wan, 10),
      hostInside: addressAt(lan, 254),
      hostOutside: addressAt(wan, 11),
      kubernetes: addressAt(services, 1),
      dns: addressAt(services, 10),
    },
  };
}

export function nodeAddress(plan: FamilyPlan, n: number): string {
  return addressAt(mustParseCidr(plan.ranges.lanRange), n);
}

/** A /24 of IPv4, a /64 of IPv6. */
export function podRangeOf({ ranges, isIPv6 }: FamilyPlan, n: number): string {
  const pods = mustParseCidr(ranges.podRange);
  return isIPv6 ? `${addressAt(pods, BigInt(n) << 64n)}/64` : `${addressAt(pods, n * 256)}/24`;
}

/** The default route's range. */
export function everywhere({ isIPv6 }: FamilyPlan): string {
  return isIPv6 ? '::/0' : 'default';
}

/** One address alone, as a range. */
export function hostRange({ isIPv6 }: FamilyPlan, address: string): string {
  return `${address}/${isIPv6 ? '128' : '32'}`;
}

/** An address with the prefix length of the range that it is in. */
export function inRange(address: string, range: string): string {
  return `${address}/${String(mustParseCidr(range).bits)}`;
}

function addressAt(range: Cidr, n: number | bigint): string {
  return formatIp(nthAddress(range, n));
}
