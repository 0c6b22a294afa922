/** Defaults of Service. Upstream: pkg/apis/core/v1/defaults.go SetDefaults_Service. */
import type { Service, ServiceSpec } from '../../gen/types.ts';
import { isExternallyAccessible } from './spec.ts';

const affinitySeconds = 10800;

export function setServiceDefaults(service: Service): void {
  const spec = (service.spec ??= {});
  spec.type ??= 'ClusterIP';
  setAffinityDefaults(spec);
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  if (isExternallyAccessible(service)) spec.externalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'ClusterIP' || spec.type === 'NodePort' || spec.type === 'LoadBalancer') {
    spec.internalTrafficPolicy ??= 'Cluster';
  }
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of service.status?.loadBalancer?.ingress ?? []) {
      if ((ingress.ip ?? '') !== '') ingress.ipMode ??= 'VIP';
    }
  }
}

function setAffinityDefaults(spec: ServiceSpec): void {
  spec.sessionAffinity ??= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    const config = (spec.sessionAffinityConfig ??= {});
    config.clientIP ??= {};
    config.clientIP.timeoutSeconds ??= affinitySeconds;
  }
}
