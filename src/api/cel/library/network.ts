/** Addresses, ranges and URLs. Upstream: apiserver/pkg/cel/library/ip.go, cidr.go, urls.go. */
import { cidrContains, formatIp, parseIp, specialRange } from '../../../util/ip.ts';
import type { Cidr, Ip } from '../../../util/ip.ts';
import { EvalError } from '../issues.ts';
import type { Declaration } from '../signature.ts';
import type { Value } from '../values.ts';
import { CelMap, Opaque } from '../values.ts';

class IpValue extends Opaque {
  readonly typeName = 'net.IP';
  readonly ip: Ip;
  constructor(ip: Ip) {
    super();
    this.ip = ip;
  }
  /** Bytes. */
  get size(): number {
    return this.ip.family === 'IPv4' ? 4 : 16;
  }
  equals(other: Opaque): boolean {
    return other instanceof IpValue && other.ip.family === this.ip.family && other.ip.value === this.ip.value;
  }
}

/** Keeps the address as it was written, not only the range that it lies in. */
class CidrValue extends Opaque {
  readonly typeName = 'net.CIDR';
  readonly ip: Ip;
  readonly bits: number;
  constructor(ip: Ip, bits: number) {
    super();
    this.ip = ip;
    this.bits = bits;
  }
  get size(): number {
    return Math.ceil(this.bits / 8);
  }
  get range(): Cidr {
    return { family: this.ip.family, base: this.ip.value, bits: this.bits };
  }
  equals(other: Opaque): boolean {
    return (
      other instanceof CidrValue &&
      other.bits === this.bits &&
      other.ip.family === this.ip.family &&
      other.ip.value === this.ip.value
    );
  }
}

function toIp(text: string): IpValue {
  const ip = parseIp(text);
  if (ip !== undefined) return new IpValue(ip);
  if (/^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(text)) {
    throw new EvalError(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
  }
  const quoted = JSON.stringify(text);
  throw new EvalError(
    `IP Address ${quoted} parse error during conversion from string: ParseAddr(${quoted}): unable to parse IP`,
  );
}

function readCidr(text: string): CidrValue | undefined {
  const [address = '', length = ''] = text.split('/');
  const ip = parseIp(address);
  if (ip === undefined || !/^(?:0|[1-9]\d{0,2})$/.test(length) || text.split('/').length !== 2) return undefined;
  const bits = Number(length);
  return bits > (ip.family === 'IPv4' ? 32 : 128) ? undefined : new CidrValue(ip, bits);
}

function toCidr(text: string): CidrValue {
  const found = readCidr(text);
  if (found !== undefined) return found;
  const why = 'network address parse error during conversion from string';
  throw new EvalError(`${why}: ${why}: netip.ParsePrefix(${JSON.stringify(text)}): no '/'`);
}

function masked({ ip, bits }: CidrValue): CidrValue {
  const width = ip.family === 'IPv4' ? 32 : 128;
  const shift = BigInt(width - bits);
  return new CidrValue({ family: ip.family, value: (ip.value >> shift) << shift }, bits);
}

function containsCidr(outer: CidrValue, inner: CidrValue): boolean {
  return inner.bits >= outer.bits && cidrContains(outer.range, inner.ip);
}

const addresses: readonly Declaration[] = [
  { id: 'string_to_ip', of: 'ip(string) net:IP', call: toIp },
  { id: 'is_ip', of: 'isIP(string) bool', call: (text: string) => parseIp(text) !== undefined },
  { id: 'ip_to_string', of: 'string(net:IP) string', call: ({ ip }: IpValue) => formatIp(ip) },
  { id: 'ip_family', of: 'net:IP.family() int', call: ({ ip }: IpValue) => (ip.family === 'IPv4' ? 4n : 6n) },
  {
    id: 'ip_is_canonical',
    of: 'ip:isCanonical(string) bool',
    call: (text: string) => formatIp(toIp(text).ip) === text,
  },
  ...(
    [
      ['ip_is_unspecified', 'isUnspecified', 'unspecified'],
      ['ip_is_loopback', 'isLoopback', 'loopback'],
      ['ip_is_link_local_multicast', 'isLinkLocalMulticast', 'link-local multicast'],
      ['ip_is_link_local_unicast', 'isLinkLocalUnicast', 'link-local'],
    ] as const
  ).map(([id, name, range]) => ({
    id,
    of: `net:IP.${name}() bool`,
    call: ({ ip }: IpValue): Value => specialRange(ip) === range,
  })),
  {
    id: 'ip_is_global_unicast',
    of: 'net:IP.isGlobalUnicast() bool',
    call: ({ ip }: IpValue) => specialRange(ip) === undefined && !(ip.family === 'IPv4' && ip.value === 0xffffffffn),
  },
];

const ranges: readonly Declaration[] = [
  { id: 'string_to_cidr', of: 'cidr(string) net:CIDR', call: toCidr },
  { id: 'is_cidr', of: 'isCIDR(string) bool', call: (text: string) => readCidr(text) !== undefined },
  {
    id: 'cidr_contains_ip_string',
    of: 'net:CIDR.containsIP(string) bool',
    call: (range: CidrValue, text: string) => cidrContains(range.range, toIp(text).ip),
  },
  {
    id: 'cidr_contains_ip_ip',
    of: 'net:CIDR.containsIP(net:IP) bool',
    call: (range: CidrValue, { ip }: IpValue) => cidrContains(range.range, ip),
  },
  {
    id: 'cidr_contains_cidr_string',
    of: 'net:CIDR.containsCIDR(string) bool',
    call: (range: CidrValue, text: string) => containsCidr(range, toCidr(text)),
  },
  { id: 'cidr_contains_cidr', of: 'net:CIDR.containsCIDR(net:CIDR) bool', call: containsCidr },
  { id: 'cidr_ip', of: 'net:CIDR.ip() net:IP', call: ({ ip }: CidrValue) => new IpValue(ip) },
  { id: 'cidr_prefix_length', of: 'net:CIDR.prefixLength() int', call: ({ bits }: CidrValue) => BigInt(bits) },
  { id: 'cidr_masked', of: 'net:CIDR.masked() net:CIDR', call: masked },
  {
    id: 'cidr_to_string',
    of: 'string(net:CIDR) string',
    call: ({ ip, bits }: CidrValue) => `${formatIp(ip)}/${String(bits)}`,
  },
];

class UrlValue extends Opaque {
  readonly typeName = 'kubernetes.URL';
  readonly text: string;
  readonly parts: UrlParts;
  constructor(text: string, parts: UrlParts) {
    super();
    this.text = text;
    this.parts = parts;
  }
  equals(other: Opaque): boolean {
    return other instanceof UrlValue && other.text === this.text;
  }
}

interface UrlParts {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

/** Go's url.ParseRequestURI: an absolute URI or an absolute path. */
function readUrl(text: string): UrlParts | undefined {
  if (/[\x00-\x20\x7f]/.test(text) || /%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const match = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/.exec(text);
  if (match === null) return undefined;
  const [, scheme = '', authority, path = '', query = ''] = match;
  if (scheme === '' && (authority !== undefined || !path.startsWith('/'))) {
    if (!text.startsWith('/')) return undefined;
  }
  const host = (authority ?? '').replace(/^.*@/, '');
  if (!/^(?:\[[0-9a-fA-F:.%a-z]+\]|[^:[\]<>"{}|\\^`]*)(?::\d*)?$/.test(host)) return undefined;
  return { scheme: scheme.toLowerCase(), host, path, query };
}

function toUrl(text: string): UrlValue {
  const parts = readUrl(text);
  if (parts !== undefined) return new UrlValue(text, parts);
  const why = `parse ${JSON.stringify(text)}: invalid URI for request`;
  throw new EvalError(`URL parse error during conversion from string: ${why}`);
}

function queryOf(text: string): CelMap {
  const found = new Map<string, string[]>();
  for (const [key, value] of new URLSearchParams(text)) found.set(key, [...(found.get(key) ?? []), value]);
  return CelMap.of(found);
}

const urls: readonly Declaration[] = [
  { id: 'string_to_url', of: 'url(string) kubernetes:URL', call: toUrl },
  { id: 'is_url_string', of: 'isURL(string) bool', call: (text: string) => readUrl(text) !== undefined },
  { id: 'url_get_scheme', of: 'kubernetes:URL.getScheme() string', call: ({ parts }: UrlValue) => parts.scheme },
  { id: 'url_get_host', of: 'kubernetes:URL.getHost() string', call: ({ parts }: UrlValue) => parts.host },
  {
    id: 'url_get_hostname',
    of: 'kubernetes:URL.getHostname() string',
    call: ({ parts }: UrlValue) => parts.host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'),
  },
  {
    id: 'url_get_port',
    of: 'kubernetes:URL.getPort() string',
    call: ({ parts }: UrlValue) => /:(\d*)$/.exec(parts.host)?.[1] ?? '',
  },
  {
    id: 'url_get_escaped_path',
    of: 'kubernetes:URL.getEscapedPath() string',
    call: ({ parts }: UrlValue) => parts.path,
  },
  {
    id: 'url_get_query',
    of: 'kubernetes:URL.getQuery() map<string, list<string>>',
    call: ({ parts }: UrlValue) => queryOf(parts.query),
  },
];

export const network = (): readonly Declaration[] => [...addresses, ...ranges, ...urls];
