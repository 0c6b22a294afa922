/** Small questions about a Service that defaults, validation and allocation share. Upstream: pkg/api/service/util.go. */
import type { Service, ServicePort, ServiceSpec } from '../../gen/types.ts';

export type ServiceLike = Pick<Service, 'spec'>;

const nothing: ServiceSpec = Object.freeze({});

export function specOf(service: ServiceLike | undefined): ServiceSpec {
  return service?.spec ?? nothing;
}

export function portsOf(service: ServiceLike | undefined): readonly ServicePort[] {
  return service?.spec?.ports ?? [];
}

export function isHeadless(service: ServiceLike): boolean {
  const addresses = specOf(service).clusterIPs ?? [];
  return addresses.length === 1 && addresses[0] === 'None';
}

export function needsClusterIP(service: ServiceLike): boolean {
  return specOf(service).type !== 'ExternalName';
}

export function needsNodePort(service: ServiceLike): boolean {
  const { type } = specOf(service);
  return type === 'NodePort' || type === 'LoadBalancer';
}

export function needsHealthCheck(service: ServiceLike): boolean {
  const spec = specOf(service);
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

/** Traffic from outside may come in: externalTrafficPolicy means something. */
export function isExternallyAccessible(service: ServiceLike): boolean {
  const spec = specOf(service);
  return needsNodePort(service) || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
}

export function sameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  const left = a ?? [];
  const right = b ?? [];
  return left.length === right.length && left.every((item, index) => item === right[index]);
}
