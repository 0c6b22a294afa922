/**
 * The rules that never change, whatever the number of services: one table per family, everything else is map elements.
 *
 *   from wan0 or lan0 ─> firewall: restricted and not allowed ──> drop                        (source ranges, live)
 *                     ─> services { vip . proto . port : goto pick<N> } ─> slots ─> backends ─> dnat node:nodePort
 *                     ─> input:    to a VIP, still here: refused            to the rest of the pool: host unreachable
 *                     ─> forward:  from the LAN, answers, and what a service opened; nothing else
 *                     ─> postrouting: the LAN to the internet, and LAN clients of a VIP: masqueraded; nobody else
 *
 * The pool is routed to this host (type `local`), so the kernel answers ARP for it; the `arp` table drops the question for an
 * address that is given to nobody. No address is bound to an interface.
 *
 * Chains for choosing are made on demand, one per number of nodes (pick<N>) and, with ClientIP affinity, per time-out too.
 */
import type { Family } from '../util/ip.ts';

export const tableName = 'portolan-lb';

export interface RulesetOptions {
  readonly lanInterface: string;
  readonly publicInterface: string;
  /** The pool of this family, as prefixes. */
  readonly pool: readonly string[];
  /** Clients whom a node would answer past us. */
  readonly inside: readonly string[];
}

/** Adds what is missing and replaces rules and constant sets, in one transaction; elements of services are not touched. */
export function constantRules(family: Family, options: RulesetOptions): string {
  const ip = family === 'IPv4' ? 'ip' : 'ip6';
  const address = family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const table = `${ip} ${tableName}`;
  const key = `${address} . inet_proto . inet_service`;
  const flow = `${ip} daddr . meta l4proto . th dport`;
  const icmp = family === 'IPv4' ? 'icmp type' : 'icmpv6 type';
  const unreachable = family === 'IPv4' ? 'host-unreachable' : 'addr-unreachable';
  const lan = quote(options.lanInterface);
  const wan = quote(options.publicInterface);
  const chains: readonly (readonly [string, string, readonly string[]])[] = [
    ['deliver', '', [`meta l4proto { tcp, udp, sctp } dnat to meta mark map @backends`]],
    [
      'firewall',
      'type filter hook prerouting priority dstnat - 10',
      [
        // Nobody outside may claim to be one of us.
        `iifname ${wan} ${ip} saddr @inside drop`,
        `${flow} @restricted ${flow} . ${ip} saddr != @allowed drop`,
      ],
    ],
    ['prerouting', 'type nat hook prerouting priority dstnat', [`${flow} vmap @services`]],
    // A client on this host itself, for example a probe by hand.
    ['output', 'type nat hook output priority -100', [`${flow} vmap @services`]],
    [
      'input',
      'type filter hook input priority filter',
      [
        'ct state established,related accept',
        ...(family === 'IPv6' ? [`${icmp} { nd-neighbor-solicit, nd-neighbor-advert } accept`] : []),
        `${ip} daddr @vips meta l4proto tcp reject with tcp reset`,
        `${ip} daddr @vips reject with ${icmp} port-unreachable`,
        `${ip} daddr @pool reject with ${icmp} ${unreachable}`,
      ],
    ],
    [
      'forward',
      'type filter hook forward priority filter; policy drop',
      [
        'ct state established,related accept',
        // Untranslated leftovers of a translated flow would reach the client from an address it never called.
        'ct state invalid drop',
        `iifname ${lan} accept`,
        'ct status dnat accept',
      ],
    ],
    [
      'postrouting',
      'type nat hook postrouting priority srcnat',
      [
        `${ip} saddr @pool masquerade fully-random`,
        `oifname ${wan} masquerade fully-random`,
        `iifname ${lan} oifname ${lan} ct status dnat ${ip} saddr @inside masquerade fully-random`,
      ],
    ],
  ];
  return [
    `add table ${table}`,
    ...constantSet(table, 'pool', `type ${address}; flags interval`, options.pool),
    ...constantSet(table, 'inside', `type ${address}; flags interval; auto-merge`, options.inside),
    `add set ${table} vips { type ${address}; }`,
    `add set ${table} restricted { type ${key}; }`,
    `add set ${table} allowed { type ${key} . ${address}; flags interval; }`,
    `add set ${table} members { type ${key} . mark; }`,
    `add map ${table} services { type ${key} : verdict; }`,
    `add map ${table} slots { type ${key} . mark : mark; }`,
    `add map ${table} backends { type mark : ${address} . inet_service; }`,
    `add map ${table} affinity { ${affinityType(family, key)}; flags dynamic, timeout; size 262144; }`,
    ...chains.flatMap(([name, hook, rules]) => chain(table, name, hook, rules)),
    ...(family === 'IPv4' ? arpRules(options) : []),
    '',
  ].join('\n');
}

/** How one frontend is entered: by its number of targets, and by the affinity's time-out where it has one. */
export function pickChain(slots: number, affinitySeconds: number | undefined): string {
  return affinitySeconds === undefined ? `pick${slots}` : `pick${slots}-keep${affinitySeconds}`;
}

/** Slot numbers start here, ids of nodes end before: a slot that is not found is nobody's id. */
export const slotOffset = 2 ** 31;

/** Safe to run again. */
export function pickRules(family: Family, slots: number, affinitySeconds: number | undefined): string {
  const ip = family === 'IPv4' ? 'ip' : 'ip6';
  const table = `${ip} ${tableName}`;
  const flow = `${ip} daddr . meta l4proto . th dport`;
  const look = `meta mark set ${flow} . meta mark map @slots`;
  const draw = [
    `meta mark set numgen random mod ${slots} offset ${slotOffset}`,
    look,
    // A packet may meet the next state of the maps half way: the last slot may be gone, the first one is not.
    `meta mark >= ${slotOffset} meta mark set ${slotOffset}`,
    `meta mark ${slotOffset} ${look}`,
  ];
  const name = pickChain(slots, affinitySeconds);
  if (affinitySeconds === undefined) return chain(table, name, '', [...draw, 'goto deliver']).join('\n');
  const keep = `keep${affinitySeconds}`;
  const client = clientKey(family, flow);
  return [
    ...chain(table, keep, '', [
      `update @affinity { ${client} timeout ${affinitySeconds}s : meta mark }`,
      'goto deliver',
    ]),
    ...chain(table, name, '', [
      'meta mark set 0',
      `meta mark set ${client} map @affinity`,
      // A remembered node counts only while it still serves this frontend.
      `${flow} . meta mark @members goto ${keep}`,
      // An update only renews the time of what is remembered: it must be gone for another node to be remembered.
      `delete @affinity { ${client} : meta mark }`,
      ...draw,
      `goto ${keep}`,
    ]),
  ].join('\n');
}

/**
 * libnftables up to 1.0.6 aborts where a rule writes a key of more than 16 bytes into a map: an IPv6 client and its target are told
 * apart by 64 bits of hash, protocol and port are exact.
 */
function clientKey(family: Family, flow: string): string {
  if (family === 'IPv4') return `ip saddr . ${flow}`;
  const hash = (seed: string): string => `jhash ip6 saddr . ip6 daddr mod 4294967295 seed ${seed}`;
  return `${hash('0x706f7274')} . ${hash('0x6f6c616e')} . meta l4proto . th dport`;
}

function affinityType(family: Family, key: string): string {
  if (family === 'IPv4') return `type ipv4_addr . ${key} : mark`;
  const number = 'numgen random mod 65536';
  return `typeof ${number} . ${number} . meta l4proto . th dport : meta mark`;
}

function arpRules(options: RulesetOptions): readonly string[] {
  const table = `arp ${tableName}`;
  return [
    `add table ${table}`,
    ...constantSet(table, 'pool', 'type ipv4_addr; flags interval', options.pool),
    `add set ${table} vips { type ipv4_addr; }`,
    ...chain(table, 'input', 'type filter hook input priority filter', [
      'arp operation request arp daddr ip @pool arp daddr ip != @vips drop',
    ]),
  ];
}

function constantSet(table: string, name: string, type: string, elements: readonly string[]): readonly string[] {
  const fill = elements.length === 0 ? [] : [`add element ${table} ${name} { ${elements.join(', ')} }`];
  return [`add set ${table} ${name} { ${type}; }`, `flush set ${table} ${name}`, ...fill];
}

function chain(table: string, name: string, hook: string, rules: readonly string[]): readonly string[] {
  return [
    `add chain ${table} ${name}${hook === '' ? '' : ` { ${hook}; }`}`,
    `flush chain ${table} ${name}`,
    ...rules.map((rule) => `add rule ${table} ${name} ${rule}`),
  ];
}

function quote(name: string): string {
  if (!/^[A-Za-z0-9_.-]{1,15}$/.test(name)) throw new Error(`interface name ${JSON.stringify(name)} is not valid`);
  return `"${name}"`;
}
