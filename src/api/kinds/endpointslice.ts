/** discovery.k8s.io/v1 EndpointSlice. Upstream: pkg/apis/discovery/validation, pkg/registry/discovery/endpointslice. */
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { canonicalIp, familyOf, whyInvalidIp } from '../../util/ip.ts';
import { duplicateField, invalidField, notSupportedField, requiredField, tooManyField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateEnum,
  validateMetadata,
  validateNonSpecialIp,
  warningsForIp,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
  whyNotLabelValue,
  whyNotPort,
  whyNotQualifiedName,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { sameValue } from './equal.ts';

const managedBy = 'endpointslice.kubernetes.io/managed-by';
const most = { endpoints: 1000, addresses: 100, ports: 20000, hints: 8 };
const protocols = ['SCTP', 'TCP', 'UDP'];
const shown = 3;

export const endpointSliceKind = defineKind<EndpointSlice>({
  resource: resources.endpointSlices,
  applyDefaults(slice) {
    for (const port of slice.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
    // A struct that Go never leaves out.
    for (const endpoint of slice.endpoints ?? []) endpoint.conditions ??= {};
  },
  prepareForCreate(slice) {
    slice.metadata = { ...slice.metadata, generation: 1 };
    for (const endpoint of slice.endpoints ?? []) delete endpoint.deprecatedTopology;
  },
  prepareForUpdate(slice, old) {
    const same =
      sameValue(slice.endpoints, old.endpoints) &&
      sameValue(slice.ports, old.ports) &&
      sameValue(slice.metadata?.labels, old.metadata.labels);
    const before = old.metadata.generation ?? 1;
    slice.metadata = { ...slice.metadata, generation: same ? before : before + 1 };
    if (!sameValue(slice.endpoints, old.endpoints)) dropTopology(slice, old);
  },
  validate: (slice) => validateSlice(slice),
  validateUpdate: (slice, old) => [
    ...(slice.addressType === old.addressType
      ? []
      : [invalidField('addressType', slice.addressType, 'field is immutable')]),
    ...validateSlice(slice, old),
  ],
  warnings: (slice, old) => [
    ...(slice.addressType === 'FQDN' && old === undefined ? ['spec.addressType: FQDN endpoints are deprecated'] : []),
    ...addressWarnings(slice),
  ],
  columns: [
    nameColumn(),
    column(
      'AddressType',
      'addressType specifies the type of address carried by this EndpointSlice.',
      (slice) => slice.addressType,
    ),
    column('Ports', 'ports specifies the list of network ports exposed by each endpoint in this slice.', portsText),
    column('Endpoints', 'endpoints is a list of unique endpoints in this slice.', endpointsText),
    ageColumn(),
  ],
  createOnUpdate: true,
  unconditionalUpdate: true,
});

/** What controllers write is canonical. */
function addressWarnings({ metadata, endpoints = [] }: EndpointSlice): string[] {
  if (/^endpointslice(mirroring)?-controller\.k8s\.io$/.test(metadata?.labels?.[managedBy] ?? '')) return [];
  return endpoints.flatMap(({ addresses = [] }, index) =>
    addresses.flatMap((address, at) => warningsForIp(address, `endpoints[${index}].addresses[${at}]`)),
  );
}

/** Of v1beta1, whose node names are still understood. Upstream: dropTopologyOnV1. */
function dropTopology({ endpoints = [] }: EndpointSlice, { endpoints: before = [] }: EndpointSlice): void {
  const hostname = 'kubernetes.io/hostname';
  const known = new Set(before.map(({ deprecatedTopology }) => deprecatedTopology?.[hostname]));
  for (const endpoint of endpoints) {
    const node = endpoint.deprecatedTopology?.[hostname];
    if (node !== undefined && known.has(node) && whyNotDns1123Subdomain(node).length === 0) endpoint.nodeName ??= node;
    delete endpoint.deprecatedTopology;
  }
}

function validateSlice(slice: EndpointSlice, old?: Live<EndpointSlice>): FieldError[] {
  const types = validateEnum(slice.addressType, 'addressType', ['FQDN', 'IPv4', 'IPv6']);
  const endpoints = validateEndpoints(slice, types.length === 0);
  // Those that are as they were may be older than the rules.
  const kept = endpoints.length > 0 && old !== undefined && sameValue(slice.endpoints, old.endpoints);
  return [
    ...validateMetadata(slice, true, dns1123SubdomainName),
    ...types,
    ...validatePorts(slice.ports ?? []),
    ...(kept ? [] : endpoints),
  ];
}

function validateEndpoints(slice: EndpointSlice, typed: boolean): FieldError[] {
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > most.endpoints) return [tooManyField('endpoints', endpoints.length, most.endpoints)];
  const errors: FieldError[] = [];
  for (const [index, endpoint] of endpoints.entries()) {
    const at = `endpoints[${index}]`;
    if (typed) errors.push(...validateAddresses(endpoint, slice.addressType, at));
    errors.push(...validateEndpoint(endpoint, at));
  }
  return errors;
}

function validateAddresses(endpoint: Endpoint, type: string, at: string): FieldError[] {
  const addresses = endpoint.addresses ?? [];
  if (addresses.length === 0) return [requiredField(`${at}.addresses`, 'must contain at least 1 address')];
  if (addresses.length > most.addresses) return [tooManyField(`${at}.addresses`, addresses.length, most.addresses)];
  return addresses.flatMap((address, index) => {
    const field = `${at}.addresses[${index}]`;
    if (type === 'FQDN') return validateFqdn(address, field);
    const why = whyInvalidIp(address);
    if (why !== undefined) return [invalidField(field, address, why)];
    // IPv6 is held to the standard as it is today, IPv4 to that of its first day.
    const canonical = canonicalIp(address);
    if (type === 'IPv6' && canonical !== address) {
      return [invalidField(field, address, `must be in canonical form ("${canonical ?? ''}")`)];
    }
    return [
      ...(familyOf(address) === type ? [] : [invalidField(`${at}.addresses`, address, `must be an ${type} address`)]),
      ...validateNonSpecialIp(address, field),
    ];
  });
}

/** Upstream: IsFullyQualifiedDomainName. */
function validateFqdn(address: string, field: string): FieldError[] {
  if (address === '') return [requiredField(field)];
  const name = address.replace(/\.$/, '');
  const [why] = [whyNotDns1123Subdomain(name).join(',')].filter((text) => text !== '');
  if (why !== undefined) return [invalidField(field, name, why)];
  const labels = name.split('.');
  if (labels.length < 2) {
    return [invalidField(field, name, 'should be a domain with at least two segments separated by dots')];
  }
  const [bad] = labels.filter((label) => whyNotDns1123Label(label).length > 0);
  return bad === undefined ? [] : [invalidField(field, bad, whyNotDns1123Label(bad).join(','))];
}

function validateEndpoint(endpoint: Endpoint, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const { nodeName, hostname, hints } = endpoint;
  if (nodeName !== undefined) {
    for (const why of whyNotDns1123Subdomain(nodeName)) errors.push(invalidField(`${at}.nodeName`, nodeName, why));
  }
  if (hostname !== undefined) {
    for (const why of whyNotDns1123Label(hostname)) errors.push(invalidField(`${at}.hostname`, hostname, why));
  }
  return hints === undefined ? errors : [...errors, ...validateHints(hints, `${at}.hints`)];
}

function validateHints(hints: EndpointHints, at: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key of ['forZones', 'forNodes'] as const) {
    const list = hints[key] ?? [];
    const field = `${at}.${key}`;
    if (list.length > most.hints) return [...errors, tooManyField(field, list.length, most.hints)];
    for (const [index, { name }] of list.entries()) {
      if (list.findIndex((other) => other.name === name) !== index) {
        errors.push(duplicateField(`${field}[${index}].name`, name));
      }
      const bad = key === 'forZones' ? whyNotLabelValue(name) : whyNotDns1123Subdomain(name);
      for (const why of bad) errors.push(invalidField(`${field}[${index}].name`, name, why));
    }
  }
  return errors;
}

function validatePorts(ports: readonly EndpointPort[]): FieldError[] {
  if (ports.length > most.ports) return [tooManyField('ports', ports.length, most.ports)];
  return ports.flatMap((port, index) => {
    const at = `ports[${index}]`;
    const errors: FieldError[] = [];
    const name = port.name ?? '';
    if (name !== '') for (const why of whyNotDns1123Label(name)) errors.push(invalidField(`${at}.name`, name, why));
    if (ports.findIndex((other) => (other.name ?? '') === name) !== index) {
      errors.push(duplicateField(`${at}.name`, name));
    }
    if (!protocols.includes(port.protocol ?? '')) {
      errors.push(notSupportedField(`${at}.protocol`, port.protocol, protocols));
    }
    if (port.port !== undefined) {
      for (const why of whyNotPort(port.port)) errors.push(invalidField(`${at}.port`, port.port, why));
    }
    if (port.appProtocol !== undefined) {
      for (const why of whyNotQualifiedName(port.appProtocol)) {
        errors.push(invalidField(`${at}.appProtocol`, port.appProtocol, why));
      }
    }
    return errors;
  });
}

function portsText(slice: Live<EndpointSlice>): string {
  return listText((slice.ports ?? []).map(({ port, name }) => (port === undefined ? (name ?? '*') : String(port))));
}

function endpointsText(slice: Live<EndpointSlice>): string {
  return listText((slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses));
}

function listText(all: readonly string[]): string {
  const text = all.slice(0, shown).join(',');
  if (all.length > shown) return `${text} + ${all.length - shown} more...`;
  return text === '' ? '<unset>' : text;
}
