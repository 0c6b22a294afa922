/** The service range's fixed addresses. */
import { formatIp, nthAddress, parseCidr } from '../util/ip.ts';

/** `10.96.0.1`: always the `kubernetes` Service. */
export function firstServiceAddress(range: string): string {
  const cidr = parseCidr(range);
  if (cidr === undefined)
    throw new Error(`serviceClusterIPRange: ${JSON.stringify(range)} is no CIDR, such as 10.96.0.0/16`);
  return formatIp(nthAddress(cidr, 1));
}
