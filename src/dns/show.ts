/**
 * `portolan dns show NAME`: what a pod would be answered, which object says so, and where there is nothing, why.
 *
 *   name ─ as asked, or along the search list of a pod in the namespace ─> Lookup ─┬─ records + Service, EndpointSlice, …
 *                                                                                  └─ the label at which it ends, and why
 *
 * It reads the objects themselves and asks no server: the answer is what a server in sync would say.
 */
import type { EndpointSlice, Namespace, Pod, Service, ServiceCIDR } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { serviceRanges } from '../client/index.ts';
import { clusterIPsOf, isPublished } from '../model/records.ts';
import { formatIp, mustParseCidr, parseIp } from '../util/ip.ts';
import { Answers } from './answers.ts';
import { rcode, rcodeName, rrClass, rrType, typeName } from './wire/index.ts';
import { foldCase, ipKey, labelsOf, nameFromText, nameToText, zoneOffset } from './wire/index.ts';
import type { RData, ResourceRecord, WireName } from './wire/index.ts';
import { Lookup, Pods, Zone } from './zone/index.ts';
import type { Found, LookupOptions, ServiceEntry } from './zone/index.ts';

export interface Objects {
  readonly services: Iterable<Live<Service>>;
  readonly endpointSlices: Iterable<Live<EndpointSlice>>;
  readonly namespaces: Iterable<Live<Namespace>>;
  readonly pods: Iterable<Live<Pod>>;
  readonly serviceCIDRs: Iterable<Live<ServiceCIDR>>;
}

export interface ShowOptions {
  readonly clusterDomain: string;
  readonly serviceCidrs: readonly string[];
  readonly podCidrs: readonly string[];
  readonly podRecords: NonNullable<LookupOptions['podRecords']>;
  /** Of the pod that asks. */
  readonly namespace: string;
}

export interface Shown {
  readonly name: string;
  /** NOERROR, NXDOMAIN; `FORWARD`: other servers know. */
  readonly code: string;
  readonly records: readonly {
    readonly name: string;
    readonly ttl: number;
    readonly type: string;
    readonly data: string;
    /** `Service default/web`, `EndpointSlice default/db-1`. */
    readonly from: string;
  }[];
  /** Where there is no record; and what the search list passed over. */
  readonly why: readonly string[];
}

const shownTypes = [rrType.A, rrType.AAAA, rrType.CNAME, rrType.SRV, rrType.PTR, rrType.TXT, rrType.SOA, rrType.NS];

export function show(text: string, type: number | undefined, objects: Objects, options: ShowOptions): Shown {
  const zone = new Zone(options.clusterDomain);
  const pods = new Pods();
  for (const object of objects.namespaces) zone.onNamespace(object, undefined);
  for (const object of objects.services) zone.onService(object, undefined);
  for (const object of objects.endpointSlices) zone.onSlice(object, undefined);
  for (const object of objects.pods) pods.onPod(object, undefined);
  const lookup = new Lookup(zone, {
    clusterDomain: options.clusterDomain,
    serviceCidrs: serviceRanges(options.serviceCidrs, objects.serviceCIDRs).map(mustParseCidr),
    podCidrs: options.podCidrs.map(mustParseCidr),
    addresses: [],
    podRecords: options.podRecords,
    pods,
  });
  const passed: string[] = [];
  const why = new Why(zone, lookup, options);
  let shown: Shown | undefined;
  for (const name of searched(text, options)) {
    shown = one(name, type, zone, lookup, why);
    if (shown.code === 'FORWARD' || shown.records.length > 0) break;
    passed.push(...shown.why.map((reason) => `${shown?.name ?? ''} ${shown?.code ?? ''}: ${reason}`));
  }
  if (shown === undefined) throw new Error(`"${text}" is no name`);
  return { ...shown, why: [...passed, ...(shown.code === 'FORWARD' ? shown.why : [])] };
}

/** `10.96.0.10` -> `10.0.96.10.in-addr.arpa`; undefined: not an address. */
export function reverseName(text: string): string | undefined {
  const ip = parseIp(text);
  if (ip === undefined) return undefined;
  const labels = ip.family === 'IPv4' ? ipKey(ip).split('.') : [...ipKey(ip)];
  return `${labels.toReversed().join('.')}.${ip.family === 'IPv4' ? 'in-addr' : 'ip6'}.arpa.`;
}

/** resolv.conf of a pod: three domains and ndots:5. */
function searched(text: string, { namespace, clusterDomain }: ShowOptions): readonly WireName[] {
  const absolute = nameFromText(text);
  if (text.endsWith('.') || text.split('.').length > 5) return [absolute];
  if (zoneOffset(foldCase(absolute), foldCase(nameFromText(clusterDomain))) >= 0) return [absolute];
  if (/\.(in-addr|ip6)\.arpa$/i.test(text)) return [absolute];
  const suffixes = [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  return [...suffixes.map((suffix) => nameFromText(`${text}.${suffix}`)), absolute];
}

function one(name: WireName, type: number | undefined, zone: Zone, lookup: Lookup, why: Why): Shown {
  const found = lookup.find(name);
  const text = nameToText(name);
  if (found === undefined) {
    return {
      name: text,
      code: 'FORWARD',
      records: [],
      why: [`${text} is not the cluster's: upstream servers are asked`],
    };
  }
  const answers = new Answers(zone, lookup);
  const records: Shown['records'][number][] = [];
  const alias = found.kind === 'records' && found.records.cname !== undefined;
  for (const each of type === undefined ? shownTypes : [type]) {
    // Without a type an alias is shown as such, once; asked for a type it is followed.
    if (type === undefined && alias && each !== rrType.A) continue;
    const answer = answers.answer({ name, type: each, class: rrClass.IN });
    const section = answer.kind === 'reply' ? answer.reply.answer : answer.kind === 'chase' ? answer.chain : [];
    records.push(...section.map((record) => ({ ...shownRecord(record), from: why.source(record, lookup) })));
  }
  const code = found.kind === 'missing' ? rcode.NXDOMAIN : rcode.NOERROR;
  return { name: text, code: rcodeName(code), records, why: records.length > 0 ? [] : [why.nothing(name, found)] };
}

function shownRecord({ name, ttl, type, data }: ResourceRecord) {
  return { name: nameToText(name), ttl, type: typeName(type), data: dataText(type, data) };
}

function dataText(type: number, data: RData): string {
  switch (data.kind) {
    case 'name':
      return nameToText(data.target);
    case 'mx':
      return `${data.preference} ${nameToText(data.target)}`;
    case 'srv':
      return `${data.priority} ${data.weight} ${data.port} ${nameToText(data.target)}`;
    case 'soa':
      return `${nameToText(data.mname)} ${nameToText(data.rname)} ${data.numbers.join(' ')}`;
    case 'bytes':
      if (type === rrType.A) return data.bytes.join('.');
      if (type === rrType.AAAA) {
        return formatIp({ family: 'IPv6', value: BigInt(`0x${Buffer.from(data.bytes).toString('hex')}`) });
      }
      return JSON.stringify(Buffer.from(data.bytes.subarray(1)).toString('latin1'));
  }
}

/** The objects behind an answer, and behind the lack of one. */
class Why {
  readonly #zone: Zone;
  readonly #options: ShowOptions;
  readonly #domain: WireName;

  constructor(zone: Zone, lookup: Lookup, options: ShowOptions) {
    this.#zone = zone;
    this.#options = options;
    this.#domain = lookup.domain;
  }

  source(record: ResourceRecord, lookup: Lookup): string {
    const found = lookup.find(record.name);
    if (found === undefined) return 'an upstream server';
    switch (found.kind) {
      case 'records':
        return found.owner === undefined ? this.#unowned(record.name) : this.#owner(found.owner, record);
      case 'pointers':
        return found.targets
          .map((target) => this.source({ ...record, name: target, type: rrType.A }, lookup))
          .join(', ');
      default:
        return 'the DNS specification';
    }
  }

  #unowned(name: WireName): string {
    const [label, namespace = ''] = this.#labels(name);
    return namespace === 'dns' ? 'this server' : `the address in ${label ?? ''} (Namespace ${namespace})`;
  }

  #owner({ service, slices }: ServiceEntry, { name, type, data }: ResourceRecord): string {
    const { namespace = '', name: serviceName = '' } = service?.metadata ?? {};
    const own = `Service ${namespace}/${serviceName}`;
    const addressed = data.kind === 'bytes' ? dataText(type, data) : undefined;
    const [label] = this.#labels(name);
    const holder = [...slices].find(([, slice]) =>
      (slice.endpoints ?? []).some(
        ({ addresses, hostname }) =>
          addresses[0] === addressed ||
          (data.kind !== 'bytes' && (hostname ?? addresses[0]?.replaceAll(/[.:]/g, '-')) === label),
      ),
    );
    const isClusterIP = service !== undefined && addressed !== undefined && clusterIPsOf(service).includes(addressed);
    return holder === undefined || isClusterIP ? own : `EndpointSlice ${namespace}/${holder[0]} of ${own}`;
  }

  nothing(name: WireName, found: Found): string {
    if (found.kind === 'empty') return 'nothing is at this name itself; names below it exist';
    if (found.kind !== 'missing') return 'the name exists, without a record of this type';
    const labels = this.#labels(name);
    const top = labels.at(-1);
    if (zoneOffset(foldCase(name), this.#domain) < 0) return 'no Service and no endpoint has this address';
    if (top === 'pod') return this.#noPod(labels);
    return top === 'svc'
      ? this.#noService(labels)
      : `below ${this.#options.clusterDomain} are svc and pod, not "${top ?? ''}"`;
  }

  #noPod(labels: readonly string[]): string {
    const namespace = labels.at(-2) ?? '';
    if (!this.#zone.hasNamespace(namespace)) return `there is no Namespace "${namespace}"`;
    return this.#options.podRecords === 'verified'
      ? `no pod in ${namespace} has the address ${labels[0] ?? ''}`
      : `${labels[0] ?? ''} is not the address of a pod (ranges: ${this.#options.podCidrs.join(', ')})`;
  }

  #noService(labels: readonly string[]): string {
    const [namespace = '', service = ''] = [labels.at(-2), labels.at(-3)];
    if (!this.#zone.hasNamespace(namespace)) return `there is no Namespace "${namespace}"`;
    const entry = this.#zone.service(namespace, service);
    if (entry?.service === undefined) return `there is no Service "${service}" in Namespace ${namespace}`;
    const { type, clusterIP } = entry.service.spec ?? {};
    const endpoints = [...entry.slices.values()].flatMap((slice) => slice.endpoints ?? []);
    const ready = endpoints.filter((endpoint) => isPublished(entry.service, endpoint));
    const counted = `${ready.length} of its ${endpoints.length} endpoints are ready`;
    if (labels.length > 3) {
      const what = labels[0]?.startsWith('_') === true ? 'named port' : 'ready endpoint';
      return `Service ${namespace}/${service} has no ${what} "${labels.slice(0, -3).join('.')}"; ${counted}`;
    }
    if (type === 'ExternalName') return `Service ${namespace}/${service} is an ExternalName that is no host name`;
    return clusterIP === 'None'
      ? `Service ${namespace}/${service} is headless, and ${counted}`
      : `Service ${namespace}/${service} has no cluster IP yet`;
  }

  /** In front of the cluster domain, in lower case. */
  #labels(name: WireName): readonly string[] {
    const folded = foldCase(name);
    const start = zoneOffset(folded, this.#domain);
    return start < 0 ? labelsOf(folded) : labelsOf(`${folded.slice(0, start)}\0`);
  }
}
