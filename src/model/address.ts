/**
 * Which addresses may ever be programmed. Validation refuses the others at the API server; this is the second line, for
 * objects that were stored by somebody else's server (CVE-2021-25737).
 */
import { parseIp, specialRange } from '../util/ip.ts';

/** False for loopback, link-local, multicast, unspecified, IPv4-mapped, and what is no canonical address at all. */
export function isUsableAddress(address: string): boolean {
  const first = firstOctet(address);
  if (first !== undefined) return first > 0 && first < 224 && first !== 127 && !address.startsWith('169.254.');
  const ip = parseIp(address);
  return ip !== undefined && specialRange(ip) === undefined;
}

const ipv4 = /^(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\.(?:(?:[1-9]?\d|1\d\d|2[0-4]\d|25[0-5])(?:\.|$)){3}$/;

/** The usual case without big numbers: a proxy reads 100,000 of these at its start. */
function firstOctet(address: string): number | undefined {
  const found = ipv4.exec(address);
  return found === null || address.endsWith('.') ? undefined : Number(found[1]);
}
