/** What is accepted and does not do what it says, or will not for long. Upstream: pkg/api/service/warnings.go. */
import type { Service, ServiceSpec } from '../../gen/types.ts';
import { warningsForCidr, warningsForIp } from '../../validation/index.ts';
import { isHeadless, specOf } from './spec.ts';

const oldHints = 'service.kubernetes.io/topology-aware-hints';
const topologyMode = 'service.kubernetes.io/topology-mode';

export function serviceWarnings(service: Service): string[] {
  const spec = specOf(service);
  const headless = isHeadless(service);
  const { externalIPs = [], trafficDistribution } = spec;
  const warnings: string[] = [];
  if (service.metadata?.annotations?.[oldHints] !== undefined) {
    warnings.push(`annotation ${oldHints} is deprecated, please use ${topologyMode} instead`);
  }
  if (spec.clusterIP !== 'None') warnings.push(...ofAddresses(spec.clusterIPs, 'clusterIPs'));
  if (headless) warnings.push(...ofHeadless(spec));
  warnings.push(...ofAddresses(externalIPs, 'externalIPs'));
  if (externalIPs.length > 0 && !headless && spec.type !== 'ExternalName') {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  }
  if (spec.loadBalancerIP !== undefined) warnings.push(...warningsForIp(spec.loadBalancerIP, 'spec.loadBalancerIP'));
  for (const [index, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    warnings.push(...warningsForCidr(range, `spec.loadBalancerSourceRanges[${index}]`));
  }
  warnings.push(...ofExternalName(spec));
  if (trafficDistribution === 'PreferClose') {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return warnings;
}

function ofAddresses(addresses: readonly string[] = [], field: string): string[] {
  return addresses.flatMap((address, index) => warningsForIp(address, `spec.${field}[${index}]`));
}

function ofHeadless({ loadBalancerIP, externalIPs = [], sessionAffinity }: ServiceSpec): string[] {
  return [
    ...(loadBalancerIP === undefined ? [] : ['spec.loadBalancerIP is ignored for headless services']),
    ...(externalIPs.length === 0 ? [] : ['spec.externalIPs is ignored for headless services']),
    ...(sessionAffinity === 'None' ? [] : ['spec.SessionAffinity is ignored for headless services']),
  ];
}

function ofExternalName({ type, externalIPs = [], externalName = '' }: ServiceSpec): string[] {
  if (type === 'ExternalName') {
    return externalIPs.length === 0 ? [] : ['spec.externalIPs is ignored when spec.type is "ExternalName"'];
  }
  return externalName === '' ? [] : ['spec.externalName is ignored when spec.type is not "ExternalName"'];
}
