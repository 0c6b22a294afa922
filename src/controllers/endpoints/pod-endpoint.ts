/**
 * One pod as one endpoint. Upstream: podToEndpoint in k8s.io/endpointslice/utils.go.
 */
import type { Endpoint, Node, ObjectReference, Service } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { isReady } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { isTerminal } from '../pods.ts';

export type LiveService = Live<Service>;
export type AddressType = 'IPv4' | 'IPv6';

export const zoneLabel = 'topology.kubernetes.io/zone';

/** A pod that ran to its end, or has no address yet, is no endpoint, whatever publishNotReadyAddresses says. */
export function isEndpoint(pod: LivePod, includeTerminating: boolean): boolean {
  if (isTerminal(pod) || (pod.status?.podIP ?? '') === '') return false;
  return includeTerminating || pod.metadata.deletionTimestamp === undefined;
}

export function addressesOf(pod: LivePod, family: AddressType): string[] {
  const { podIP, podIPs } = pod.status ?? {};
  const all = podIPs !== undefined && podIPs.length > 0 ? podIPs.map(({ ip }) => ip) : [podIP ?? ''];
  return all.filter((ip) => ip !== '' && ip.includes(':') === (family === 'IPv6'));
}

/** undefined: the pod has no address of this family. */
export function podEndpoint(
  service: LiveService,
  pod: LivePod,
  node: Node | undefined,
  family: AddressType,
): Endpoint | undefined {
  const addresses = addressesOf(pod, family);
  if (addresses.length === 0) return undefined;
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const zone = node?.metadata?.labels?.[zoneLabel];
  const nodeName = pod.spec?.nodeName;
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(sharesHostname(pod, service) ? { hostname: pod.spec?.hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: podReference(pod),
    ...(zone === undefined || zone === '' ? {} : { zone }),
  };
}

export function podReference(pod: LivePod): ObjectReference {
  const { name, namespace, uid } = pod.metadata;
  return { kind: 'Pod', ...(namespace === undefined ? {} : { namespace }), name, uid };
}

/** `hostname.subdomain`: the pod asks for a name of its own under this service. */
export function sharesHostname(pod: LivePod, service: LiveService): boolean {
  return (
    (pod.spec?.hostname ?? '') !== '' &&
    pod.spec?.subdomain === service.metadata.name &&
    pod.metadata.namespace === service.metadata.namespace
  );
}

/** Upstream's IsServiceIPSet, turned round: `None`, or none at all. */
export function isHeadless(service: LiveService): boolean {
  const ip = service.spec?.clusterIP;
  return ip === 'None' || ip === '' || ip === undefined;
}

/** Families that the service wants slices for; a service from before dual-stack says it by its cluster IP. */
export function familiesOf(service: LiveService, pods: Iterable<LivePod>): AddressType[] {
  const { ipFamilies, clusterIP = '' } = service.spec ?? {};
  if (ipFamilies !== undefined && ipFamilies.length > 0) return ipFamilies as AddressType[];
  if (clusterIP !== '' && clusterIP !== 'None') return [clusterIP.includes(':') ? 'IPv6' : 'IPv4'];
  const found = new Set<AddressType>();
  for (const pod of pods) {
    if (addressesOf(pod, 'IPv4').length > 0) found.add('IPv4');
    if (addressesOf(pod, 'IPv6').length > 0) found.add('IPv6');
  }
  return found.size === 0 ? ['IPv4'] : [...found];
}
