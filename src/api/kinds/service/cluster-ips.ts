/**
 * clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy belong together.
 * Upstream: ValidateServiceClusterIPsRelatedFields, validateUpgradeDowngradeClusterIPs, …IPFamilies.
 */
import type { Service } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { familyOf, whyInvalidIp } from '../../../util/ip.ts';
import { duplicateField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { isHeadless, specOf } from './spec.ts';

const at = 'spec.clusterIPs';
const families = ['IPv4', 'IPv6'];
const familyPolicies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];

export function validateClusterIPs(service: Service, old?: Service): FieldError[] {
  const spec = specOf(service);
  if (spec.type === 'ExternalName') return [];
  const addresses = spec.clusterIPs ?? [];
  const errors = validatePair(spec.clusterIP ?? '', addresses);
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    const field = `spec.ipFamilies[${index}]`;
    if (!families.includes(family)) errors.push(notSupportedField(field, family, families));
    if (spec.ipFamilies?.indexOf(family) !== index) errors.push(duplicateField(field, family));
  }
  if (spec.ipFamilyPolicy !== undefined && !familyPolicies.includes(spec.ipFamilyPolicy)) {
    errors.push(notSupportedField('spec.ipFamilyPolicy', spec.ipFamilyPolicy, familyPolicies));
  }
  const bad = validateAddresses(addresses, specOf(old).clusterIPs ?? []);
  errors.push(...bad);
  if (addresses.length > 2) errors.push(invalidField(at, addresses, 'may only hold up to 2 values'));
  // With a bad address in the list the checks below would only add noise.
  if (bad.length > 0) return errors;
  if (addresses.length > 1 && new Set(addresses.map(familyOf)).size < 2) {
    errors.push(invalidField(at, addresses, 'may specify no more than one IP for each IP family'));
  }
  if (!isHeadless(service)) errors.push(...validateFamilies(addresses, spec.ipFamilies ?? []));
  return errors;
}

/** What may not change unless the type goes from or to ExternalName. */
export function validateClusterIPsUpdate(service: Service, old: Service): FieldError[] {
  if (specOf(service).type === 'ExternalName' || specOf(old).type === 'ExternalName') return [];
  return [...validateAddressUpdate(service, old), ...validateFamilyUpdate(service, old)];
}

function validatePair(one: string, all: readonly string[]): FieldError[] {
  if (one === '') {
    return all.length === 0 ? [] : [invalidField(at, all, 'must be empty when `clusterIP` is not specified')];
  }
  if (all.length === 0) return [requiredField(at)];
  return all[0] === one ? [] : [invalidField(at, all, 'first value must match `clusterIP`')];
}

function validateAddresses(addresses: readonly string[], kept: readonly string[]): FieldError[] {
  return addresses.flatMap((address, index) => {
    if (index === 0 && address === 'None') {
      return addresses.length > 1 ? [invalidField(at, addresses, "'None' must be the first and only value")] : [];
    }
    const why = kept.includes(address) ? undefined : whyInvalidIp(address);
    return why === undefined ? [] : [invalidField(`${at}[${index}]`, address, why)];
  });
}

function validateFamilies(addresses: readonly string[], wanted: readonly string[]): FieldError[] {
  return addresses.flatMap((address, index) => {
    const family = wanted[index];
    if (family === undefined || !families.includes(family) || familyOf(address) === family) return [];
    const why = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``;
    return [invalidField(`${at}[${index}]`, address, why)];
  });
}

function validateAddressUpdate(service: Service, old: Service): FieldError[] {
  if (isHeadless(service) && isHeadless(old)) return [];
  const now = specOf(service).clusterIPs ?? [];
  const was = specOf(old).clusterIPs ?? [];
  const errors: FieldError[] = [];
  const change = (index: number): void => {
    errors.push(invalidField(`${at}[${index}]`, now, 'may not change once set'));
  };
  if (was.length === now.length) {
    for (const [index, address] of was.entries()) if (now[index] !== address) change(index);
    return errors;
  }
  if (was.length > now.length && now.length === 0) {
    errors.push(invalidField(`${at}[0]`, now, 'primary clusterIP can not be unset'));
  }
  if (was.length > 0 && now.length > 0 && now[0] !== was[0]) change(0);
  if (was.length > now.length && now.length === 1) errors.push(...releasesSecond(service, 'clusterIP'));
  return errors;
}

function validateFamilyUpdate(service: Service, old: Service): FieldError[] {
  if (isHeadless(service) || isHeadless(old)) return [];
  const now = specOf(service).ipFamilies ?? [];
  const was = specOf(old).ipFamilies ?? [];
  const errors: FieldError[] = [];
  // Left out: allocation takes the old ones over.
  if (now.length === 0) return errors;
  const changed =
    was.length === now.length
      ? was.some((family, index) => family !== now[index])
      : was.length > 0 && was[0] !== now[0];
  if (changed) errors.push(invalidField('spec.ipFamilies[0]', now, 'may not change once set'));
  if (was.length > now.length && now.length === 1) errors.push(...releasesSecond(service, 'ipFamily'));
  return errors;
}

function releasesSecond(service: Service, what: string): FieldError[] {
  const policy = specOf(service).ipFamilyPolicy;
  if (policy === 'SingleStack') return [];
  const why = `must be set to 'SingleStack' when releasing the secondary ${what}`;
  return [invalidField('spec.ipFamilyPolicy', policy, why)];
}
