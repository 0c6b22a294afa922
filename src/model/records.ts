/**
 * Every DNS name a service owns: Kubernetes DNS-Based Service Discovery 1.1.0 (kubernetes/dns docs/specification.md), and
 * where that is silent, what CoreDNS's kubernetes plugin answers.
 *
 *   ClusterIP      web.default.svc              A/AAAA cluster IPs · SRV per port
 *                  _http._tcp.web.default.svc   SRV -> web.default.svc
 *                  10-244-1-2.web.default.svc   A of a ready endpoint (CoreDNS), by hostname or dashed address
 *   headless       db.default.svc               A/AAAA of each ready endpoint · SRV per endpoint and port
 *                  db-0.db.default.svc          A of one endpoint
 *                  _sql._tcp.db.default.svc     SRV -> db-0.db.default.svc
 *   ExternalName   ext.default.svc              CNAME
 *   reverse        10.96.0.7                    PTR -> web.default.svc;  10.244.1.2  PTR -> 10-244-1-2.web.default.svc
 *
 * Names and targets are relative to the cluster domain, but for a CNAME's target, which is absolute. A headless service
 * without a ready endpoint owns no name at all, so it is NXDOMAIN (specification 2.4.1).
 */
import type { Endpoint, EndpointSlice, Service } from '../api/gen/types.ts';
import type { Family } from './types.ts';

export type DnsRecord =
  | { readonly kind: 'address'; readonly name: string; readonly family: Family; readonly address: string }
  | SrvRecord
  | { readonly kind: 'cname'; readonly name: string; readonly target: string }
  | { readonly kind: 'ptr'; readonly address: string; readonly target: string };

export interface SrvRecord {
  readonly kind: 'srv';
  readonly name: string;
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** What an SRV record is made of before its weight is known. */
interface Offer {
  readonly portName: string;
  readonly protocol: string;
  readonly port: number;
  readonly target: string;
}

/** All of them. */
export function records(service: Service, slices: readonly EndpointSlice[]): readonly DnsRecord[] {
  return [...serviceRecords(service, slices), ...endpointRecords(service, slices)];
}

/** At the service's name and its ports, and its cluster IPs' reverse: without a headless service's, slices do not matter. */
export function serviceRecords(service: Service, slices: readonly EndpointSlice[]): readonly DnsRecord[] {
  const base = serviceName(service);
  if (service.spec?.type === 'ExternalName') return externalRecords(base, service.spec.externalName ?? '');
  const clusterIPs = clusterIPsOf(service);
  if (clusterIPs.length > 0) return withoutRepeats(clusterRecords(base, service, clusterIPs));
  return withoutRepeats(headlessRecords(base, publishedEndpoints(service, slices)));
}

/** At the names of single endpoints, and their reverse. */
export function endpointRecords(service: Service, slices: readonly EndpointSlice[]): readonly DnsRecord[] {
  if (service.spec?.type === 'ExternalName') return [];
  const base = serviceName(service);
  const published = publishedEndpoints(service, slices);
  const found: DnsRecord[] = [];
  for (const { slice, endpoint, address } of published) {
    const name = `${endpointLabel(endpoint, address)}.${base}`;
    found.push({ kind: 'address', name, family: familyOf(slice), address }, { kind: 'ptr', address, target: name });
  }
  for (const [name, offers] of endpointOffers(base, published)) found.push(...srvRecords(name, offers));
  return withoutRepeats(found);
}

/** `web.default.svc` */
export function serviceName(service: Service): string {
  return `${service.metadata?.name ?? ''}.${service.metadata?.namespace ?? ''}.svc`;
}

/** Empty: headless or ExternalName, or no address given out yet. */
export function clusterIPsOf(service: Service): readonly string[] {
  const { clusterIP, clusterIPs } = service.spec ?? {};
  const all = clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]);
  return all.filter((address) => address !== '' && address !== 'None');
}

/**
 * `ready` unset counts as ready (discovery/v1 EndpointConditions). The controller writes ready=true where a service
 * publishes not-ready addresses; slices made by hand may not, so the service's word is taken too.
 */
export function isPublished(service: Service | undefined, endpoint: Endpoint): boolean {
  return endpoint.conditions?.ready !== false || service?.spec?.publishNotReadyAddresses === true;
}

interface Published {
  readonly slice: EndpointSlice;
  readonly endpoint: Endpoint;
  readonly address: string;
}

/** An endpoint's addresses are interchangeable and only the first may be used (discovery/v1 Endpoint.addresses). */
function publishedEndpoints(service: Service, slices: readonly EndpointSlice[]): readonly Published[] {
  const found: Published[] = [];
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4' && slice.addressType !== 'IPv6') continue;
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0];
      if (address !== undefined && isPublished(service, endpoint)) found.push({ slice, endpoint, address });
    }
  }
  return found;
}

/** CoreDNS plugin/kubernetes/kubernetes.go endpointHostname: `db-0`, `10-244-1-2`, `fd00--12`. */
function endpointLabel(endpoint: Endpoint, address: string): string {
  return endpoint.hostname !== undefined && endpoint.hostname !== ''
    ? endpoint.hostname
    : address.replaceAll(/[.:]/g, '-');
}

/** A target that reads as an address is no host name: CoreDNS publishes nothing for it. */
function externalRecords(base: string, externalName: string): readonly DnsRecord[] {
  const target = externalName.replace(/\.$/, '');
  if (target === '' || target.includes(':') || /^[0-9]+(\.[0-9]+){3}$/.test(target)) return [];
  return [{ kind: 'cname', name: base, target }];
}

function clusterRecords(base: string, service: Service, clusterIPs: readonly string[]): DnsRecord[] {
  const found: DnsRecord[] = [];
  for (const address of clusterIPs) {
    found.push({ kind: 'address', name: base, family: address.includes(':') ? 'IPv6' : 'IPv4', address });
    found.push({ kind: 'ptr', address, target: base });
  }
  const offers = (service.spec?.ports ?? []).flatMap((port) =>
    // One per cluster IP, as CoreDNS counts them for the weight; the same record is sent once.
    clusterIPs.map(() => ({
      portName: port.name ?? '',
      protocol: port.protocol ?? 'TCP',
      port: port.port,
      target: base,
    })),
  );
  return [...found, ...serviceSrvRecords(base, offers)];
}

function headlessRecords(base: string, published: readonly Published[]): DnsRecord[] {
  const found: DnsRecord[] = published.map(({ slice, address }) => {
    return { kind: 'address', name: base, family: familyOf(slice), address };
  });
  const offers = [...endpointOffers(base, published).values()].flat();
  return [...found, ...serviceSrvRecords(base, offers)];
}

/** At the service's own name all ports (CoreDNS); below `_port._proto` the named ones (specification 2.3.2, 2.4.2). */
function serviceSrvRecords(base: string, offers: readonly Offer[]): readonly DnsRecord[] {
  const byPort = new Map<string, Offer[]>();
  for (const offer of offers) {
    if (offer.portName === '') continue;
    const name = `_${offer.portName}._${offer.protocol.toLowerCase()}.${base}`;
    const same = byPort.get(name);
    if (same === undefined) byPort.set(name, [offer]);
    else same.push(offer);
  }
  return [...srvRecords(base, offers), ...[...byPort].flatMap(([name, some]) => srvRecords(name, some))];
}

/** Per endpoint name, so that several addresses of one hostname share it. */
function endpointOffers(base: string, published: readonly Published[]): ReadonlyMap<string, readonly Offer[]> {
  const offers = new Map<string, Offer[]>();
  for (const { slice, endpoint, address } of published) {
    const target = `${endpointLabel(endpoint, address)}.${base}`;
    for (const { name = '', protocol = 'TCP', port } of slice.ports ?? []) {
      if (port === undefined) continue;
      const offer = { portName: name, protocol, port, target };
      const same = offers.get(target);
      if (same === undefined) offers.set(target, [offer]);
      else same.push(offer);
    }
  }
  return offers;
}

/** CoreDNS plugin/backend_lookup.go SRV: priority 0, the weight 100 shared out among all, at least 1. */
function srvRecords(name: string, offers: readonly Offer[]): readonly SrvRecord[] {
  const weight = Math.max(1, Math.floor(100 / offers.length));
  return offers.map(({ port, target }) => ({ kind: 'srv', name, priority: 0, weight, port, target }));
}

function familyOf(slice: EndpointSlice): Family {
  return slice.addressType === 'IPv6' ? 'IPv6' : 'IPv4';
}

/** The same endpoint may stand in several slices while the controller moves it. */
function withoutRepeats(found: readonly DnsRecord[]): readonly DnsRecord[] {
  const seen = new Set<string>();
  return found.filter((record) => {
    const key = keyOf(record);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function keyOf(record: DnsRecord): string {
  switch (record.kind) {
    case 'address':
      return `${record.address} ${record.name}`;
    case 'srv':
      return `${record.port} ${record.target} ${record.name}`;
    case 'cname':
      return record.name;
    case 'ptr':
      return `${record.address} ptr ${record.target}`;
  }
}
