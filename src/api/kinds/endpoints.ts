/** core/v1 Endpoints. Upstream: pkg/apis/core/validation ValidateEndpoints, printEndpoints. */
import type { CoreEndpointPort, EndpointAddress, EndpointSubset, Endpoints } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { whyInvalidIp } from '../../util/ip.ts';
import { invalidField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateEnum,
  validateMetadata,
  validateMetadataUpdate,
  validateNonSpecialIp,
  warningsForIp,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
  whyNotPort,
  whyNotQualifiedName,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';

const shown = 3;

export const endpointsKind = defineKind<Endpoints>({
  resource: resources.endpoints,
  applyDefaults(endpoints) {
    for (const subset of endpoints.subsets ?? []) {
      for (const port of subset.ports ?? []) port.protocol ??= 'TCP';
    }
  },
  validate: (endpoints) => validateEndpoints(endpoints, new Set()),
  validateUpdate: (endpoints, old) => [
    ...validateMetadataUpdate(endpoints, old),
    ...validateEndpoints(endpoints, addressesOf(old)),
  ],
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  warnings: addressWarnings,
  columns: [
    nameColumn(),
    column('Endpoints', 'The set of all endpoints is the union of all subsets.', endpointsText),
    ageColumn(),
  ],
  createOnUpdate: true,
  unconditionalUpdate: true,
});

/** What the controller writes is canonical. */
function addressWarnings({ metadata, subsets = [] }: Endpoints): string[] {
  if (metadata?.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller') return [];
  return subsets.flatMap((subset, index) =>
    (['addresses', 'notReadyAddresses'] as const).flatMap((list) =>
      (subset[list] ?? []).flatMap(({ ip }, at) => warningsForIp(ip, `subsets[${index}].${list}[${at}].ip`)),
    ),
  );
}

function validateEndpoints(endpoints: Endpoints, kept: ReadonlySet<string>): FieldError[] {
  return [
    ...validateMetadata(endpoints, true, dns1123SubdomainName),
    ...(endpoints.subsets ?? []).flatMap((subset, index) => validateSubset(subset, `subsets[${index}]`, kept)),
  ];
}

function validateSubset(subset: EndpointSubset, at: string, kept: ReadonlySet<string>): FieldError[] {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  const errors: FieldError[] = [];
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    errors.push(requiredField(at, 'must specify `addresses` or `notReadyAddresses`'));
  }
  for (const [index, address] of addresses.entries()) {
    errors.push(...validateAddress(address, `${at}.addresses[${index}]`, kept));
  }
  for (const [index, address] of notReadyAddresses.entries()) {
    errors.push(...validateAddress(address, `${at}.notReadyAddresses[${index}]`, kept));
  }
  for (const [index, port] of ports.entries()) {
    errors.push(...validatePort(port, ports.length > 1, `${at}.ports[${index}]`));
  }
  return errors;
}

function validateAddress(address: EndpointAddress, at: string, kept: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  const ip = address.ip ?? '';
  const why = kept.has(ip) ? undefined : whyInvalidIp(ip);
  if (why !== undefined) errors.push(invalidField(`${at}.ip`, ip, why));
  if ((address.hostname ?? '') !== '') {
    for (const bad of whyNotDns1123Label(address.hostname ?? '')) {
      errors.push(invalidField(`${at}.hostname`, address.hostname, bad));
    }
  }
  if (address.nodeName !== undefined) {
    for (const bad of whyNotDns1123Subdomain(address.nodeName)) {
      errors.push(invalidField(`${at}.nodeName`, address.nodeName, bad));
    }
  }
  return [...errors, ...validateNonSpecialIp(ip, `${at}.ip`)];
}

function validatePort(port: CoreEndpointPort, needsName: boolean, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const name = port.name ?? '';
  if (name !== '') for (const why of whyNotDns1123Label(name)) errors.push(invalidField(`${at}.name`, name, why));
  else if (needsName) errors.push(requiredField(`${at}.name`));
  for (const why of whyNotPort(port.port ?? 0)) errors.push(invalidField(`${at}.port`, port.port ?? 0, why));
  errors.push(...validateEnum(port.protocol, `${at}.protocol`, ['SCTP', 'TCP', 'UDP']));
  if (port.appProtocol !== undefined) {
    for (const why of whyNotQualifiedName(port.appProtocol)) {
      errors.push(invalidField(`${at}.appProtocol`, port.appProtocol, why));
    }
  }
  return errors;
}

function addressesOf(endpoints: Live<Endpoints>): ReadonlySet<string> {
  const all = (endpoints.subsets ?? []).flatMap((subset) => [
    ...(subset.addresses ?? []),
    ...(subset.notReadyAddresses ?? []),
  ]);
  return new Set(all.map((address) => address.ip));
}

/** `10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...`; ready ones only. */
function endpointsText(endpoints: Live<Endpoints>): string {
  const subsets = endpoints.subsets ?? [];
  if (subsets.length === 0) return '<none>';
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map((address) => address.ip)
      : ports.flatMap((port) => addresses.map((address) => hostPort(address.ip, port.port))),
  );
  const text = all.slice(0, shown).join(',');
  return all.length > shown ? `${text} + ${all.length - shown} more...` : text;
}

function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
