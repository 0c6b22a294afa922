/** Addresses that mean "this node" or a neighbour of it. Upstream: ValidateNonSpecialIP. */
import type { FieldError } from '../field-errors.ts';
import { parseIp, specialRange, standardIp } from '../../util/ip.ts';
import { invalidField } from '../field-errors.ts';

/** For Endpoints, EndpointSlices and external IPs: addresses that mean "this node" or a neighbour. */
export function validateNonSpecialIp(text: string, field: string): FieldError[] {
  const ip = parseIp(standardIp(text) ?? '');
  if (ip === undefined) return [invalidField(field, text, 'must be a valid IP address')];
  switch (specialRange(ip)) {
    case 'unspecified':
      return [invalidField(field, text, `may not be unspecified (${text})`)];
    case 'loopback':
      return [invalidField(field, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')];
    case 'link-local':
      return [invalidField(field, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')];
    case 'link-local multicast':
      return [invalidField(field, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')];
    case 'multicast':
    case undefined:
      return [];
  }
}
