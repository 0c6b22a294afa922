/**
 * Addresses, ports and ids as the kernel keeps them in set elements: each field padded to four bytes.
 *
 *   entry key   daddr . proto . port          slot key   entry key . slot number
 *   endpoint    daddr . port                  source     entry key . first … last address
 */
import type { Family, Protocol } from '../model/index.ts';
import { mustParseCidr, mustParseIp } from '../util/ip.ts';

/** IANA protocol numbers. */
const protocols: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };
const [space, dot, zero] = [32, 46, 48];
const protocolNames = new Map(Object.entries(protocols).map(([name, number]) => [number, name as Protocol]));

export function addressBytes(address: string): Buffer {
  const bytes = Buffer.allocUnsafe(address.includes(':') ? 16 : 4);
  writeAddress(bytes, address);
  return bytes;
}

/** Writes at the beginning; returns the width. A hundred thousand times at a start, so nothing is allocated for IPv4. */
function writeAddress(bytes: Buffer, address: string): 4 | 16 {
  // Checked by the model before it got here.
  if (!address.includes(':')) {
    let octet = 0;
    let at = 0;
    for (let i = 0; i < address.length; i++) {
      const code = address.charCodeAt(i);
      if (code === dot) {
        bytes[at++] = octet;
        octet = 0;
      } else {
        octet = octet * 10 + code - zero;
      }
    }
    bytes[at] = octet;
    return 4;
  }
  const ip = mustParseIp(address);
  valueBytes(ip.family, ip.value).copy(bytes);
  return 16;
}

export function addressText(bytes: Buffer, start: number, family: Family): string {
  if (family === 'IPv4') {
    return `${String(bytes[start])}.${String(bytes[start + 1])}.${String(bytes[start + 2])}.${String(bytes[start + 3])}`;
  }
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(bytes.readUInt16BE(start + i).toString(16));
  return shorten(groups);
}

export function addressWidth(family: Family): 4 | 16 {
  return family === 'IPv4' ? 4 : 16;
}

export function keyBytes(address: string, protocol: Protocol, port: number): Buffer {
  const width = address.includes(':') ? 16 : 4;
  const bytes = Buffer.allocUnsafe(width + 8);
  writeAddress(bytes, address);
  bytes.writeUInt32LE(protocols[protocol], width);
  bytes.writeUInt32LE(0, width + 4);
  bytes.writeUInt16BE(port, width + 4);
  return bytes;
}

/** `10.96.0.1 TCP 80`: the model's EntryKey. undefined: nothing that we write. */
export function keyText(bytes: Buffer, family: Family): string | undefined {
  const width = addressWidth(family);
  const protocol = protocolNames.get(bytes[width] ?? 0);
  if (protocol === undefined) return undefined;
  return `${addressText(bytes, 0, family)} ${protocol} ${String(bytes.readUInt16BE(width + 4))}`;
}

export function slotKeyBytes(key: Buffer, slot: number): Buffer {
  const bytes = Buffer.allocUnsafe(key.length + 4);
  bytes.set(key);
  // The packet path counts in the machine's order; every machine that Node runs on is little-endian.
  bytes.writeUInt32LE(slot, key.length);
  return bytes;
}

/** `10.244.1.2 8080` */
export function endpointBytes(endpoint: string): Buffer {
  const gap = endpoint.indexOf(' ');
  const address = endpoint.slice(0, gap);
  const width = address.includes(':') ? 16 : 4;
  const bytes = Buffer.allocUnsafe(width + 4);
  writeAddress(bytes, address);
  bytes.writeUInt32LE(0, width);
  bytes.writeUInt16BE(Number(endpoint.slice(gap + 1)), width);
  return bytes;
}

export function endpointText(bytes: Buffer, family: Family, start = 0): string {
  const at = start + addressWidth(family);
  const port = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (family === 'IPv6') return `${addressText(bytes, start, family)} ${String(port)}`;
  let length = 0;
  for (let i = 0; i < 4; i++) {
    length = writeNumber(bytes[start + i] ?? 0, length);
    scratch[length++] = i < 3 ? dot : space;
  }
  length = writeNumber(port, length);
  return scratch.toString('latin1', 0, length);
}

/** Whether this is the text of an endpoint: 100,000 times at a start, so it is not made. */
export function endpointIs(text: string, bytes: Buffer, family: Family, start: number): boolean {
  if (family === 'IPv6') return endpointText(bytes, family, start) === text;
  let at = start;
  let number = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code !== dot && code !== space) number = number * 10 + code - zero;
    else {
      if (bytes[at++] !== number) return false;
      number = 0;
    }
  }
  return at === start + 4 && (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)) === number;
}

/** A text made of pieces is several strings: 100,000 endpoints are read back at a start. */
const scratch = Buffer.alloc(24);

function writeNumber(value: number, start: number): number {
  let at = start;
  for (let unit = value >= 1e4 ? 1e4 : value >= 1e3 ? 1e3 : value >= 100 ? 100 : value >= 10 ? 10 : 1; unit >= 1;) {
    scratch[at++] = zero + (Math.floor(value / unit) % 10);
    unit = unit === 1 ? 0 : unit / 10;
  }
  return at;
}

/** A number in the machine's order; Buffer's own reader checks more than a table of 100,000 elements needs. */
export function wordAt(bytes: Buffer, at: number): number {
  return (
    ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
  );
}

export function idBytes(id: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(id);
  return bytes;
}

export function pairBytes(address: string): Buffer {
  const ip = addressBytes(address);
  return Buffer.concat([ip, ip]);
}

/** Lower and upper end of a source range under a key. */
export function sourceBytes(key: Buffer, cidr: string): { readonly key: Buffer; readonly keyEnd: Buffer } {
  const { family, base, bits } = mustParseCidr(cidr);
  const last = base | ((1n << BigInt(addressWidth(family) * 8 - bits)) - 1n);
  return {
    key: Buffer.concat([key, valueBytes(family, base)]),
    keyEnd: Buffer.concat([key, valueBytes(family, last)]),
  };
}

function valueBytes(family: Family, value: bigint): Buffer {
  if (family === 'IPv4') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(Number(value));
    return bytes;
  }
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}

/** RFC 5952. */
function shorten(groups: readonly string[]): string {
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (groups[i + run] === '0') run++;
    if (run > length) [start, length] = [i, run];
    i += Math.max(run - 1, 0);
  }
  if (start < 0) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}
