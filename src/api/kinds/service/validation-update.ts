/** What may change in a Service, and what its status may be. Upstream: ValidateServiceUpdate, ValidateLoadBalancerStatus. */
import type { LoadBalancerIngress, Service } from '../../gen/types.ts';
import type { Live } from '../../object.ts';
import type { FieldError } from '../../field-errors.ts';
import { isIp, whyInvalidIp } from '../../../util/ip.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import { validateMetadataUpdate, whyNotDns1123Subdomain } from '../../validation/index.ts';
import { validateClusterIPs, validateClusterIPsUpdate } from './cluster-ips.ts';
import { needsHealthCheck, specOf } from './spec.ts';
import { validateLoadBalancerClass, validateSpec } from './validation.ts';

export function validateServiceUpdate(service: Service, old: Live<Service>): FieldError[] {
  // Upstream allocates before it validates, and stops at addresses and families that are wrong in themselves.
  const loose = validateClusterIPs(service, old);
  if (loose.length > 0) return loose;
  const [now, was] = [specOf(service), specOf(old)];
  const errors = validateMetadataUpdate(service, old);
  errors.push(...validateClusterIPsUpdate(service, old));
  if (now.type === 'LoadBalancer' && was.type === 'LoadBalancer' && now.loadBalancerClass !== was.loadBalancerClass) {
    errors.push(invalidField('spec.loadBalancerClass', now.loadBalancerClass, 'may not change once set'));
  }
  errors.push(...validateLoadBalancerClass(now));
  if (needsHealthCheck(service) && needsHealthCheck(old) && now.healthCheckNodePort !== was.healthCheckNodePort) {
    errors.push(forbiddenField('spec.healthCheckNodePort', 'field is immutable'));
  }
  return [...errors, ...validateSpec(service, old)];
}

export function validateServiceStatus(service: Service, old: Live<Service>): FieldError[] {
  const errors = validateMetadataUpdate(service, old);
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  if (ingress.length > 0 && specOf(service).type !== 'LoadBalancer') {
    const why = "may only be used when `spec.type` is 'LoadBalancer'";
    return [...errors, forbiddenField('status.loadBalancer.ingress', why)];
  }
  const kept = new Set((old.status?.loadBalancer?.ingress ?? []).map((entry) => entry.ip ?? ''));
  return [...errors, ...ingress.flatMap((entry, index) => validateIngress(entry, index, kept))];
}

function validateIngress(ingress: LoadBalancerIngress, index: number, kept: ReadonlySet<string>): FieldError[] {
  const at = `status.loadBalancer.ingress[${index}]`;
  const errors: FieldError[] = [];
  const { ip = '', hostname = '', ipMode } = ingress;
  const why = ip === '' || kept.has(ip) ? undefined : whyInvalidIp(ip);
  if (why !== undefined) errors.push(invalidField(`${at}.ip`, ip, why));
  if (ip !== '' && ipMode === undefined) {
    errors.push(requiredField(`${at}.ipMode`, 'must be specified when `ip` is set'));
  } else if (ip === '' && ipMode !== undefined) {
    errors.push(forbiddenField(`${at}.ipMode`, 'may not be specified when `ip` is not set'));
  } else if (ipMode !== undefined && ipMode !== 'VIP' && ipMode !== 'Proxy') {
    errors.push(notSupportedField(`${at}.ipMode`, ipMode, ['Proxy', 'VIP']));
  }
  if (hostname === '') return errors;
  for (const bad of whyNotDns1123Subdomain(hostname)) errors.push(invalidField(`${at}.hostname`, hostname, bad));
  if (isIp(hostname)) errors.push(invalidField(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'));
  return errors;
}
