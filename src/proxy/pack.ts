/**
 * What the proxy keeps of the objects that it watches. With 10,000 services of 10 endpoints, the objects as they come are 150 MB;
 * these are 20.
 *
 *   Service          without what only people and other controllers read
 *   EndpointSlice    its endpoints as one string, read when somebody asks
 *
 * They are still a Service and an EndpointSlice: nobody who reads them can tell.
 */
import type { Endpoint, EndpointSlice, Service, ServiceSpec } from '../api/gen/types.ts';
import type { KubeObject, Live } from '../api/object.ts';

/** Between endpoints, their fields and several addresses: in no name and no address. */
export const [row, column, comma] = ['\n', '\t', ','] as const;
/** Labels and annotations that the proxy reads: of a slice the service's name and when its trigger was, of both who it is for. */
export const keptOfSlices = {
  labels: ['kubernetes.io/service-name', 'service.kubernetes.io/headless'],
  annotations: ['endpoints.kubernetes.io/last-change-trigger-time'],
} as const;
export const keptOfServices = {
  labels: ['service.kubernetes.io/service-proxy-name'],
  annotations: [],
} as const;

interface Kept {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

/** Apart from what it is selected by, which is for controllers, its spec and status are as they came. */
export function packService({ metadata, spec, status }: Live<Service>): Live<Service> {
  return {
    // Events about it want to know.
    apiVersion: 'v1',
    kind: 'Service',
    metadata: keptMetadata(metadata, keptOfServices),
    ...(spec === undefined ? {} : { spec: withoutSelector(spec) }),
    ...(status === undefined ? {} : { status }),
  };
}

export function withoutSelector(spec: ServiceSpec): ServiceSpec {
  if (spec.selector === undefined) return spec;
  // To delete it would make everybody who reads the others slower.
  const { selector: _, ...kept } = spec;
  return kept;
}

export function packSlice(slice: Live<EndpointSlice>): Live<EndpointSlice> {
  const { metadata, addressType, ports, endpoints } = slice;
  // Joined pieces would be kept as a tree of them: this makes one flat run of bytes.
  return new PackedSlice(
    keptMetadata(metadata, keptOfSlices),
    addressType,
    ports,
    flat((endpoints ?? []).map(pack).join(row)),
  );
}

type Metadata = Live<KubeObject>['metadata'];

function keptMetadata(metadata: Metadata, kept: Kept): Metadata {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const annotations = chosen(metadata.annotations, kept.annotations);
  return {
    name,
    ...(namespace === undefined ? {} : { namespace: shared(namespace) }),
    uid,
    resourceVersion,
    creationTimestamp,
    labels: chosen(metadata.labels, kept.labels) ?? {},
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** undefined: it has none of them. */
function chosen(
  all: Record<string, string> | undefined,
  wanted: readonly string[],
): Record<string, string> | undefined {
  let found: Record<string, string> | undefined;
  for (const name of wanted) {
    const value = all?.[name];
    if (value !== undefined) (found ??= {})[name] = value;
  }
  return found;
}

export class PackedSlice implements EndpointSlice {
  readonly metadata: Metadata;
  readonly addressType: string;
  readonly ports: EndpointSlice['ports'];
  readonly #packed: string;

  /** `packed`: a row for each endpoint, with columns for its addresses, conditions, node, zone and hints. */
  constructor(metadata: Metadata, addressType: string, ports: EndpointSlice['ports'], packed: string) {
    this.metadata = metadata;
    this.addressType = addressType;
    this.ports = ports;
    this.#packed = packed;
  }

  get endpoints(): Endpoint[] {
    return this.#packed === '' ? [] : this.#packed.split(row).map(unpack);
  }
}

function pack({ addresses, conditions, nodeName = '', zone = '', hints }: Endpoint): string {
  const start = `${addresses.length === 1 ? addresses[0] : addresses.join(comma)}${column}${lettersOf(conditions)}${column}${nodeName}`;
  if (zone === '' && hints === undefined) return start;
  return `${start}${column}${zone}${hints === undefined ? '' : column + JSON.stringify(hints)}`;
}

function unpack(text: string): Endpoint {
  const first = text.indexOf(column);
  const second = text.indexOf(column, first + 1);
  const addresses = text.slice(0, first);
  // The usual one: of 100,000 at a start, no list of their parts is made.
  if (!addresses.includes(comma) && !text.includes(column, second + 1)) {
    const conditions = conditionsAt(text, first + 1);
    const nodeName = text.slice(second + 1);
    return nodeName === '' ? { addresses: [addresses], conditions } : { addresses: [addresses], conditions, nodeName };
  }
  return unpackAll(text);
}

function unpackAll(text: string): Endpoint {
  const [addresses = '', letters = '', nodeName = '', zone = '', hints = ''] = text.split(column);
  const endpoint: Endpoint = {
    addresses: addresses.includes(comma) ? addresses.split(comma) : [addresses],
    conditions: conditionsAt(letters, 0),
  };
  if (nodeName !== '') endpoint.nodeName = nodeName;
  if (zone !== '') endpoint.zone = zone;
  if (hints !== '') endpoint.hints = JSON.parse(hints) as NonNullable<Endpoint['hints']>;
  return endpoint;
}

function lettersOf(conditions: Endpoint['conditions']): string {
  const { ready, serving, terminating } = conditions ?? {};
  return letter(ready) + letter(serving) + letter(terminating);
}

function letter(value: boolean | undefined): string {
  return value === undefined ? '-' : value ? 't' : 'f';
}

type Conditions = NonNullable<Endpoint['conditions']>;
/** There are 27 of them, so all endpoints share them. */
const known: Conditions[] = [];

/** What three letters say. */
function conditionsAt(text: string, at: number): Conditions {
  const place = (digit(text, at) * 3 + digit(text, at + 1)) * 3 + digit(text, at + 2);
  return (known[place] ??= conditionsOf(text.slice(at, at + 3)));
}

function digit(text: string, at: number): number {
  const first = text[at];
  return first === '-' ? 0 : first === 't' ? 1 : 2;
}

function conditionsOf(letters: string): Conditions {
  const conditions: Conditions = {};
  for (const [at, name] of (['ready', 'serving', 'terminating'] as const).entries()) {
    if (letters[at] !== '-') conditions[name] = letters[at] === 't';
  }
  return conditions;
}

const strings = new Map<string, string>();

/** One copy of a text that thousands of objects have. */
function shared(text: string): string {
  const known = strings.get(text);
  if (known === undefined) strings.set(text, text);
  return known ?? text;
}

function flat(text: string): string {
  return Buffer.from(text).toString();
}
