/** Who may ask. Clients come back, so what was found for an address is remembered. */
import { cidrContains, parseIp } from '../../util/ip.ts';
import type { Cidr } from '../../util/ip.ts';

const remembered = 4096;

/** `ranges` undefined: everybody. */
export function accessList(ranges: readonly Cidr[] | undefined): (address: string) => boolean {
  if (ranges === undefined) return () => true;
  const known = new Map<string, boolean>();
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    // A socket on `::` shows IPv4 clients as ::ffff:10.1.2.3; link-local ones carry their interface.
    const ip = parseIp(address.replace(/^::ffff:(?=[0-9.]+$)/, '').replace(/%.*$/, ''));
    const allowed = ip !== undefined && ranges.some((range) => cidrContains(range, ip));
    if (known.size >= remembered) known.clear();
    known.set(address, allowed);
    return allowed;
  };
}
