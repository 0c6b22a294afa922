/** networking.k8s.io/v1 ServiceCIDR: a range that cluster IPs are taken from. Upstream: ValidateServiceCIDR, KEP-1880. */
import type { ServiceCIDR } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { KindDefinition, WriteView } from '../kind.ts';
import type { Live } from '../object.ts';
import { formatCidr, parseCidr, whyInvalidCidr } from '../../util/ip.ts';
import { invalidField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { keepsStatus, statusOnly } from './lifecycle.ts';

const at = 'spec.cidrs';
const immutable = 'field is immutable';

export type OnServiceCidrWrite = (
  view: WriteView,
  cidr: ServiceCIDR | undefined,
  old: Live<ServiceCIDR> | undefined,
) => void;

export function serviceCidrKind(onWrite: OnServiceCidrWrite | undefined): KindDefinition {
  return defineKind<ServiceCIDR>({
    resource: resources.serviceCIDRs,
    ...keepsStatus<ServiceCIDR>(),
    validate: (cidr) => [...validateMetadata(cidr, false, dns1123SubdomainName), ...validateRanges(cidr)],
    validateUpdate: (cidr, old) => [...validateMetadataUpdate(cidr, old), ...validateRangesUpdate(cidr, old)],
    status: statusOnly<ServiceCIDR>(),
    columns: [
      nameColumn(),
      column(
        'CIDRs',
        'CIDRs defines the IP blocks in CIDR notation from which to assign service cluster IPs.',
        (cidr) => (cidr.spec?.cidrs ?? []).join(','),
      ),
      ageColumn(),
    ],
    ...(onWrite === undefined ? {} : { onWrite }),
    unconditionalUpdate: true,
  });
}

function validateRanges({ spec }: ServiceCIDR): FieldError[] {
  const ranges = spec?.cidrs ?? [];
  if (ranges.length === 0) return [requiredField(at, 'at least one CIDR required')];
  if (ranges.length > 2) return [invalidField(at, spec, 'may only hold up to 2 values')];
  const errors = ranges.flatMap((range, index) => validateRange(range, `${at}[${index}]`));
  const [first, second] = ranges.map((range) => parseCidr(range)?.family);
  if (ranges.length === 2 && first !== undefined && first === second) {
    const why = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
    errors.push(invalidField(at, ranges, why));
  }
  return errors;
}

/** Upstream: IsValidCIDR, which wants the canonical form too. */
function validateRange(range: string, field: string): FieldError[] {
  const why = whyInvalidCidr(range);
  if (why !== undefined) return [invalidField(field, range, why)];
  const parsed = parseCidr(range);
  const canonical = parsed === undefined ? range : formatCidr(parsed);
  return canonical === range ? [] : [invalidField(field, range, `must be in canonical form ("${canonical}")`)];
}

/** A second family may be added, nothing else changes. */
function validateRangesUpdate(cidr: ServiceCIDR, old: Live<ServiceCIDR>): FieldError[] {
  const [now, was] = [cidr.spec?.cidrs ?? [], old.spec?.cidrs ?? []];
  if (now.length === was.length) {
    return was.flatMap((range, index) =>
      range === now[index] ? [] : [invalidField(`${at}[${index}]`, now[index], immutable)],
    );
  }
  if (was.length !== 1 || now.length !== 2) return [invalidField(at, now, immutable)];
  const first = now[0] === was[0] ? [] : [invalidField(`${at}[0]`, now[0], immutable)];
  return [...first, ...validateRanges(cidr)];
}
