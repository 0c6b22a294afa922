/** Who may ask. Clients come back, so what was found for an address is remembered. */
import type { Node } from '../../api/gen/types.ts';
import type { Informer } from '../../client/index.ts';
import { cidrContains, formatIp, parseIp } from '../../util/ip.ts';
import type { Cidr } from '../../util/ip.ts';

const remembered = 4096;

/** `ranges` undefined: everybody. `nodes`: their own addresses as well, as they come and go. */
export function accessList(
  ranges: readonly Cidr[] | undefined,
  nodes: Informer<Node> | undefined,
): (address: string) => boolean {
  if (ranges === undefined) return () => true;
  const known = new Map<string, boolean>();
  const isNode = nodes === undefined ? () => false : nodeAddresses(nodes, () => known.clear());
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    // A socket on `::` shows IPv4 clients as ::ffff:10.1.2.3; link-local ones carry their interface.
    const ip = parseIp(address.replace(/^::ffff:(?=[0-9.]+$)/, '').replace(/%.*$/, ''));
    const allowed = ip !== undefined && (ranges.some((range) => cidrContains(range, ip)) || isNode(formatIp(ip)));
    if (known.size >= remembered) known.clear();
    known.set(address, allowed);
    return allowed;
  };
}

function nodeAddresses(nodes: Informer<Node>, changed: () => void): (address: string) => boolean {
  const addresses = new Map<string, number>();
  const add = (node: Node | undefined, change: 1 | -1): void => {
    for (const { type, address } of node?.status?.addresses ?? []) {
      const ip = type === 'InternalIP' ? parseIp(address) : undefined;
      if (ip === undefined) continue;
      const count = (addresses.get(formatIp(ip)) ?? 0) + change;
      if (count > 0) addresses.set(formatIp(ip), count);
      else addresses.delete(formatIp(ip));
    }
  };
  // Tells of those that are there already, too.
  nodes.onChange((current, old) => {
    add(old, -1);
    add(current, 1);
    changed();
  });
  return (address) => addresses.has(address);
}
