/**
 * What the proxy keeps of the objects that it watches. With 10,000 services of 10 endpoints, the objects as they come are 150 MB;
 * these are 20.
 *
 *   Service          without what only people and other controllers read
 *   EndpointSlice    its endpoints as one string, read when somebody asks
 *
 * They are still a Service and an EndpointSlice: nobody who reads them can tell.
 */
import type { Endpoint, EndpointSlice, Service } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';

/** Between endpoints, their fields and several addresses: in no name and no address. */
const [row, column, comma] = ['\n', '\t', ','];
/** Metadata of a slice that is read by the proxy: the service's name, the headless label, the trigger time. */
const keptAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';
const keptLabels = ['kubernetes.io/service-name', 'service.kubernetes.io/headless'];

export function packService(service: Live<Service>): Live<Service> {
  delete service.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'];
  delete service.metadata.ownerReferences;
  if (service.spec !== undefined) delete service.spec.selector;
  return service;
}

export function packSlice(slice: Live<EndpointSlice>): Live<EndpointSlice> {
  return new PackedSlice(slice);
}

class PackedSlice implements EndpointSlice {
  readonly metadata: Live<EndpointSlice>['metadata'];
  readonly addressType: string;
  readonly ports: EndpointSlice['ports'];
  readonly #packed: string;

  constructor({ metadata, addressType, ports, endpoints }: Live<EndpointSlice>) {
    const { name, namespace, uid, resourceVersion, creationTimestamp, labels, annotations } = metadata;
    const trigger = annotations?.[keptAnnotation];
    const kept = keptLabels.flatMap((label) =>
      labels?.[label] === undefined ? [] : [[label, labels[label]] as const],
    );
    this.metadata = {
      name,
      ...(namespace === undefined ? {} : { namespace: shared(namespace) }),
      uid,
      resourceVersion,
      creationTimestamp,
      labels: Object.fromEntries(kept),
      ...(trigger === undefined ? {} : { annotations: { [keptAnnotation]: trigger } }),
    };
    this.addressType = addressType;
    this.ports = ports;
    // Joined pieces would be kept as a tree of them: this makes one flat run of bytes.
    this.#packed = flat((endpoints ?? []).map(pack).join(row));
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
    const conditions = conditionsOf(text.slice(first + 1, second));
    const nodeName = text.slice(second + 1);
    return nodeName === '' ? { addresses: [addresses], conditions } : { addresses: [addresses], conditions, nodeName };
  }
  return unpackAll(text);
}

function unpackAll(text: string): Endpoint {
  const [addresses = '', letters = '', nodeName = '', zone = '', hints = ''] = text.split(column);
  const endpoint: Endpoint = {
    addresses: addresses.includes(comma) ? addresses.split(comma) : [addresses],
    conditions: conditionsOf(letters),
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
const known = new Map<string, Conditions>();

function conditionsOf(letters: string): Conditions {
  const found = known.get(letters);
  if (found !== undefined) return found;
  const conditions: Conditions = {};
  for (const [at, name] of (['ready', 'serving', 'terminating'] as const).entries()) {
    if (letters[at] !== '-') conditions[name] = letters[at] === 't';
  }
  known.set(letters, conditions);
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
