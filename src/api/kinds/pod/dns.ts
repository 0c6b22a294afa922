/** Validation of how a pod finds names. Upstream: validateDNSPolicy, validatePodDNSConfig, ValidateHostAliases. */
import type { PodDNSConfig, PodSpec } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { whyInvalidIp } from '../../../util/ip.ts';
import { invalidField, requiredField } from '../../field-errors.ts';
import { validateEnum, whyNotDns1123Subdomain, whyNotSearchDomain } from '../../validation/index.ts';

const policies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const mostNameservers = 3;
const mostSearches = 32;
const mostSearchLetters = 2048;

export function validateDns({ dnsPolicy, dnsConfig }: PodSpec, at: string): FieldError[] {
  const errors = validateEnum(dnsPolicy, `${at}.dnsPolicy`, policies);
  const field = `${at}.dnsConfig`;
  if (dnsPolicy === 'None' && dnsConfig === undefined) {
    return [...errors, requiredField(field, 'must provide `dnsConfig` when `dnsPolicy` is None')];
  }
  if (dnsPolicy === 'None' && (dnsConfig?.nameservers ?? []).length === 0) {
    const why = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
    return [...errors, requiredField(`${field}.nameservers`, why)];
  }
  return dnsConfig === undefined ? errors : [...errors, ...validateConfig(dnsConfig, field)];
}

function validateConfig({ nameservers = [], searches = [], options = [] }: PodDNSConfig, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (nameservers.length > mostNameservers) {
    const why = `must not have more than ${mostNameservers} nameservers`;
    errors.push(invalidField(`${at}.nameservers`, nameservers, why));
  }
  for (const [index, server] of nameservers.entries()) {
    const why = whyInvalidIp(server);
    if (why !== undefined) errors.push(invalidField(`${at}.nameservers[${index}]`, server, why));
  }
  if (searches.length > mostSearches) {
    errors.push(invalidField(`${at}.searches`, searches, `must not have more than ${mostSearches} search paths`));
  }
  if (Buffer.byteLength(searches.join(' ')) > mostSearchLetters) {
    const why = `must not have more than ${mostSearchLetters} characters (including spaces) in the search list`;
    errors.push(invalidField(`${at}.searches`, searches, why));
  }
  for (const [index, search] of searches.entries()) {
    const name = search.replace(/\.$/, '');
    if (search === '.') continue;
    for (const why of whyNotSearchDomain(name)) errors.push(invalidField(`${at}.searches[${index}]`, name, why));
  }
  for (const [index, { name = '' }] of options.entries()) {
    if (name === '') errors.push(requiredField(`${at}.options[${index}]`, 'must not be empty'));
  }
  return errors;
}

export function validateHostAliases({ hostAliases = [] }: PodSpec, field: string): FieldError[] {
  return hostAliases.flatMap(({ ip = '', hostnames = [] }: Partial<(typeof hostAliases)[number]>, index) => {
    const why = whyInvalidIp(ip);
    return [
      ...(why === undefined ? [] : [invalidField(`${field}[${index}].ip`, ip, why)]),
      ...hostnames.flatMap((name, position) =>
        whyNotDns1123Subdomain(name).map((bad) => invalidField(`${field}[${index}].hostnames[${position}]`, name, bad)),
      ),
    ];
  });
}
