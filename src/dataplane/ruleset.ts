/**
 * The constant part of the kernel's tables: maps, base chains and the few rules that read the maps. A service is map elements
 * only, so this text is the same for one service and for 40,000. Pure. One table per family, from the same function.
 *
 *   packet ─┬ from a pod of this node ─┐
 *           ├ from the node itself ────┴> from-inside:  guard? ─ @internal[daddr . proto . port] ─┬> @route[code]: pick-N,
 *           └ from elsewhere ───────────> from-outside: guard? ─ @external[daddr . proto . port] ─┤  stick-N-T, refuse, drop
 *                                                                                                  └> none: a service range is closed
 *   pick-N        a slot: random mod N ─> slots ─ hash of daddr . port ─> slots-K: dnat to @slots-K[daddr . proto . port . slot]
 *   near-N        the same with slots from 32768 on: the endpoints of this node only (externalTrafficPolicy Local)
 *   stick-N-T     @affinity[service port . client] -> endpoint id, kept for T seconds; else a random one, remembered
 *   postrouting   hairpin and off-cluster clients are masqueraded; a pod's own address is kept inside the cluster
 *
 * Code and slot go through the packet's priority, which routing ignores and sets anew, not through its mark, which belongs to the
 * machine's own policy routing. It is a number and not a verdict because the kernel walks every element of a verdict map each
 * time one is added (measured: 12 ms at 30,000 elements, against 0.05 ms for a map of numbers).
 *
 * nat chains see the first packet of a connection only, so all of this costs nothing per packet. reject works there: what it
 * refuses is never confirmed, so the next packet is asked again.
 */
import type { Family } from '../model/index.ts';
import { shardCount, shardMap, shardMaps, shardSeed } from './shards.ts';
import { groupMask } from './sticky-ids.ts';

export interface RulesetOptions {
  readonly family: Family;
  readonly table: string;
  readonly podCidrs: readonly string[];
  readonly podsOfAllNodes: boolean;
  readonly serviceCidrs: readonly string[];
  readonly clusterIpClients: readonly string[];
  readonly nonMasqueradeCidrs: readonly string[];
  readonly nodePortRange: readonly [number, number];
  readonly podLinks: string | undefined;
  readonly trustedSources: readonly string[];
}

export interface Chain {
  readonly name: string;
  /** A base chain. Priorities are numbers: names are not known at every hook. */
  readonly hook?: { readonly type: 'filter' | 'nat'; readonly at: string; readonly priority: number };
  readonly rules: readonly string[];
}

/** First slot of the second pool of an entry. */
export const nearOffset = 32_768;
/** Clients remembered per table; the kernel forgets the idle ones, and picks at random for those beyond. */
const affinitySize = 262_144;
/** Chains that are there from the start, so that growing a service is elements only. */
const readyPicks = 32;
const readyNear = 8;

export const aboutChain = 'about';

/** nft's words for a family. */
export function familyWord(family: Family): 'ip' | 'ip6' {
  return family === 'IPv4' ? 'ip' : 'ip6';
}

export type Picker =
  | { readonly kind: 'pick'; readonly near: boolean; readonly slots: number }
  | {
      readonly kind: 'stick';
      readonly near: boolean;
      readonly slots: number;
      readonly seconds: number;
      /** Number of this time-out among all that are in use. */
      readonly rank: number;
    };

/** Codes in @internal and @external: what @route leads on. Written `5001:3` by nft. */
export const refuseCode = 0x5000_0001;
export const dropCode = 0x5000_0002;
const pickCodes = 0x5001_0000;
const nearCodes = 0x5002_0000;
const stickCodes = 0x6000_0000;

export function pickerCode(picker: Picker): number {
  if (picker.kind === 'pick') return (picker.near ? nearCodes : pickCodes) + picker.slots;
  return stickCodes + (picker.rank * 2 + (picker.near ? 1 : 0)) * 0x1_0000 + picker.slots;
}

export function pickerName(picker: Picker): string {
  const near = picker.near ? 'near-' : '';
  const n = String(picker.slots);
  return picker.kind === 'pick' ? `${near === '' ? 'pick-' : near}${n}` : `stick-${near}${n}-${String(picker.seconds)}`;
}

/** The picker behind an element of @route; undefined: none of ours. */
export function pickerOf(code: number, name: string): Picker | undefined {
  const [, kind, near, slots, seconds] = /^(?:(pick|stick)-)?(near-)?(\d+)(?:-(\d+))?$/.exec(name) ?? [];
  const common = { near: near !== undefined, slots: Number(slots) };
  const picker: Picker =
    kind === 'stick'
      ? { kind: 'stick', ...common, seconds: Number(seconds), rank: (((code - stickCodes) >>> 16) & 0xffff) >>> 1 }
      : { kind: 'pick', ...common };
  return slots !== undefined && pickerName(picker) === name && pickerCode(picker) === code ? picker : undefined;
}

export function readyPickers(): readonly Picker[] {
  const range = (count: number, near: boolean): Picker[] =>
    Array.from({ length: count }, (_, i) => ({ kind: 'pick', near, slots: i + 1 }));
  return [...range(readyPicks, false), ...range(readyNear, true)];
}

export interface Declaration {
  readonly kind: 'map' | 'set';
  readonly name: string;
  /** As nft writes it. */
  readonly body: string;
}

export function declarations(options: Pick<RulesetOptions, 'family'>): readonly Declaration[] {
  const ip = familyWord(options.family);
  const address = options.family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const key = `${address} . inet_proto . inet_service`;
  const slot = `typeof ${ip} daddr . meta l4proto . th dport . numgen random mod 65536`;
  const target = `${address} . inet_service`;
  const map = (name: string, body: string): Declaration => ({ kind: 'map', name, body });
  const set = (name: string, body: string): Declaration => ({ kind: 'set', name, body });
  return [
    map('internal', `type ${key} : classid;`),
    map('external', `type ${key} : classid;`),
    map('route', 'type classid : verdict;'),
    ...shardMaps.map((name) => map(name, `type ${key} . classid : ${target};`)),
    map('sticky-slots', `${slot} : meta priority;`),
    map('sticky-endpoints', `type ${key} . classid : ${target};`),
    map('sticky-near', `type ${key} . classid : ${target};`),
    map('affinity', `${clientType(options.family)}; flags dynamic,timeout; timeout 3h; size ${String(affinitySize)};`),
    set('restricted', `type ${key};`),
    set('allowed', `type ${key} . ${address}; flags interval;`),
    set('snat-all', `type ${key};`),
    set('snat-own', `type ${key};`),
    set('hairpin', `type ${address} . ${address};`),
  ];
}

export function chains(options: RulesetOptions): readonly Chain[] {
  const ip = familyWord(options.family);
  const unreachable = options.family === 'IPv4' ? 'icmp' : 'icmpv6';
  const loopback = options.family === 'IPv4' ? '127.0.0.0/8' : '::1';
  const key = `${ip} daddr . meta l4proto . th dport`;
  const original = `ct original ${ip} daddr . meta l4proto . ct original proto-dst`;
  const own = (field: string, cidrs: readonly string[], rule: string): string[] =>
    cidrs.length === 0 ? [] : [`${field} { ${cidrs.join(', ')} } ${rule}`];
  const pods = (rule: string): string[] => own(`${ip} saddr`, options.podCidrs, rule);
  const services = (rule: string): string[] => own(`${ip} daddr`, options.serviceCidrs, rule);
  const guests = (rule: string): string[] =>
    own(`${ip} saddr`, options.clusterIpClients, '').flatMap((from) => services(`${from}${rule}`));
  const transport = 'meta l4proto { tcp, udp, sctp }';
  const allHidden = `${transport} ${original} @snat-all goto masquerading`;
  return [
    {
      name: 'refuse',
      rules: ['meta l4proto tcp reject with tcp reset', `reject with ${unreachable} port-unreachable`],
    },
    {
      name: 'guard',
      rules: [
        `${key} . ${ip} saddr @allowed return`,
        ...own(`${ip} saddr`, options.trustedSources, 'return comment "load balancers that check for themselves"'),
        'drop comment "loadBalancerSourceRanges"',
      ],
    },
    {
      name: 'from-inside',
      rules: [
        `${key} @restricted jump guard`,
        `meta priority set ${key} map @internal`,
        'meta priority vmap @route',
        ...services('goto refuse comment "no service claims this address and port"'),
      ],
    },
    {
      name: 'from-outside',
      rules: [
        `${key} @restricted jump guard`,
        `meta priority set ${key} map @external`,
        'meta priority vmap @route',
        ...services('drop comment "cluster IPs are for the cluster"'),
      ],
    },
    ...slotChains(options.family),
    {
      name: 'nat-prerouting',
      hook: { type: 'nat', at: 'prerouting', priority: -100 },
      rules: [...pods('goto from-inside'), ...guests('goto from-inside'), 'goto from-outside'],
    },
    { name: 'nat-output', hook: { type: 'nat', at: 'output', priority: -100 }, rules: ['goto from-inside'] },
    { name: 'masquerading', rules: masquerading(options, transport) },
    { name: 'masquerading-own', rules: ['fib saddr type local goto masquerading'] },
    {
      name: 'nat-postrouting',
      hook: { type: 'nat', at: 'postrouting', priority: 100 },
      rules: [
        `ct status dnat ${ip} saddr . ${ip} daddr @hairpin goto masquerading comment "a pod that reached itself"`,
        ...(options.nonMasqueradeCidrs.some((cidr) => cidr.endsWith('/0'))
          ? []
          : pods(
              `${ip} daddr != { ${options.nonMasqueradeCidrs.join(', ')} } goto masquerading comment "out of the cluster"`,
            )),
        // A pod of another node, sent back to its own, would be answered past this one: upstream hides all of them too.
        ...(options.podsOfAllNodes ? [allHidden] : []),
        ...pods('return'),
        allHidden,
        `${transport} ${original} @snat-own goto masquerading-own`,
        // The answer must come back through here to be translated.
        ...own(`${ip} saddr`, options.clusterIpClients, '').flatMap((from) =>
          own(`${from}ct original ${ip} daddr`, options.serviceCidrs, 'goto masquerading'),
        ),
        ...own(`ct original ${ip} daddr`, options.serviceCidrs, 'goto masquerading-own'),
      ],
    },
    {
      name: 'raw-prerouting',
      hook: { type: 'filter', at: 'prerouting', priority: -300 },
      rules: [
        `iifname != "lo" ${ip} daddr ${loopback} drop comment "CVE-2020-8558: whatever route_localnet says"`,
        ...forged(options),
      ],
    },
    {
      name: 'filter-prerouting',
      hook: { type: 'filter', at: 'prerouting', priority: -90 },
      // Where the node has an unreachable route for addresses without a pod, a flow to a pod that is gone ends now, not in 15 minutes.
      rules: own(
        `meta l4proto tcp ${ip} daddr`,
        options.podCidrs,
        'fib daddr type != local fib daddr oif missing reject with tcp reset comment "no such pod"',
      ),
    },
    {
      name: 'filter-forward',
      hook: { type: 'filter', at: 'forward', priority: -10 },
      // An out-of-window answer would reach the client untranslated, and be answered with a reset (kubernetes#74839).
      rules: [...pods('ct state invalid drop'), ...own(`${ip} daddr`, options.podCidrs, 'ct state invalid drop')],
    },
    {
      name: 'filter-postrouting',
      hook: { type: 'filter', at: 'postrouting', priority: 0 },
      rules: services('drop comment "untranslated: never routed out"'),
    },
  ];
}

/** Strict reverse-path filtering where pods are concerned: the machine's own may be loose, and there is none for IPv6. */
function forged({ family, podLinks, podCidrs }: RulesetOptions): readonly string[] {
  if (podLinks === undefined) return [];
  const ip = familyWord(family);
  const elsewhere = 'fib saddr . iif oif missing drop';
  // Neighbours are looked for before there is an address.
  const named = family === 'IPv4' ? '' : ' ip6 saddr != { ::, fe80::/10 }';
  return [
    `iifname "${podLinks}*"${named} ${elsewhere} comment "not the pod's address"`,
    ...(podCidrs.length === 0
      ? []
      : [`${ip} saddr { ${podCidrs.join(', ')} } iifname != "lo" ${elsewhere} comment "no pod there"`]),
  ];
}

/** From a slot's number to its endpoint. */
function slotChains(family: Family): readonly Chain[] {
  const ip = familyWord(family);
  const shards = shardMaps.map((name, shard) => `${String(shard)} : goto ${name}`).join(', ');
  const seed = `0x${shardSeed.toString(16)}`;
  const deliver = (shard: number): string =>
    `dnat ${ip} to ${ip} daddr . meta l4proto . th dport . meta priority map @${shardMap(shard)}`;
  return [
    {
      name: 'slots',
      rules: [`jhash ${ip} daddr . th dport mod ${String(shardCount)} seed ${seed} vmap { ${shards} }`],
    },
    ...shardMaps.map((name, shard) => ({
      name,
      rules: [
        deliver(shard),
        // A packet may meet the next generation of the maps half way: the last slot may be gone, the first one never is.
        `meta priority set meta priority and 0x${nearOffset.toString(16)}`,
        deliver(shard),
        'drop',
      ],
    })),
  ];
}

/** The rules of a chain that chooses among N slots. */
export function pickerRules(family: Family, picker: Picker): readonly string[] {
  const ip = familyWord(family);
  const key = `${ip} daddr . meta l4proto . th dport`;
  const offset = picker.near ? ` offset ${String(nearOffset)}` : '';
  const random = `numgen random mod ${String(picker.slots)}${offset}`;
  if (picker.kind === 'pick') return [`meta priority set ${random} goto slots`];
  const first = `numgen random mod 1${offset}`;
  const client = clientKey(family);
  const choose = (among: string): string => `meta priority set ${key} . ${among} map @sticky-slots`;
  const remember = `update @affinity { ${client} timeout ${String(picker.seconds)}s : meta priority }`;
  const ends = picker.near ? 'sticky-near' : 'sticky-endpoints';
  const deliver = `meta l4proto { tcp, udp, sctp } dnat ${ip} to ${key} . meta priority map @${ends}`;
  return [
    // An id tells its service port, so any endpoint's leads to what is remembered; and a client that nobody knows keeps this one.
    choose(first),
    choose(random),
    `meta priority set ${client} map @affinity`,
    // Of a known client: its time starts anew.
    remember,
    deliver,
    // The endpoint is gone, or not for this client.
    `delete @affinity { ${client} : meta priority }`,
    choose(first),
    choose(random),
    remember,
    deliver,
    'drop',
  ];
}

/**
 * libnftables up to 1.0.6 has room for 16 bytes of key where a rule writes into a map, and aborts beyond. So an IPv6 client is
 * known by 64 bits of hash. It also wants what is calculated first.
 */
function clientKey(family: Family): string {
  const group = `meta priority and 0x${groupMask.toString(16)}`;
  if (family === 'IPv4') return `${group} . ip saddr`;
  const hash = (seed: string): string => `jhash ip6 saddr mod 4294967295 seed ${seed}`;
  return `${group} . ${hash('0x706f7274')} . ${hash('0x6f6c616e')}`;
}

function clientType(family: Family): string {
  if (family === 'IPv4') return 'type classid . ipv4_addr : classid';
  const number = 'numgen random mod 65536';
  return `typeof meta priority . ${number} . ${number} : meta priority`;
}

/** The random port keeps two clients of one endpoint apart (kubernetes#76699); a node port would be hijacked on the way back. */
function masquerading(options: RulesetOptions, transport: string): readonly string[] {
  const [low, high] = options.nodePortRange;
  const [above, below] = [65_535 - high, low - 1024];
  // A range that leaves nothing: then there is nothing to keep clear.
  if (above <= 0 && below <= 0) return ['masquerade fully-random'];
  const ports = above >= below ? `${String(high + 1)}-65535` : `1024-${String(low - 1)}`;
  return [`${transport} masquerade to :${ports} fully-random`, 'masquerade fully-random'];
}
