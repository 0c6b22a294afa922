/**
 * A Service is a union whose discriminator is `type`, and clients send back fields that were allocated for another
 * type. This works out what they meant.
 *
 *   create: clusterIP → clusterIPs
 *   update: take over allocated values that were left out → sync clusterIP and clusterIPs → drop what the new type has no use for
 *
 * Upstream: pkg/registry/core/service/strategy.go dropTypeDependentFields, storage/storage.go patchAllocatedValues and
 * normalizeClusterIPs. A field is dropped only if the client did not try to change it: else validation must say so.
 */
import type { Service, ServiceSpec } from '../../gen/types.ts';
import type { Live } from '../../object.ts';
import {
  isExternallyAccessible,
  needsClusterIP,
  needsHealthCheck,
  needsNodePort,
  portsOf,
  sameList,
  specOf,
} from './spec.ts';
import { clone } from '../../clone.ts';

export function prepareServiceCreate(service: Service): void {
  service.status = { loadBalancer: {} };
  const spec = (service.spec ??= {});
  // A client that does not know the plural field.
  if ((spec.clusterIP ?? '') !== '' && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP ?? ''];
}

export function prepareServiceUpdate(service: Service, old: Live<Service>): void {
  const spec = (service.spec ??= {});
  const before = specOf(old);
  service.status = clone(old.status ?? { loadBalancer: {} });
  keepAllocated(service, old);
  syncClusterIPs(spec, before);
  dropAddresses(service, old);
  dropPorts(service, old);
  dropLoadBalancerFields(service, old);
}

/** /status: everything but the status stays. */
export function prepareServiceStatus(service: Service, old: Live<Service>): void {
  service.spec = clone(old.spec ?? {});
  service.status ??= { loadBalancer: {} };
  service.status.loadBalancer ??= {};
}

/** A PUT without the allocated values keeps them (upstream's idempotence). */
function keepAllocated(service: Service, old: Live<Service>): void {
  const spec = specOf(service);
  const before = specOf(old);
  if (needsClusterIP(old) && needsClusterIP(service)) {
    if ((spec.clusterIP ?? '') === '' && before.clusterIP !== undefined) spec.clusterIP = before.clusterIP;
    if (
      (spec.clusterIPs ?? []).length === 0 &&
      spec.clusterIP === before.clusterIP &&
      before.clusterIPs !== undefined
    ) {
      spec.clusterIPs = [...before.clusterIPs];
    }
  }
  if (needsNodePort(old) && needsNodePort(service)) {
    const asked = new Set(portsOf(service).map((port) => port.nodePort ?? 0));
    const used = new Set(portsOf(old).flatMap((port) => (asked.has(port.nodePort ?? 0) ? [port.nodePort ?? 0] : [])));
    const byName = new Map(portsOf(old).map((port) => [port.name ?? '', port.nodePort ?? 0]));
    for (const port of portsOf(service)) {
      const known = byName.get(port.name ?? '') ?? 0;
      if ((port.nodePort ?? 0) === 0 && known !== 0 && !used.has(known)) port.nodePort = known;
    }
  }
  if (needsHealthCheck(old) && needsHealthCheck(service) && (spec.healthCheckNodePort ?? 0) === 0) {
    if (before.healthCheckNodePort !== undefined) spec.healthCheckNodePort = before.healthCheckNodePort;
  }
}

/** Only one of the two was changed: the other follows. */
function syncClusterIPs(spec: ServiceSpec, before: ServiceSpec): void {
  const now = spec.clusterIP ?? '';
  const was = before.clusterIP ?? '';
  if (now === was) return;
  if (!sameList(spec.clusterIPs, before.clusterIPs)) {
    if (now !== '' && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [now];
    return;
  }
  if (now === '') delete spec.clusterIPs;
  else spec.clusterIPs = [now, ...(spec.clusterIPs ?? []).slice(1)];
}

function dropAddresses(service: Service, old: Live<Service>): void {
  if (!needsClusterIP(old) || needsClusterIP(service)) return;
  const spec = specOf(service);
  const before = specOf(old);
  if ((spec.clusterIP ?? '') === (before.clusterIP ?? '') && sameList(spec.clusterIPs, before.clusterIPs)) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
  }
  if (sameList(spec.ipFamilies, before.ipFamilies)) delete spec.ipFamilies;
  if ((spec.ipFamilyPolicy ?? '') === (before.ipFamilyPolicy ?? '')) delete spec.ipFamilyPolicy;
}

function dropPorts(service: Service, old: Live<Service>): void {
  const spec = specOf(service);
  if (needsNodePort(old) && !needsNodePort(service)) {
    const known = new Set(portsOf(old).map((port) => port.nodePort));
    const asked = portsOf(service).filter((port) => (port.nodePort ?? 0) !== 0);
    if (asked.every((port) => known.has(port.nodePort))) for (const port of asked) delete port.nodePort;
  }
  if (needsHealthCheck(old) && !needsHealthCheck(service)) {
    if ((spec.healthCheckNodePort ?? 0) === (specOf(old).healthCheckNodePort ?? 0)) delete spec.healthCheckNodePort;
  }
}

function dropLoadBalancerFields(service: Service, old: Live<Service>): void {
  const spec = specOf(service);
  const before = specOf(old);
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts) {
      delete spec.allocateLoadBalancerNodePorts;
    }
    if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(service)) {
    if (spec.externalTrafficPolicy === before.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  }
  // Taking the balancer down is asynchronous, but people need not see that.
  if (spec.type !== 'LoadBalancer' && service.status !== undefined) service.status.loadBalancer = {};
}
