/**
 * What a Service asks of us: pure questions about one Service, in upstream's words.
 *
 *   ours?  no class, or `portolan.io/lb`   ──no──> left alone
 *   wants? type LoadBalancer, not going away ─no─> cleaned up, where it carries the finalizer
 *
 * Upstream: k8s.io/cloud-provider/controllers/service/controller.go (wantsLoadBalancer, needsCleanup, needsUpdate).
 */
import type { LoadBalancerIngress, Service, ServicePort } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { addressAnnotation, cleanupFinalizer, loadBalancerClass } from './options.ts';

export type LiveService = Live<Service>;

export function isForeign(service: LiveService): boolean {
  const name = service.spec?.loadBalancerClass;
  return name !== undefined && name !== loadBalancerClass;
}

export function wantsLoadBalancer(service: LiveService): boolean {
  return (
    service.spec?.type === 'LoadBalancer' && !isForeign(service) && service.metadata.deletionTimestamp === undefined
  );
}

export function hasFinalizer(service: LiveService): boolean {
  return service.metadata.finalizers?.includes(cleanupFinalizer) ?? false;
}

/** Addresses that the user asks for by name, in any spelling. */
export function wantedAddresses(service: LiveService): readonly string[] {
  const annotated = service.metadata.annotations?.[addressAnnotation];
  const wanted = annotated === undefined ? [service.spec?.loadBalancerIP ?? ''] : annotated.split(',');
  return wanted.map((address) => address.trim()).filter((address) => address !== '');
}

export function ingressOf(addresses: readonly string[]): LoadBalancerIngress[] {
  return addresses.map((ip) => ({ ip, ipMode: 'VIP' }));
}

export function hasIngress(service: LiveService, addresses: readonly string[]): boolean {
  const written = service.status?.loadBalancer?.ingress ?? [];
  const text = (list: readonly LoadBalancerIngress[]): string =>
    JSON.stringify(list.map(({ ip, hostname, ipMode, ports }) => [ip, hostname, ipMode ?? 'VIP', ports]));
  return text(written) === text(ingressOf(addresses));
}

export interface ServiceChange {
  /** The load balancer must be ensured again, and people told so. */
  readonly needed: boolean;
  /** Upstream tells of some changes by an event of their own. */
  readonly event?: { readonly reason: string; readonly message: string };
}

const unchanged: ServiceChange = { needed: false };

/** Upstream's needsUpdate: the first difference decides. */
export function changeOf(old: LiveService, now: LiveService): ServiceChange {
  const [before, after] = [wantsLoadBalancer(old), wantsLoadBalancer(now)];
  if (!before && !after) return unchanged;
  if (old.spec?.type !== now.spec?.type) return told('Type', old.spec?.type ?? '', now.spec?.type ?? '');
  if (before !== after) return { needed: true };
  for (const [reason, value] of toldFields) {
    const [from, to] = [value(old), value(now)];
    if (from !== to) return told(reason, from, to);
  }
  return { needed: silentPart(old) !== silentPart(now) };
}

/** Fields whose change is an event `from -> to`; the texts are Go's %v. */
const toldFields: readonly (readonly [string, (service: LiveService) => string])[] = [
  ['LoadBalancerSourceRanges', (service) => `[${(service.spec?.loadBalancerSourceRanges ?? []).join(' ')}]`],
  ['LoadbalancerIP', (service) => service.spec?.loadBalancerIP ?? ''],
  ['ExternalTrafficPolicy', (service) => service.spec?.externalTrafficPolicy ?? ''],
  ['HealthCheckNodePort', (service) => String(service.spec?.healthCheckNodePort ?? 0)],
];

function silentPart(service: LiveService): string {
  const { ports, sessionAffinity, sessionAffinityConfig } = service.spec ?? {};
  const port = ({ name, protocol, port: number, nodePort, targetPort }: ServicePort): unknown[] => [
    name,
    protocol,
    number,
    nodePort,
    targetPort,
  ];
  const annotations = Object.entries(service.metadata.annotations ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([(ports ?? []).map(port), sessionAffinity, sessionAffinityConfig, annotations]);
}

function told(reason: string, from: string, to: string): ServiceChange {
  return { needed: true, event: { reason, message: `${from} -> ${to}` } };
}
