/**
 * Works out ipFamilyPolicy and ipFamilies for what this cluster has, before addresses are allocated.
 * Upstream: pkg/registry/core/service/storage/alloc.go initIPFamilyFields.
 *
 *   policy: asked for > the old one > (headless without selector: RequireDualStack) > SingleStack
 *   families: asked for > those of the clusterIPs > the primary of the cluster, and the other one unless SingleStack
 */
import type { Service } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import type { Family } from '../../../util/ip.ts';
import { familyOf } from '../../../util/ip.ts';
import { invalidField } from '../../field-errors.ts';
import { validateClusterIPs } from './cluster-ips.ts';
import { isHeadless, sameList, specOf } from './spec.ts';

const policyField = 'spec.ipFamilyPolicy';

/** Changes `service`. The errors say why it can't be. `configured`: the cluster's families, primary first. */
export function initIpFamilies(
  service: Service,
  old: Service | undefined,
  configured: readonly Family[],
): readonly FieldError[] {
  const spec = (service.spec ??= {});
  if (spec.type === 'ExternalName' || isUnchangedPreferDualStack(service, old)) return [];
  spec.ipFamilyPolicy ??= defaultPolicy(service, old);
  const loose = validateClusterIPs(service, old);
  if (loose.length > 0) return loose;
  const errors = [...checkReduction(service, old), ...checkSingleStack(service), ...inferFamilies(service, configured)];
  if (errors.length > 0) return errors;
  if (isHeadless(service) && Object.keys(spec.selector ?? {}).length === 0) {
    // Endpoints of such a service are made by hand, so any family may come, whatever the cluster has.
    completeFamilies(service, configured, true);
    return [];
  }
  errors.push(...checkConfigured(service, configured));
  if (errors.length === 0) completeFamilies(service, configured, configured.length === 2);
  return errors;
}

/** A cluster that became dual-stack does not add addresses to Services behind people's back. */
export function isUnchangedPreferDualStack(service: Service, old: Service | undefined): boolean {
  if (old === undefined) return false;
  const [now, was] = [specOf(service), specOf(old)];
  return (
    now.type === was.type &&
    now.ipFamilyPolicy === 'PreferDualStack' &&
    (was.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
    sameList(now.clusterIPs, was.clusterIPs) &&
    sameList(now.ipFamilies, was.ipFamilies)
  );
}

function defaultPolicy(service: Service, old: Service | undefined): string {
  const before = specOf(old).ipFamilyPolicy;
  if (before !== undefined) return before;
  const spec = specOf(service);
  const free = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  return free ? 'RequireDualStack' : 'SingleStack';
}

/** SingleStack gives the second address and family back; any other policy may not lose them. */
function checkReduction(service: Service, old: Service | undefined): FieldError[] {
  if (old === undefined) return [];
  const [now, was] = [specOf(service), specOf(old)];
  if (now.ipFamilyPolicy === 'SingleStack') {
    if (sameList(now.clusterIPs, was.clusterIPs) && now.clusterIPs !== undefined)
      now.clusterIPs = now.clusterIPs.slice(0, 1);
    if (sameList(now.ipFamilies, was.ipFamilies) && now.ipFamilies !== undefined)
      now.ipFamilies = now.ipFamilies.slice(0, 1);
    return [];
  }
  const errors: FieldError[] = [];
  const lost = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
    (a ?? []).length > 0 && (a ?? []).length < (b ?? []).length;
  if (lost(now.clusterIPs, was.clusterIPs)) {
    errors.push(
      invalidField(policyField, now.ipFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP"),
    );
  }
  if (lost(now.ipFamilies, was.ipFamilies)) {
    errors.push(
      invalidField(policyField, now.ipFamilyPolicy, "must be 'SingleStack' to release the secondary IP family"),
    );
  }
  return errors;
}

function checkSingleStack(service: Service): FieldError[] {
  const spec = specOf(service);
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const why = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
  const errors: FieldError[] = [];
  if (spec.clusterIPs?.length === 2) {
    errors.push(invalidField(policyField, spec.ipFamilyPolicy, `${why} cluster IPs are specified`));
  }
  if (spec.ipFamilies?.length === 2) {
    errors.push(invalidField(policyField, spec.ipFamilyPolicy, `${why} IP families are specified`));
  }
  return errors;
}

function inferFamilies(service: Service, configured: readonly Family[]): FieldError[] {
  const spec = specOf(service);
  const errors: FieldError[] = [];
  for (const [index, address] of (spec.clusterIPs ?? []).entries()) {
    const family = address === 'None' ? undefined : familyOf(address);
    if (family === undefined) break;
    const known = (spec.ipFamilies ??= []);
    if (index < known.length) continue;
    if (configured.includes(family)) known.push(family);
    else {
      const why = `${family} is not configured on this cluster`;
      errors.push(invalidField(`spec.clusterIPs[${index}]`, spec.clusterIPs, why));
    }
  }
  return errors;
}

function checkConfigured(service: Service, configured: readonly Family[]): FieldError[] {
  const spec = specOf(service);
  const errors: FieldError[] = [];
  if (spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
    const why = 'this cluster is not configured for dual-stack services';
    errors.push(invalidField(policyField, spec.ipFamilyPolicy, why));
  }
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    if (!configured.includes(family as Family)) {
      errors.push(invalidField(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'));
    }
  }
  return errors;
}

function completeFamilies(service: Service, configured: readonly Family[], both: boolean): void {
  const spec = specOf(service);
  if ((spec.ipFamilies ?? []).length === 0) spec.ipFamilies = [configured[0] ?? 'IPv4'];
  if (both && spec.ipFamilyPolicy !== 'SingleStack' && spec.ipFamilies?.length === 1) {
    spec.ipFamilies.push(spec.ipFamilies[0] === 'IPv4' ? 'IPv6' : 'IPv4');
  }
}
