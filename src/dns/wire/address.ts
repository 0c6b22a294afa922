/**
 * Addresses as the wire and the reverse index have them.
 *
 *   '10.96.0.10'   bytes [10,96,0,10]        key '10.96.0.10'
 *   '2001:db8::1'  bytes [0x20,0x01,…,1]     key '20010db8…01': 32 nibbles, whatever way the text was written
 */
import { formatIp, parseIp } from '../../util/ip.ts';
import type { Ip } from '../../util/ip.ts';

/** 4 or 16 octets; undefined: not an address. */
export function addressBytes(text: string): Uint8Array | undefined {
  const ip = parseIp(text);
  return ip === undefined ? undefined : ipBytes(ip);
}

export function ipBytes(ip: Ip): Uint8Array {
  return ip.family === 'IPv4' ? Uint8Array.from(formatIp(ip).split('.'), Number) : Buffer.from(nibbles(ip), 'hex');
}

const octet = /(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)/.source;
const plainIpv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/** A Map key: of an IPv4 address as everybody writes it the text itself, which costs no second one. */
export function addressKey(text: string): string | undefined {
  if (plainIpv4.test(text)) return text;
  const ip = parseIp(text);
  return ip === undefined ? undefined : ipKey(ip);
}

export function ipKey(ip: Ip): string {
  return ip.family === 'IPv4' ? formatIp(ip) : nibbles(ip);
}

function nibbles(ip: Ip): string {
  return ip.value.toString(16).padStart(32, '0');
}
