/**
 * What a local cluster is asked to be. Pure: flags in, checked settings out; everything else is derived (topology.ts).
 *
 *   flags ── resolveSettings(flags, slot) ──> ClusterSettings ── DATA/cluster.json
 *
 * The slot keeps two clusters apart on one machine: slot 0 is the default cluster, every other name takes the first free
 * one. Only the ranges that the machine itself sees (LAN and public) differ per slot.
 */
import { cidrContains, cidrsOverlap, cidrSize, formatCidr, formatIp, nthAddress, parseCidr } from '../util/ip.ts';
import type { Cidr, Family } from '../util/ip.ts';
import { UsageError } from './usage-error.ts';

export const defaultName = 'portolan';
/** LAN addresses .1 to .99 are nodes; .100 is the LAN host. */
const maxNodes = 99;

/** The ranges of one address family. */
export interface ClusterRanges {
  readonly lanRange: string;
  readonly publicRange: string;
  /** LoadBalancer addresses; inside the public range. */
  readonly poolRange: string;
  readonly podRange: string;
  readonly serviceRange: string;
}

/** Its own ranges are the first family's: IPv4, or IPv6 alone. */
export interface ClusterSettings extends ClusterRanges {
  readonly name: string;
  readonly slot: number;
  readonly nodes: number;
  /** Over how many zones the nodes are spread; undefined: they say none. */
  readonly zones?: number;
  /** The second family; undefined: one alone. */
  readonly ipv6?: ClusterRanges;
  /** Services may have externalIPs, in these ranges; undefined: none. */
  readonly externalIpRange?: readonly string[];
  readonly clusterDomain: string;
  readonly dataDir: string;
  /** `--data` was given: `down` leaves the directory. */
  readonly keepData: boolean;
  readonly imagesDir: string;
}

/** As given on the command line; undefined: not given. */
export interface ClusterFlags {
  readonly name?: string;
  readonly nodes?: number;
  readonly zones?: number;
  readonly lanRange?: string;
  readonly publicRange?: string;
  readonly poolRange?: string;
  readonly podRange?: string;
  readonly serviceRange?: string;
  readonly externalIpRange?: readonly string[];
  readonly data?: string;
  readonly images?: string;
  readonly ipv6?: boolean;
  readonly dualStack?: boolean;
}

/** The range settings, with the flag that changes each. */
export const rangeFlags = {
  lanRange: '--lan-range',
  publicRange: '--public-range',
  poolRange: '--pool-range',
  podRange: '--cluster-cidr',
  serviceRange: '--service-cluster-ip-range',
} as const;
export type RangeName = keyof typeof rangeFlags;

export function resolveSettings(flags: ClusterFlags, slot: number): ClusterSettings {
  if (flags.ipv6 === true && flags.dualStack === true) {
    throw new UsageError('--ipv6 is IPv6 alone, --dual-stack both families: give one of them');
  }
  const name = checkName(flags.name ?? defaultName);
  const standard = flags.ipv6 === true ? ipv6Ranges(slot) : ipv4Ranges(slot);
  const publicRange = flags.publicRange ?? standard.publicRange;
  const settings: ClusterSettings = {
    name,
    slot,
    nodes: flags.nodes ?? 3,
    ...(flags.zones === undefined ? {} : { zones: flags.zones }),
    lanRange: flags.lanRange ?? standard.lanRange,
    publicRange,
    poolRange: flags.poolRange ?? poolIn(publicRange),
    podRange: flags.podRange ?? standard.podRange,
    serviceRange: flags.serviceRange ?? standard.serviceRange,
    ...(flags.dualStack === true ? { ipv6: ipv6Ranges(slot) } : {}),
    ...(flags.externalIpRange === undefined ? {} : { externalIpRange: flags.externalIpRange }),
    clusterDomain: 'cluster.local',
    dataDir: flags.data ?? `/var/lib/portolan/${name}`,
    keepData: flags.data !== undefined,
    imagesDir: flags.images ?? '/var/lib/portolan/images',
  };
  checkSettings(settings, flags.ipv6 === true ? 'IPv6' : 'IPv4');
  return settings;
}

function ipv4Ranges(slot: number): ClusterRanges {
  const publicRange = slot === 0 ? '198.51.100.0/24' : `198.18.${String(slot)}.0/24`;
  return {
    lanRange: `10.10.${String(10 + slot)}.0/24`,
    publicRange,
    poolRange: poolIn(publicRange),
    podRange: '10.244.0.0/16',
    serviceRange: '10.96.0.0/16',
  };
}

/** Unique local addresses (RFC 4193). */
function ipv6Ranges(slot: number): ClusterRanges {
  const publicRange = `fd00:198:51:${slot.toString(16)}::/64`;
  return {
    lanRange: `fd00:10:10:${(10 + slot).toString(16)}::/64`,
    publicRange,
    poolRange: poolIn(publicRange),
    podRange: 'fd00:10:244::/48',
    serviceRange: 'fd00:10:96::/112',
  };
}

/** Of each family, the first one first. */
export function rangesOf(settings: ClusterSettings): readonly [ClusterRanges, ...ClusterRanges[]] {
  return settings.ipv6 === undefined ? [settings] : [settings, settings.ipv6];
}

/** Part of namespace, link and file names, so it is kept to what all of them can carry. */
export function checkName(name: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name) || name === 'images') {
    throw new UsageError(
      `--name ${JSON.stringify(name)}: want 1 to 32 characters of a-z, 0-9 and '-', starting and ending with a letter or digit`,
    );
  }
  return name;
}

/** Its upper half; of IPv6 the second 65,536 addresses. */
function poolIn(text: string): string {
  const range = parseCidr(text);
  if (range?.family === 'IPv6' && range.bits <= 108) return `${formatIp(nthAddress(range, 1 << 16))}/112`;
  if (range === undefined || range.bits > (range.family === 'IPv6' ? 126 : 30)) return text;
  return `${formatIp(nthAddress(range, cidrSize(range) / 2n))}/${String(range.bits + 1)}`;
}

/** Shortest and longest prefix: room for all hosts, and for a pod range on each of 99 nodes. */
const prefixes: Readonly<Record<Family, Readonly<Record<RangeName, readonly [number, number]>>>> = {
  IPv4: { lanRange: [16, 24], publicRange: [8, 24], poolRange: [8, 30], podRange: [8, 16], serviceRange: [8, 26] },
  IPv6: {
    lanRange: [16, 120],
    publicRange: [16, 120],
    poolRange: [16, 126],
    podRange: [16, 56],
    serviceRange: [64, 122],
  },
};

function checkSettings(settings: ClusterSettings, family: Family): void {
  if (!Number.isInteger(settings.nodes) || settings.nodes < 1 || settings.nodes > maxNodes) {
    throw new UsageError(`--nodes ${String(settings.nodes)}: want a number from 1 to ${String(maxNodes)}`);
  }
  const { zones = 1, nodes } = settings;
  if (!Number.isInteger(zones) || zones < 1 || zones > nodes) {
    throw new UsageError(`--zones ${String(zones)}: want a number from 1 to that of the nodes, ${String(nodes)}`);
  }
  if (!settings.dataDir.startsWith('/')) throw new UsageError(`--data ${settings.dataDir}: want an absolute path`);
  const lan = range(settings, family, 'lanRange');
  const wan = range(settings, family, 'publicRange');
  const pool = range(settings, family, 'poolRange');
  const pods = range(settings, family, 'podRange');
  const services = range(settings, family, 'serviceRange');
  // .1 is the load balancer, .10 the internet host, .11 this machine: they can't be handed out.
  if (!cidrContains(wan, nthAddress(pool, 0)) || pool.bits <= wan.bits || pool.base < wan.base + 16n) {
    throw new UsageError(
      `${rangeFlags.poolRange} ${settings.poolRange}: must lie inside the public range ${settings.publicRange}, after its first 16 addresses`,
    );
  }
  const named: readonly (readonly [RangeName, Cidr])[] = [
    ['lanRange', lan],
    ['publicRange', wan],
    ['podRange', pods],
    ['serviceRange', services],
  ];
  for (const [i, [nameA, a]] of named.entries()) {
    for (const [nameB, b] of named.slice(i + 1)) {
      if (!cidrsOverlap(a, b)) continue;
      throw new UsageError(
        `${rangeFlags[nameA]} ${formatCidr(a)} and ${rangeFlags[nameB]} ${formatCidr(b)} overlap: change one`,
      );
    }
  }
}

function range(settings: ClusterSettings, family: Family, name: RangeName): Cidr {
  const parsed = parseCidr(settings[name]);
  const [least, most] = prefixes[family][name];
  if (parsed?.family !== family || parsed.bits < least || parsed.bits > most) {
    const example = family === 'IPv6' ? 'fd00:10::' : '10.0.0.0';
    throw new UsageError(
      `${rangeFlags[name]} ${settings[name]}: want an ${family} range like ${example}/${String(most)}, prefix from /${String(least)} to /${String(most)}`,
    );
  }
  return parsed;
}
