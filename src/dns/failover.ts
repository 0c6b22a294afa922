/**
 * When this node's server dies, its pods are answered by another node's: decided by the kernel, at the next packet.
 *
 *   pod ── 10.96.0.10:53 ──> prerouting ─┬─ is our socket there? ── yes ──> this node's server
 *                                        └─ no ───────────────────────────> the server of another node, by chance
 *
 * "Our socket" is one bound to 10.96.0.10 itself for no other purpose: the kernel closes it with the process, so nothing
 * has to notice, nothing times out, and a busy server is not taken for a dead one. The table is the server's own and
 * comes before the proxy's (priority -105 before -100), which it leaves everything else to: packets of the node's own
 * processes, and a node that has no other.
 */
import type { EndpointSlice } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import type { Informer } from '../client/types.ts';
import { log } from '../util/log.ts';
import { familyOf, formatIp, parseIp } from '../util/ip.ts';

export interface FailoverOptions {
  /** Cluster IPs of the kube-dns Service. */
  readonly serviceIPs: readonly string[];
  readonly own: { readonly address: string; readonly port: number };
  readonly slices: Informer<EndpointSlice>;
}

const logger = log('dns');
const servicePort = 53;
const table = 'portolan-dns';

/** Until the signal the list of other servers is kept up to date; the table outlives the process: that is its purpose. */
export async function keepFailover(options: FailoverOptions, signal: AbortSignal): Promise<void> {
  const { serviceIPs, own, slices } = options;
  const family = familyOf(own.address);
  const addresses = serviceIPs.filter((address) => familyOf(address) === family).map(canonical);
  if (addresses.length === 0) return;
  const [{ openNft }, { openPresence }] = await Promise.all([
    import('../kernel/nft.ts'),
    import('../kernel/presence.ts'),
  ]);
  try {
    const present = addresses.map((address) => openPresence(address, servicePort));
    const nft = openNft();
    let programmed = '';
    const program = (): void => {
      if (signal.aborted) return;
      const others = otherServers(slices.list('kube-system'), own.address);
      const script = failoverTable(addresses, own, others);
      if (script === programmed) return;
      nft.run(script);
      programmed = script;
      logger.debug({ others }, 'other servers to fall back to');
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
    const stop = (): void => {
      for (const socket of present) socket[Symbol.dispose]();
      nft.close();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  } catch (error) {
    logger.warn({ err: error }, "another node's server does not stand in for this one");
  }
}

/** `10.10.10.2:53`, sorted. */
export function otherServers(slices: Iterable<Live<EndpointSlice>>, own: string): readonly string[] {
  const found = new Set<string>();
  for (const slice of slices) {
    const port = slice.ports?.find(({ name }) => name === 'dns')?.port;
    if (!isKubeDns(slice) || port === undefined) continue;
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      const [address] = addresses;
      if (address === undefined || conditions?.ready === false || parseIp(address) === undefined) continue;
      if (familyOf(address) !== familyOf(own) || canonical(address) === canonical(own)) continue;
      found.add(at(address, port));
    }
  }
  return [...found].sort();
}

/** One transaction that takes the place of the whole table. */
export function failoverTable(
  addresses: readonly string[],
  own: { readonly address: string; readonly port: number },
  others: readonly string[],
): string {
  const family = familyOf(own.address) === 'IPv6' ? 'ip6' : 'ip';
  const rules =
    others.length === 0
      ? []
      : [
          `socket wildcard { 0, 1 } dnat to ${at(own.address, own.port)}`,
          ...others.map((other, index) => {
            const share = others.length - index;
            return `${share > 1 ? `numgen random mod ${share} 0 ` : ''}dnat to ${other}`;
          }),
        ];
  return [
    `table ${family} ${table} {}`,
    `delete table ${family} ${table}`,
    `table ${family} ${table} {`,
    '  chain servers {',
    ...rules.map((rule) => `    meta l4proto { tcp, udp } ${rule}`),
    '  }',
    '  chain prerouting {',
    '    type nat hook prerouting priority -105; policy accept;',
    `    ${family} daddr { ${addresses.join(', ')} } meta l4proto { tcp, udp } th dport ${servicePort} goto servers`,
    '  }',
    '}',
  ].join('\n');
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
