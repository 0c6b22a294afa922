/**
 * What a client is warned of: addresses that are accepted though others write them otherwise. Upstream: GetWarningsForIP and
 * GetWarningsForCIDR in apimachinery pkg/util/validation/ip.go.
 */
import { canonicalIp, formatCidr, parseCidr, standardIp } from '../../util/ip.ts';

/** Nothing for what is no address at all: that is validation's, or nobody's. */
export function warningsForIp(text: string, field: string): string[] {
  const standard = standardIp(text);
  if (standard === undefined) return [];
  const canonical = canonicalIp(text);
  if (canonical === undefined) return [`${field}: non-standard IP address "${text}" is invalid: use "${standard}"`];
  if (canonical === text) return [];
  return [`${field}: IPv6 address "${text}" should be in RFC 5952 canonical format ("${canonical}")`];
}

/** Of a range that validation lets pass: its form alone can be meant. */
export function warningsForCidr(text: string, field: string): string[] {
  const cidr = parseCidr(text);
  if (cidr === undefined || formatCidr(cidr) === text) return [];
  return [`${field}: IPv6 CIDR value "${text}" should be in RFC 5952 canonical format ("${formatCidr(cidr)}")`];
}
