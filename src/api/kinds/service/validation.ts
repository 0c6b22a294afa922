/**
 * Validation of Service, before addresses and ports are allocated (so what allocation fills in may still be missing).
 * Upstream: pkg/apis/core/validation/validation.go ValidateService.
 */
import type { Service, ServicePort, ServiceSpec } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { whyInvalidCidr, whyInvalidIp } from '../../../util/ip.ts';
import { duplicateField, forbiddenField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import {
  validateEnum,
  validateLabels,
  validateMetadata,
  validateNonSpecialIp,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
  whyNotPort,
  whyNotPortName,
  whyNotQualifiedName,
} from '../../validation/index.ts';
import { validateClusterIPs } from './cluster-ips.ts';
import { isExternallyAccessible, isHeadless, needsHealthCheck, portsOf, specOf } from './spec.ts';

const protocols = ['SCTP', 'TCP', 'UDP'];
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const policies = ['Cluster', 'Local'];
const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const onlyBalanced = "may only be used when `type` is 'LoadBalancer'";
const mostAffinitySeconds = 86400;

export function validateService(service: Service): FieldError[] {
  // RelaxedServiceNameValidation (KEP-5311): an RFC 1123 label, which may start with a digit.
  return [...validateMetadata(service, true, whyNotDns1123Label), ...validateSpec(service)];
}

export function validateSpec(service: Service, old?: Service): FieldError[] {
  const spec = specOf(service);
  return [
    ...validateType(service),
    ...portsOf(service).flatMap((port, index) => validatePort(port, index, portsOf(service))),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...validateAffinity(spec),
    ...validateClusterIPs(service, old),
    ...validateExternalIPs(spec, old),
    ...validateEnum(spec.type, 'spec.type', types),
    ...validateNodePorts(service),
    ...validateDuplicatePorts(portsOf(service)),
    ...validateLoadBalancer(service, old),
    ...validateTrafficPolicies(service),
  ];
}

function validateType(service: Service): FieldError[] {
  const spec = specOf(service);
  const errors: FieldError[] = [];
  if (portsOf(service).length === 0 && !isHeadless(service) && spec.type !== 'ExternalName') {
    errors.push(requiredField('spec.ports'));
  }
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(service)) {
    errors.push(invalidField('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.type === 'ExternalName') errors.push(...validateExternalName(spec));
  return errors;
}

function validateExternalName(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const why = 'may not be set for ExternalName services';
  if ((spec.clusterIPs ?? []).length > 0) errors.push(forbiddenField('spec.clusterIPs', why));
  if ((spec.ipFamilies ?? []).length > 0) errors.push(forbiddenField('spec.ipFamilies', why));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbiddenField('spec.ipFamilyPolicy', why));
  // A final dot says that the name is complete.
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.push(requiredField('spec.externalName'));
  else for (const bad of whyNotDns1123Subdomain(name)) errors.push(invalidField('spec.externalName', name, bad));
  return errors;
}

function validatePort(port: ServicePort, index: number, all: readonly ServicePort[]): FieldError[] {
  const at = `spec.ports[${index}]`;
  const errors: FieldError[] = [];
  const name = port.name ?? '';
  if (name === '') {
    if (all.length > 1) errors.push(requiredField(`${at}.name`));
  } else {
    for (const why of whyNotDns1123Label(name)) errors.push(invalidField(`${at}.name`, name, why));
    if (all.slice(0, index).some((other) => other.name === name)) errors.push(duplicateField(`${at}.name`, name));
  }
  for (const why of whyNotPort(port.port ?? 0)) errors.push(invalidField(`${at}.port`, port.port ?? 0, why));
  errors.push(...validateEnum(port.protocol, `${at}.protocol`, protocols));
  const target = port.targetPort ?? 0;
  const bad = typeof target === 'number' ? whyNotPort(target) : whyNotPortName(target);
  for (const why of bad) errors.push(invalidField(`${at}.targetPort`, target, why));
  if (port.appProtocol !== undefined) {
    for (const why of whyNotQualifiedName(port.appProtocol)) {
      errors.push(invalidField(`${at}.appProtocol`, port.appProtocol, why));
    }
  }
  return errors;
}

function validateAffinity(spec: ServiceSpec): FieldError[] {
  const errors = validateEnum(spec.sessionAffinity, 'spec.sessionAffinity', ['ClientIP', 'None']);
  const at = 'spec.sessionAffinityConfig';
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig !== undefined) {
    errors.push(forbiddenField(at, 'must not be set when session affinity is None'));
  }
  if (spec.sessionAffinity === 'ClientIP') {
    const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
    if (seconds === undefined) {
      errors.push(requiredField(at, 'when session affinity type is ClientIP'));
    } else if (seconds <= 0 || seconds > mostAffinitySeconds) {
      const why = `must be greater than 0 and less than ${mostAffinitySeconds}`;
      errors.push(invalidField(`${at}.clientIP.timeoutSeconds`, seconds, why));
    }
  }
  return errors;
}

function validateExternalIPs(spec: ServiceSpec, old: Service | undefined): FieldError[] {
  const kept = new Set(specOf(old).externalIPs ?? []);
  return (spec.externalIPs ?? []).flatMap((text, index) => {
    const at = `spec.externalIPs[${index}]`;
    const why = kept.has(text) ? undefined : whyInvalidIp(text);
    return why === undefined ? validateNonSpecialIp(text, at) : [invalidField(at, text, why)];
  });
}

function validateNodePorts(service: Service): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, port] of portsOf(service).entries()) {
    const { nodePort = 0 } = port;
    if (nodePort === 0) continue;
    const at = `spec.ports[${index}].nodePort`;
    if (specOf(service).type === 'ClusterIP') {
      errors.push(forbiddenField(at, "may not be used when `type` is 'ClusterIP'"));
    }
    const key = `${port.protocol}/${nodePort}`;
    // Upstream allocates before it validates, and says this of the second.
    if (seen.has(key)) errors.push(invalidField(at, nodePort, 'provided port is already allocated'));
    seen.add(key);
  }
  return errors;
}

function validateDuplicatePorts(ports: readonly ServicePort[]): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { protocol, port }] of ports.entries()) {
    const key = `${protocol}/${port}`;
    // Upstream prints its internal struct, with nothing else of it set.
    const struct = { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
    if (seen.has(key)) errors.push(duplicateField(`spec.ports[${index}]`, struct));
    seen.add(key);
  }
  return errors;
}

function validateLoadBalancer(service: Service, old: Service | undefined): FieldError[] {
  const spec = specOf(service);
  const errors: FieldError[] = [];
  const balanced = spec.type === 'LoadBalancer';
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const annotation = service.metadata?.annotations?.[sourceRangesAnnotation];
  if (ranges.length > 0) {
    // The field's odd spelling in errors is upstream's.
    const at = 'spec.LoadBalancerSourceRanges';
    if (!balanced) errors.push(forbiddenField(at, onlyBalanced));
    const kept = new Set((specOf(old).loadBalancerSourceRanges ?? []).map((range) => range.trim()));
    for (const [index, range] of ranges.entries()) {
      const why = kept.has(range.trim()) ? undefined : whyInvalidCidr(range.trim());
      if (why !== undefined) errors.push(invalidField(`${at}[${index}]`, range.trim(), why));
    }
  } else if (annotation !== undefined) {
    const at = `metadata.annotations[${sourceRangesAnnotation}]`;
    if (!balanced) errors.push(forbiddenField(at, onlyBalanced));
    for (const range of annotation.trim() === '' ? [] : annotation.trim().split(',')) {
      const why = whyInvalidCidr(range.trim());
      if (why !== undefined) errors.push(invalidField(at, range.trim(), why));
    }
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && !balanced) {
    errors.push(forbiddenField('spec.allocateLoadBalancerNodePorts', onlyBalanced));
  }
  return [...errors, ...validateLoadBalancerClass(spec)];
}

export function validateLoadBalancerClass({ type, loadBalancerClass }: ServiceSpec): FieldError[] {
  const at = 'spec.loadBalancerClass';
  if (loadBalancerClass === undefined) return [];
  if (type !== 'LoadBalancer') return [forbiddenField(at, onlyBalanced)];
  return whyNotQualifiedName(loadBalancerClass).map((why) => invalidField(at, loadBalancerClass, why));
}

function validateTrafficPolicies(service: Service): FieldError[] {
  const spec = specOf(service);
  const errors: FieldError[] = [];
  if (isExternallyAccessible(service)) {
    errors.push(...validateEnum(spec.externalTrafficPolicy, 'spec.externalTrafficPolicy', policies));
  } else if (spec.externalTrafficPolicy !== undefined) {
    const why = 'may only be set for externally-accessible services';
    errors.push(invalidField('spec.externalTrafficPolicy', spec.externalTrafficPolicy, why));
  }
  const health = spec.healthCheckNodePort ?? 0;
  if (health !== 0) {
    const at = 'spec.healthCheckNodePort';
    if (!needsHealthCheck(service)) {
      const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
      errors.push(invalidField(at, health, why));
    } else for (const why of whyNotPort(health)) errors.push(invalidField(at, health, why));
  }
  if (spec.internalTrafficPolicy !== undefined && !policies.includes(spec.internalTrafficPolicy)) {
    errors.push(notSupportedField('spec.internalTrafficPolicy', spec.internalTrafficPolicy, policies));
  }
  if (spec.trafficDistribution !== undefined && !distributions.includes(spec.trafficDistribution)) {
    errors.push(notSupportedField('spec.trafficDistribution', spec.trafficDistribution, distributions));
  }
  return errors;
}
