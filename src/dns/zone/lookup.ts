/**
 * What is at a name: the shape of the cluster's name space, label by label from the right.
 *
 *   DOMAIN                        apex: SOA, NS
 *   dns-version.DOMAIN            TXT (specification 2.2)
 *   ns.dns.DOMAIN                 this server
 *   svc.DOMAIN · pod.DOMAIN       empty, always there
 *   NS.svc · NS.pod               empty, there while the namespace is
 *   [x.[y.]]SERVICE.NS.svc        the service's own names (model records)
 *   10-244-1-2.NS.pod             the address itself, if pods can have it (specification 2.6)
 *   reverse zones                 PTR
 *
 * `missing` is NXDOMAIN, `empty` is NODATA, `elsewhere` is a name that is not ours to know.
 */
import { cidrContains, parseIp } from '../../util/ip.ts';
import type { Cidr, Ip } from '../../util/ip.ts';
import {
  addressBytes,
  foldCase,
  ipBytes,
  ipKey,
  labelsOf,
  nameFromLabels,
  nameFromText,
  zoneOffset,
} from '../wire/index.ts';
import type { WireName } from '../wire/index.ts';
import { inAddrArpa, ip6Arpa, outermostZones, parseReverse } from './reverse-zones.ts';
import type { Pods } from './pods.ts';
import type { NameRecords, ServiceEntry, Versioned } from './service-entry.ts';
import type { Zone } from './zone.ts';

/** `zone` is the name whose SOA speaks for the answer. */
export type Found = { readonly zone: WireName; readonly dependsOn: Versioned } & (
  | { readonly kind: 'records'; readonly records: NameRecords; readonly owner: ServiceEntry | undefined }
  | { readonly kind: 'pointers'; readonly targets: readonly WireName[] }
  | { readonly kind: 'apex' }
  | { readonly kind: 'text'; readonly text: string; readonly ttl: number }
  | { readonly kind: 'empty' }
  | { readonly kind: 'missing' }
);

export interface LookupOptions {
  readonly clusterDomain: string;
  readonly serviceCidrs: readonly Cidr[];
  readonly podCidrs: readonly Cidr[];
  /** What ns.dns.DOMAIN answers while there is no kube-dns Service. */
  readonly addresses: readonly string[];
  /** Which pod records there are (CoreDNS plugin/kubernetes `pods`); default insecure. */
  readonly podRecords?: PodRecords | undefined;
  readonly pods?: Pods | undefined;
}

/** insecure: any address of a pod range in any namespace that exists; verified: addresses that a pod there has. */
export type PodRecords = 'disabled' | 'insecure' | 'verified';

type Bare<T> = T extends unknown ? Omit<T, 'zone' | 'dependsOn'> : never;

/** Schema version, and the TTL that the specification's example has for it. */
const schema = { text: '1.1.0', ttl: 28_800 } as const;
const kubeDns = 'kube-dns.kube-system.svc';
const empty = { kind: 'empty' } as const;
const missing = { kind: 'missing' } as const;

export class Lookup {
  readonly domain: WireName;
  readonly nameServer: WireName;
  readonly #zone: Zone;
  readonly #options: LookupOptions;
  #reverseZones: readonly WireName[];

  constructor(zone: Zone, options: LookupOptions) {
    this.#zone = zone;
    this.#options = options;
    this.domain = foldCase(nameFromText(options.clusterDomain));
    this.nameServer = nameFromLabels(['ns', 'dns', ...labelsOf(this.domain)]);
    this.#reverseZones = outermostZones([...options.serviceCidrs, ...options.podCidrs]);
  }

  /** From now on; instead of those that it was made with. */
  setServiceCidrs(ranges: readonly Cidr[]): void {
    this.#reverseZones = outermostZones([...ranges, ...this.#options.podCidrs]);
    this.#zone.invalidate();
  }

  /** undefined: another server's name. */
  find(asked: WireName): Found | undefined {
    const name = foldCase(asked);
    const start = zoneOffset(name, this.domain);
    if (start >= 0) return this.#inCluster(labelsOf(`${name.slice(0, start)}\0`));
    if (zoneOffset(name, inAddrArpa) >= 0) return this.#reverse(name, inAddrArpa, 'IPv4');
    if (zoneOffset(name, ip6Arpa) >= 0) return this.#reverse(name, ip6Arpa, 'IPv6');
    return undefined;
  }

  #inCluster(labels: readonly string[]): Found {
    const top = labels.at(-1);
    const zone = this.domain;
    const always = (found: Bare<Found>): Found => ({ zone, dependsOn: this.#zone, ...found });
    if (top === undefined) return always({ kind: 'apex' });
    if (top === 'svc') return this.#service(labels);
    if (top === 'pod') return always({ ...this.#pod(labels), ...this.#podsDependency() });
    if (top === 'dns-version' && labels.length === 1) return always({ kind: 'text', ...schema });
    if (top === 'dns' && labels.length === 1) return always(empty);
    if (top === 'dns' && labels.length === 2 && labels[0] === 'ns') {
      return always({ kind: 'records', records: this.nameServerRecords(), owner: undefined });
    }
    return always(missing);
  }

  #service(labels: readonly string[]): Found {
    const zone = this.domain;
    const [service, namespace] = [labels.at(-3), labels.at(-2)];
    if (namespace === undefined || service === undefined) {
      const exists = namespace === undefined || this.#zone.hasNamespace(namespace);
      return { zone, dependsOn: this.#zone, ...(exists ? empty : missing) };
    }
    const entry = this.#zone.service(namespace, service);
    // A dot inside a label would read as a border between two.
    if (entry === undefined || labels.some((label) => label.includes('.'))) {
      return { zone, dependsOn: this.#zone, ...missing };
    }
    const records = this.#recordsOf(entry, labels.join('.'), labels.length);
    if (records === undefined) return { zone, dependsOn: entry, ...missing };
    return { zone, dependsOn: entry, kind: 'records', records, owner: entry };
  }

  /** A name below a service is a port's, an endpoint's, or does not exist; a port may be called as an endpoint is. */
  #recordsOf(entry: ServiceEntry, name: string, labels: number): NameRecords | undefined {
    return (
      this.#zone.ownNames(entry).byName.get(name) ??
      (labels === 4 ? this.#zone.endpointNames(entry).byName.get(name) : undefined)
    );
  }

  /** Addresses of an SRV record's target, which is a name of the same service. */
  targetRecords(entry: ServiceEntry, target: WireName): NameRecords | undefined {
    const labels = labelsOf(target.slice(0, -this.domain.length) + '\0');
    return this.#recordsOf(entry, labels.join('.').toLowerCase(), labels.length);
  }

  #pod(labels: readonly string[]): Bare<Found> {
    const namespace = labels.at(-2);
    if (namespace === undefined) return empty;
    if (!this.#zone.hasNamespace(namespace)) return missing;
    const [label] = labels;
    if (labels.length === 2 || label === undefined) return empty;
    if (labels.length > 3) return missing;
    const ip = podAddress(label);
    if (ip === undefined || !this.#mayBePod(ip, namespace)) return missing;
    return { kind: 'records', records: addressRecords([ipBytes(ip)]), owner: undefined };
  }

  #mayBePod(ip: Ip, namespace: string): boolean {
    const { podRecords, pods, podCidrs } = this.#options;
    if (podRecords === 'disabled') return false;
    if (podRecords === 'verified') return pods?.at(ipKey(ip))?.namespace === namespace;
    return podCidrs.some((range) => cidrContains(range, ip));
  }

  /** Namespaces and pods both have a say in verified records. */
  #podsDependency(): { readonly dependsOn: Versioned } {
    const [zone, { podRecords, pods }] = [this.#zone, this.#options];
    if (podRecords !== 'verified' || pods === undefined) return { dependsOn: zone };
    return {
      dependsOn: {
        get version() {
          return zone.version + pods.version;
        },
      },
    };
  }

  /** Addresses outside our ranges have a PTR too when they are endpoints (a node's own); the rest of those is elsewhere. */
  #reverse(name: WireName, suffix: WireName, family: 'IPv4' | 'IPv6'): Found | undefined {
    const zone = this.#reverseZones.find((candidate) => zoneOffset(name, candidate) >= 0);
    const parsed = parseReverse(labelsOf(`${name.slice(0, zoneOffset(name, suffix))}\0`), family);
    const targets = parsed.kind === 'address' ? this.#pointers(parsed.key) : [];
    const dependsOn = this.#zone;
    if (targets.length > 0) return { zone: zone ?? name, dependsOn, kind: 'pointers', targets };
    if (zone === undefined) return undefined;
    if (zone === name) return { zone, dependsOn, kind: 'apex' };
    if (parsed.kind !== 'partial') return { zone, dependsOn, ...missing };
    const exists = parsed.prefix === undefined || this.#zone.hasAddressBelow(parsed.prefix);
    return { zone, dependsOn, ...(exists ? empty : missing) };
  }

  #pointers(key: string): readonly WireName[] {
    const { owners, part } = this.#zone.at(key);
    const names = (entry: ServiceEntry) =>
      part === 'own' ? this.#zone.ownNames(entry) : this.#zone.endpointNames(entry);
    return owners.flatMap((entry) => names(entry).ptr.get(key) ?? []);
  }

  /** What NS records name: the Service that the server is behind, as CoreDNS has it (plugin/kubernetes/ns.go); before it exists, ns.dns. */
  nameServerTarget(): WireName {
    const isThere = this.#kubeDnsRecords() !== undefined;
    return isThere ? nameFromLabels([...kubeDns.split('.'), ...labelsOf(this.domain)]) : this.nameServer;
  }

  /** The kube-dns Service's cluster IPs; before it exists, what this server listens on. */
  nameServerRecords(): NameRecords {
    const found = this.#kubeDnsRecords();
    if (found !== undefined) return { ...found, srv: [] };
    return addressRecords(this.#options.addresses.map(addressBytes).filter((bytes) => bytes !== undefined));
  }

  #kubeDnsRecords(): NameRecords | undefined {
    const entry = this.#zone.service('kube-system', 'kube-dns');
    const found = entry && this.#zone.ownNames(entry).byName.get(kubeDns);
    return found !== undefined && found.a.length + found.aaaa.length > 0 ? found : undefined;
  }
}

/** `10-244-1-2` and `fd00--12`: CoreDNS plugin/kubernetes/kubernetes.go findPods. */
function podAddress(label: string): Ip | undefined {
  const dashes = label.split('-').length - 1;
  return parseIp(label.replaceAll('-', dashes === 3 && !label.includes('--') ? '.' : ':'));
}

function addressRecords(addresses: readonly Uint8Array[]): NameRecords {
  return {
    a: addresses.filter((bytes) => bytes.length === 4),
    aaaa: addresses.filter((bytes) => bytes.length === 16),
    srv: [],
    cname: undefined,
  };
}
