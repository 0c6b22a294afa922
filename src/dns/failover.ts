/**
 * When this node's server dies or hangs, another node's answers: decided by the kernel, packet by packet.
 *
 *   pod, or a process of the node ── 10.96.0.10:53 ──> is our server there, and alive? ─┬─ yes ─> this node's server
 *                                                                                       └─ no ──> one of a few others that live
 *
 *   there   a socket bound to 10.96.0.10 itself for no other purpose: the kernel closes it with the process. For packets of
 *           the node's own processes "the socket" would be the asker's, so only the second question is put to those
 *   alive   element 53 of a set that forgets after 0.9 s. The server sends itself a datagram each 0.2 s, which a rule takes
 *           for the element's renewal and drops. Not a change of the set through netlink: each of those is a new generation
 *           of the rules, and whoever reads a large table meanwhile (the proxy's) would have to begin again
 *   others  the next few in the ring of all nodes' servers. Each sends its datagram to those that would fall back to it as
 *           well, where a rule keeps the same kind of set for it: who lives is known when this node's server is long dead
 *
 * A question repeated from the same port has a flow already, which leads to the server that is gone: while there is no
 * live one, datagrams are looked up in a conntrack zone of their own, so that they get a flow of their own.
 *
 * The table is the server's own and comes before the proxy's (priority -105 before -100), which it leaves a node to that
 * has no other server.
 */
import dgram from 'node:dgram';
import type { EndpointSlice } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import type { Informer } from '../client/index.ts';
import { log } from '../util/log.ts';
import { familyOf, formatIp, parseIp } from '../util/ip.ts';

export interface Server {
  readonly address: string;
  readonly port: number;
}

export interface FailoverOptions {
  /** Cluster IPs of the kube-dns Service. */
  readonly serviceIPs: readonly string[];
  /** This node's server: one address of each family that it stands in for. */
  readonly own: readonly Server[];
  readonly slices: Informer<EndpointSlice>;
}

const logger = log('dns');
const servicePort = 53;
const table = 'portolan-dns';
const zone = 53;
const beatMs = 200;
const forgottenMs = 900;
/** So many others stand in for a server, however many nodes there are. */
const standIns = 3;
/** UDP's header and one octet: no question is as short. */
const beatLength = 9;

/** Until the signal the lists of other servers are kept up to date; the tables outlive the process: that is their purpose. */
export async function keepFailover({ serviceIPs, own, slices }: FailoverOptions, signal: AbortSignal): Promise<void> {
  for (const server of own) {
    const family = familyOf(server.address);
    const addresses = serviceIPs.filter((address) => familyOf(address) === family).map(canonical);
    if (addresses.length === 0) continue;
    try {
      await standIn(addresses, server, slices, signal);
    } catch (error) {
      logger.warn({ err: error, family }, "another node's server does not stand in for this one");
    }
  }
}

/** One family. */
async function standIn(
  addresses: readonly string[],
  own: Server,
  slices: Informer<EndpointSlice>,
  signal: AbortSignal,
): Promise<void> {
  const [{ openNft }, { openPresence }] = await Promise.all([
    import('../kernel/nft.ts'),
    import('../kernel/presence.ts'),
  ]);
  if (signal.aborted) return;
  const parts = new DisposableStack();
  try {
    for (const address of addresses) parts.use(openPresence(address, servicePort));
    const nft = parts.use(openNft());
    const heartbeat = await startHeartbeat(own.address);
    parts.defer(heartbeat.stop);
    let programmed = '';
    const program = (): void => {
      const { next, previous } = neighbours(otherServers(slices.list('kube-system'), own.address), own.address);
      const script = failoverTable({ addresses, own, others: next, heartbeat: heartbeat.port });
      if (signal.aborted) return;
      heartbeat.tell(previous.map(({ address }) => address));
      if (script === programmed) return;
      nft.run(script);
      programmed = script;
      logger.debug({ others: next }, 'other servers to fall back to');
    };
    program();
    slices.onChange((current, old) => {
      if (!isKubeDns(current) && !isKubeDns(old)) return;
      try {
        program();
      } catch (error) {
        logger.warn({ err: error }, 'the table of other DNS servers stays as it was');
      }
    });
    // One that stops on purpose need not be waited for.
    parts.defer(() => void nft.run(`flush set ${nftFamily(own)} ${table} alive`));
  } catch (error) {
    parts.dispose();
    throw error;
  }
  const stop = (): void => {
    try {
      parts.dispose();
    } catch (error) {
      logger.debug({ err: error }, 'the table of DNS servers is gone already');
    }
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
}

interface Heartbeat {
  readonly port: number;
  /** From now on these servers' nodes are told as well. */
  readonly tell: (others: readonly string[]) => void;
  readonly stop: () => void;
}

/** From a port that the kernel gives to nobody else; what the rule drops comes back as EPERM, which is no news. */
async function startHeartbeat(address: string): Promise<Heartbeat> {
  const socket = dgram.createSocket({
    type: familyOf(address) === 'IPv6' ? 'udp6' : 'udp4',
    lookup: (name, _options, callback) => callback(null, name, familyOf(address) === 'IPv6' ? 6 : 4),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, address, () => resolve());
  });
  socket.on('error', () => {});
  const nothing = Buffer.alloc(1);
  let others: readonly string[] = [];
  const beat = setInterval(() => {
    for (const listener of [address, ...others]) socket.send(nothing, servicePort, listener, () => {});
  }, beatMs);
  // Neither keeps a process that is done.
  beat.unref();
  socket.unref();
  return {
    port: socket.address().port,
    tell: (told) => {
      others = told;
    },
    stop: () => {
      clearInterval(beat);
      socket.close();
    },
  };
}

/** In the order in which all nodes know them. */
export function otherServers(slices: Iterable<Live<EndpointSlice>>, own: string): readonly Server[] {
  const found = new Map<string, Server>();
  for (const slice of slices) {
    const port = slice.ports?.find(({ name }) => name === 'dns')?.port;
    if (!isKubeDns(slice) || port === undefined) continue;
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      const [address] = addresses;
      if (address === undefined || conditions?.ready === false || parseIp(address) === undefined) continue;
      if (familyOf(address) !== familyOf(own) || canonical(address) === canonical(own)) continue;
      found.set(canonical(address), { address: canonical(address), port });
    }
  }
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** Of the ring of all: those after our own stand in for it, and it stands in for those before it. */
export function neighbours(
  others: readonly Server[],
  own: string,
): { readonly next: readonly Server[]; readonly previous: readonly Server[] } {
  const isAfter = ({ address }: Server): boolean => address > canonical(own);
  const ring = [...others.filter(isAfter), ...others.filter((other) => !isAfter(other))];
  return { next: ring.slice(0, standIns), previous: ring.slice(-standIns) };
}

export interface FailoverTable {
  /** Where clients ask; of one family, as all here. */
  readonly addresses: readonly string[];
  readonly own: Server;
  readonly others: readonly Server[];
  /** The port from which the server says that it is alive. */
  readonly heartbeat: number;
}

/** One transaction that takes the place of the whole table, said by a live server. */
export function failoverTable({ addresses, own, others, heartbeat }: FailoverTable): string {
  const family = nftFamily(own);
  const alive = 'th dport @alive';
  const asked = `${family} daddr { ${addresses.join(', ')} }`;
  const to = ({ address, port }: Server, when: string): string =>
    `meta l4proto { tcp, udp } ${when}dnat to ${at(address, port)}`;
  const byChance = (index: number): string =>
    index === others.length - 1 ? '' : `numgen random mod ${others.length - index} 0 `;
  // One that lives, each as likely as the others; else the first that lives; else any: nothing may have been heard yet.
  const dnat = [
    ...others.map((other, index) => to(other, `th dport @${aliveSet(index)} ${byChance(index)}`)),
    ...others.map((other, index) => to(other, `th dport @${aliveSet(index)} `)),
    ...others.map((other, index) => to(other, byChance(index))),
  ];
  const toOwn = to(own, `${alive} `);
  const setOf = (name: string): readonly string[] => [
    `set ${name} {`,
    `  type inet_service; size 16; flags dynamic, timeout; timeout ${forgottenMs}ms; elements = { ${servicePort} }`,
    '}',
  ];
  const renew = (name: string): string => `update @${name} { udp dport timeout ${forgottenMs}ms } drop`;
  const home = `${family} daddr ${canonical(own.address)}`;
  const ways = (hook: string, there: string): readonly string[] => [
    ...chain(`${hook}-flow`, [`udp dport @alive ${there}return`, `ct original zone set ${zone}`]),
    ...chain(`${hook}-zone`, [
      `type filter hook ${hook} priority -300; policy accept;`,
      `${asked} udp dport ${servicePort} goto ${hook}-flow`,
    ]),
    ...chain(`${hook}-servers`, [`${there}${toOwn}`, ...dnat]),
    ...chain(hook, [
      `type nat hook ${hook} priority -105; policy accept;`,
      `${asked} meta l4proto { tcp, udp } th dport ${servicePort} goto ${hook}-servers`,
    ]),
  ];
  return [
    `table ${family} ${table} {}`,
    `delete table ${family} ${table}`,
    `table ${family} ${table} {`,
    ...[
      ...setOf('alive'),
      ...others.flatMap((_, index) => setOf(aliveSet(index))),
      ...chain('heartbeat', [
        'type filter hook output priority -310; policy accept;',
        `${home} udp sport ${heartbeat} udp dport ${servicePort} ${renew('alive')}`,
      ]),
      ...chain('heartbeats', [
        'type filter hook prerouting priority -310; policy accept;',
        ...others.map(
          ({ address }, index) =>
            `${family} saddr ${address} ${home} udp dport ${servicePort} udp length ${beatLength} ${renew(aliveSet(index))}`,
        ),
      ]),
      ...(others.length === 0 ? [] : [...ways('prerouting', 'socket wildcard { 0, 1 } '), ...ways('output', '')]),
    ].map((line) => `  ${line}`),
    '}',
  ].join('\n');
}

function aliveSet(index: number): string {
  return `alive-${index + 1}`;
}

function chain(name: string, rules: readonly string[]): readonly string[] {
  return [`chain ${name} {`, ...rules.map((rule) => `  ${rule}`), '}'];
}

function nftFamily({ address }: Server): 'ip' | 'ip6' {
  return familyOf(address) === 'IPv6' ? 'ip6' : 'ip';
}

function isKubeDns(slice: Live<EndpointSlice> | undefined): boolean {
  const { namespace, labels } = slice?.metadata ?? {};
  return namespace === 'kube-system' && labels?.['kubernetes.io/service-name'] === 'kube-dns';
}

function canonical(address: string): string {
  const ip = parseIp(address);
  if (ip === undefined) throw new Error(`${address} is not an address`);
  return formatIp(ip);
}

function at(address: string, port: number): string {
  return familyOf(address) === 'IPv6' ? `[${canonical(address)}]:${port}` : `${canonical(address)}:${port}`;
}
