/**
 * Every address:port/protocol that a Service owns, by kind. Nothing here knows about endpoints or nodes.
 *
 *   spec.clusterIPs            ──> ClusterIP        policy: internalTrafficPolicy
 *   spec.ports[].nodePort      ──> NodePort         policy: externalTrafficPolicy, one per family, address: each node's own
 *   spec.externalIPs           ──> ExternalIP              "
 *   status.loadBalancer        ──> LoadBalancerIP          "                        plus loadBalancerSourceRanges
 *
 * Headless and ExternalName services own none, nor do those that carry a label which gives them to another proxy.
 * Upstream: pkg/proxy/serviceport.go, pkg/proxy/util/utils.go (ShouldSkipService).
 */
import type { LoadBalancerIngress, Service, ServicePort } from '../api/gen/types.ts';
import { familyOf, formatCidr, parseCidr } from '../util/ip.ts';
import { isPort, usableAddress } from './address.ts';
import type { Family, Frontend, FrontendKind, Protocol } from './types.ts';

/** A Service with this label is another proxy's business. Upstream: pkg/proxy/apis/well_known_labels.go. */
export const serviceProxyNameLabel = 'service.kubernetes.io/service-proxy-name';
/** An EndpointSlice with this label is not proxied. Of a Service it says nothing: what has a cluster IP is proxied (cmd/kube-proxy/app/server.go). */
export const headlessLabel = 'service.kubernetes.io/headless';

const defaultAffinitySeconds = 10_800;
const familyNames: readonly Family[] = ['IPv4', 'IPv6'];
const protocols: readonly string[] = ['TCP', 'UDP', 'SCTP'] satisfies readonly Protocol[];

export function frontends(service: Service): Frontend[] {
  if (!isProxied(service)) return [];
  const found: Frontend[] = [];
  for (const port of service.spec?.ports ?? []) {
    // A server that stored what no packet can carry must not stop what all others are served with.
    if (!isPort(port.port) || !protocols.includes(port.protocol ?? 'TCP')) continue;
    const common = commonOf(service, port);
    const add = (kind: FrontendKind, text: string, policy: Frontend['policy'], rest?: Partial<Frontend>): void => {
      const address = usableAddress(text);
      const family = address === undefined ? undefined : familyOf(address);
      if (address === undefined || family === undefined) return;
      found.push({ ...common, kind, family, address, port: port.port, policy, ...rest });
    };
    for (const address of clusterIPs(service)) add('ClusterIP', address, internalPolicy(service));
    const policy = externalPolicy(service);
    found.push(...nodePorts(service, port, common));
    for (const address of service.spec?.externalIPs ?? []) add('ExternalIP', address, policy);
    for (const address of ingressAddresses(service)) {
      const family = familyOf(address) ?? 'IPv4';
      add('LoadBalancerIP', address, policy, { sourceRanges: sourceRanges(service, family) });
    }
  }
  return found;
}

/** False for what no node proxies: headless, ExternalName, and services labelled for another proxy. */
export function isProxied(service: Service): boolean {
  const labels = service.metadata?.labels ?? {};
  if (serviceProxyNameLabel in labels) return false;
  return service.spec?.type !== 'ExternalName' && clusterIPs(service).length > 0;
}

/** Canonical ranges of one family; undefined: the service restricts nobody. A range that can't be read lets nobody in. */
export function sourceRanges(service: Service, family: Family): readonly string[] | undefined {
  const wanted = service.spec?.loadBalancerSourceRanges ?? [];
  if (service.spec?.type !== 'LoadBalancer' || wanted.length === 0) return undefined;
  const cidrs = wanted.map((text) => parseCidr(text.trim()));
  return cidrs.flatMap((cidr) => (cidr?.family === family ? [formatCidr(cidr)] : []));
}

/** Where the node answers 200 while it has a local endpoint; 0: the service asks for none. */
export function healthCheckPort(service: Service): number {
  const local = service.spec?.type === 'LoadBalancer' && externalPolicy(service) === 'Local';
  const port = service.spec?.healthCheckNodePort;
  return local && isProxied(service) && isPort(port) ? port : 0;
}

type Common = Pick<Frontend, 'service' | 'portName' | 'protocol' | 'affinitySeconds' | 'sourceRanges'>;

function commonOf(service: Service, port: ServicePort): Common {
  return {
    service: { namespace: service.metadata?.namespace ?? '', name: service.metadata?.name ?? '' },
    portName: port.name ?? '',
    protocol: (port.protocol ?? 'TCP') as Protocol,
    affinitySeconds: affinitySeconds(service),
    sourceRanges: undefined,
  };
}

function nodePorts(service: Service, port: ServicePort, common: Common): Frontend[] {
  const number = port.nodePort ?? 0;
  const type = service.spec?.type;
  if (!isPort(number) || (type !== 'NodePort' && type !== 'LoadBalancer')) return [];
  return families(service).map((family) => ({
    ...common,
    kind: 'NodePort',
    family,
    address: undefined,
    port: number,
    policy: externalPolicy(service),
    sourceRanges: sourceRanges(service, family),
  }));
}

function clusterIPs(service: Service): readonly string[] {
  const { clusterIP, clusterIPs: all } = service.spec ?? {};
  const addresses = all === undefined || all.length === 0 ? [clusterIP ?? ''] : all;
  return addresses.filter((address) => address !== '' && address !== 'None');
}

function families(service: Service): readonly Family[] {
  const named = service.spec?.ipFamilies ?? clusterIPs(service).map((address) => familyOf(address) ?? '');
  return familyNames.filter((family) => named.includes(family));
}

/** ipMode Proxy: packets must go through the load balancer itself, so a node must not answer for the address (KEP-1860). */
function ingressAddresses(service: Service): readonly string[] {
  if (service.spec?.type !== 'LoadBalancer') return [];
  const isVip = ({ ip, ipMode }: LoadBalancerIngress): boolean => ip !== undefined && (ipMode ?? 'VIP') === 'VIP';
  return (service.status?.loadBalancer?.ingress ?? []).filter(isVip).map(({ ip }) => ip ?? '');
}

function internalPolicy(service: Service): 'Cluster' | 'Local' {
  return service.spec?.internalTrafficPolicy === 'Local' ? 'Local' : 'Cluster';
}

function externalPolicy(service: Service): 'Cluster' | 'Local' {
  return service.spec?.externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster';
}

function affinitySeconds(service: Service): number | undefined {
  if (service.spec?.sessionAffinity !== 'ClientIP') return undefined;
  return service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds;
}
