/**
 * One service and its slices, and, once somebody asks, the names it owns in the shape that answers are made of.
 *
 *   Service + EndpointSlice[] ─┬─ model serviceRecords()  ─> own        'web.default.svc', '_http._tcp.web.default.svc'
 *                              └─ model endpointRecords() ─> endpoints  '10-244-1-2.web.default.svc'
 *
 * The two are built apart, each on its first question, for the first is cheap and asked all the time. Both are dropped on
 * a change. `version` grows with each change: whoever keeps an answer keeps the version with it.
 */
import type { EndpointSlice, Service } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { endpointRecords, serviceRecords } from '../../model/records.ts';
import type { DnsRecord } from '../../model/records.ts';
import { WireError, addressBytes, addressKey, nameFromText } from '../wire/index.ts';
import type { RData, WireName } from '../wire/index.ts';

/** Something that answers depend on. */
export interface Versioned {
  readonly version: number;
}

/** All data at one name; all empty: the name exists only because names below it do (an empty non-terminal). */
export interface NameRecords {
  readonly a: readonly Uint8Array[];
  readonly aaaa: readonly Uint8Array[];
  readonly srv: readonly SrvData[];
  readonly cname: WireName | undefined;
}

export type SrvData = Extract<RData, { kind: 'srv' }>;

export interface Names {
  /** Keys are relative to the cluster domain and in lower case. */
  readonly byName: ReadonlyMap<string, NameRecords>;
  readonly ptr: ReadonlyMap<string, readonly WireName[]>;
}

export interface ServiceEntry {
  version: number;
  service: Live<Service> | undefined;
  readonly slices: Map<string, Live<EndpointSlice>>;
  own: Names | undefined;
  endpoints: Names | undefined;
}

export function newEntry(): ServiceEntry {
  return { version: 0, service: undefined, slices: new Map(), own: undefined, endpoints: undefined };
}

interface Building {
  readonly a: Uint8Array[];
  readonly aaaa: Uint8Array[];
  readonly srv: SrvData[];
  cname: WireName | undefined;
}

const noNames: Names = { byName: new Map(), ptr: new Map() };

/** `domain` is the cluster domain as text. */
export function buildNames(entry: ServiceEntry, part: 'own' | 'endpoints', domain: string): Names {
  if (entry.service === undefined) return noNames;
  const model = part === 'own' ? serviceRecords : endpointRecords;
  const byName = new Map<string, Building>();
  const ptr = new Map<string, WireName[]>();
  for (const record of model(entry.service, [...entry.slices.values()])) {
    try {
      if (record.kind === 'ptr') addPtr(ptr, record, domain);
      else addRecord(nameIn(byName, record.name.toLowerCase()), record, domain);
    } catch (error) {
      // An object that another API server let through: a name too long for DNS has no record.
      if (!(error instanceof WireError)) throw error;
    }
  }
  return { byName, ptr };
}

/** With the names between it and the service's own: `_tcp.web.default.svc` exists when `_http._tcp.web…` does. */
function nameIn(names: Map<string, Building>, name: string): Building {
  const known = names.get(name);
  if (known !== undefined) return known;
  const added: Building = { a: [], aaaa: [], srv: [], cname: undefined };
  names.set(name, added);
  const parent = name.slice(name.indexOf('.') + 1);
  // Only a port's name has another between it and the service's.
  if (parent.startsWith('_')) nameIn(names, parent);
  return added;
}

function addRecord(into: Building, record: Exclude<DnsRecord, { kind: 'ptr' }>, domain: string): void {
  switch (record.kind) {
    case 'address': {
      const bytes = addressBytes(record.address);
      if (bytes?.length === 4 && record.family === 'IPv4') into.a.push(bytes);
      else if (bytes?.length === 16 && record.family === 'IPv6') into.aaaa.push(bytes);
      return;
    }
    case 'srv': {
      const { priority, weight, port } = record;
      into.srv.push({ kind: 'srv', priority, weight, port, target: nameFromText(`${record.target}.${domain}`) });
      return;
    }
    case 'cname':
      into.cname = nameFromText(record.target);
  }
}

function addPtr(ptr: Map<string, WireName[]>, record: Extract<DnsRecord, { kind: 'ptr' }>, domain: string): void {
  const key = addressKey(record.address);
  if (key === undefined) return;
  const target = nameFromText(`${record.target}.${domain}`);
  const same = ptr.get(key);
  if (same === undefined) ptr.set(key, [target]);
  else same.push(target);
}
