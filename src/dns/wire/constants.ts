/** Numbers of the DNS protocol (IANA "Domain Name System Parameters") that this server has an opinion on. */

export const rrType = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  RRSIG: 46,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export const rrClass = { IN: 1, CH: 3, ANY: 255 } as const;

export const rcode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Extended: the upper bits travel in the OPT record. */
  BADVERS: 16,
} as const;

export const flag = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100, RA: 0x0080, AD: 0x0020, CD: 0x0010 } as const;

/** EDNS version 0 with the DO bit: the low half of the OPT record's TTL field (RFC 6891 6.1.3). */
export const ednsDo = 0x8000;

/** What fits every path unfragmented (DNS flag day 2020); larger answers go over TCP. */
export const ednsSize = 1232;

/** Without EDNS a UDP message has at most this size (RFC 1035 4.2.1). */
export const plainSize = 512;

export const headerSize = 12;

const typeNames = new Map<number, string>(Object.entries(rrType).map(([name, value]) => [value, name]));
const rcodeNames = new Map<number, string>(Object.entries(rcode).map(([name, value]) => [value, name]));

/** As CoreDNS labels its metrics: unknown types are `other`. */
export function typeName(type: number): string {
  return typeNames.get(type) ?? 'other';
}

export function rcodeName(code: number): string {
  return rcodeNames.get(code) ?? String(code);
}
