/** What upstream answers to EndpointSlices. */
import type { Fact, Facts } from './fact.ts';

const validation = 'pkg/apis/discovery/validation/validation.go ValidateEndpointSlice';
const special = 'pkg/apis/core/validation/validation.go ValidateEndpointIP';
const defaults = 'pkg/apis/discovery/v1/defaults.go';
const strategy = 'pkg/registry/discovery/endpointslice/strategy.go';
const one = [{ addresses: ['10.244.1.5'] }];
const slice = (fields: object, metadata: object = {}): object => ({
  metadata: { name: 's', ...metadata },
  addressType: 'IPv4',
  ports: [],
  ...fields,
});

function bad(name: string, fields: object, ...errors: string[]): Fact {
  return { name, source: validation, body: slice(fields), errors };
}

function badAddress(address: string, why: string, addressType = 'IPv4'): Fact {
  return {
    ...bad(
      `the address ${address}`,
      { addressType, endpoints: [{ addresses: [address] }] },
      `endpoints[0].addresses[0]: Invalid value: "${address}": ${why}`,
    ),
    source: special,
  };
}

function good(name: string, source: string, fields: object, has: Readonly<Record<string, unknown>> = {}): Fact {
  return { name, source, body: slice(fields), has };
}

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const loopback = 'may not be in the loopback range (127.0.0.0/8, ::1/128)';
const linkLocal = 'may not be in the link-local range (169.254.0.0/16, fe80::/10)';
const multicast = 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)';
const unspecified = (address: string): string => `may not be unspecified (${address})`;

const rows: readonly Fact[] = [
  good(
    'a port has a name and a protocol',
    defaults,
    { endpoints: one, ports: [{ port: 80 }] },
    { 'ports.0.name': '', 'ports.0.protocol': 'TCP' },
  ),
  good(
    'a port may be every port',
    defaults,
    { endpoints: one, ports: [{ name: 'all' }] },
    { 'ports.0.port': undefined },
  ),
  good('conditions are not made up', defaults, { endpoints: one }, { 'endpoints.0.conditions': {} }),
  good('no endpoints', validation, { endpoints: [] }),
  good('it has a generation', strategy, { endpoints: one }, { 'metadata.generation': 1 }),
  good(
    'a node and a zone',
    validation,
    { endpoints: [{ addresses: ['10.244.1.5'], nodeName: 'node-1', zone: 'a' }] },
    { 'endpoints.0.zone': 'a' },
  ),
  good(
    'FQDN',
    validation,
    { addressType: 'FQDN', endpoints: [{ addresses: ['a.example'] }] },
    { 'endpoints.0.addresses.0': 'a.example' },
  ),
  bad('no address type', { addressType: undefined, endpoints: [] }, 'addressType: Required value'),
  bad(
    'address type',
    { addressType: 'IP', endpoints: [] },
    'addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"',
  ),
  bad(
    'no addresses',
    { endpoints: [{ addresses: [] }] },
    'endpoints[0].addresses: Required value: must contain at least 1 address',
  ),
  bad(
    '101 addresses',
    { endpoints: [{ addresses: Array.from({ length: 101 }, (_, i) => `10.1.0.${i + 1}`) }] },
    'endpoints[0].addresses: Too many: 101: must have at most 100 items',
  ),
  bad(
    '1001 endpoints',
    { endpoints: Array.from({ length: 1001 }, (_, i) => ({ addresses: [`10.1.${i >> 8}.${i & 255}`] })) },
    'endpoints: Too many: 1001: must have at most 1000 items',
  ),
  badAddress('10.0.0', 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
  badAddress('010.0.0.1', 'must not have leading 0s'),
  badAddress('127.0.0.1', loopback),
  badAddress('169.254.169.254', linkLocal),
  badAddress('224.0.0.7', multicast),
  badAddress('0.0.0.0', unspecified('0.0.0.0')),
  badAddress('::1', loopback, 'IPv6'),
  badAddress('fe80::1', linkLocal, 'IPv6'),
  badAddress('ff02::1', multicast, 'IPv6'),
  badAddress('::', unspecified('::'), 'IPv6'),
  badAddress('::ffff:127.0.0.1', 'must not be an IPv4-mapped IPv6 address', 'IPv6'),
  bad(
    'IPv6 in IPv4',
    { endpoints: [{ addresses: ['fd00::1'] }] },
    'endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address',
  ),
  bad(
    'IPv4 in IPv6',
    { addressType: 'IPv6', endpoints: one },
    'endpoints[0].addresses: Invalid value: "10.244.1.5": must be an IPv6 address',
  ),
  bad(
    'FQDN with an address',
    { addressType: 'FQDN', endpoints: [{ addresses: ['a..b'] }] },
    "endpoints[0].addresses[0]: Invalid value: \"a..b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ),
  bad(
    'hostname',
    { endpoints: [{ addresses: ['10.244.1.5'], hostname: 'A' }] },
    `endpoints[0].hostname: Invalid value: "A": ${label}`,
  ),
  bad(
    'node name',
    { endpoints: [{ addresses: ['10.244.1.5'], nodeName: 'A' }] },
    "endpoints[0].nodeName: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ),
  bad(
    'protocol',
    { endpoints: one, ports: [{ port: 1, protocol: 'X' }] },
    'ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
  ),
  bad('port name', { endpoints: one, ports: [{ port: 1, name: 'A' }] }, `ports[0].name: Invalid value: "A": ${label}`),
  bad(
    'port names twice',
    {
      endpoints: one,
      ports: [
        { port: 1, name: 'a' },
        { port: 2, name: 'a' },
      ],
    },
    'ports[1].name: Duplicate value: "a"',
  ),
  bad(
    'two nameless ports',
    { endpoints: one, ports: [{ port: 1 }, { port: 2 }] },
    'ports[1].name: Duplicate value: ""',
  ),
  bad(
    'appProtocol',
    { endpoints: one, ports: [{ port: 1, appProtocol: '/' }] },
    'ports[0].appProtocol: Invalid value: "/": prefix part must be non-empty',
    'ports[0].appProtocol: Invalid value: "/": name part must be non-empty',
    "ports[0].appProtocol: Invalid value: \"/\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  ),
  bad(
    'hint twice',
    { endpoints: [{ addresses: ['10.244.1.5'], hints: { forZones: [{ name: 'a' }, { name: 'a' }] } }] },
    'endpoints[0].hints.forZones[1].name: Duplicate value: "a"',
  ),
  bad(
    'nine hints',
    {
      endpoints: [
        { addresses: ['10.244.1.5'], hints: { forZones: Array.from({ length: 9 }, (_, i) => ({ name: `z${i}` })) } },
      ],
    },
    'endpoints[0].hints.forZones: Too many: 9: must have at most 8 items',
  ),
  {
    name: 'the address type stays',
    source: 'validation.go ValidateEndpointSliceUpdate',
    given: [slice({ endpoints: [] })],
    send: ['PUT', '/s'],
    body: slice({ addressType: 'IPv6', endpoints: [] }),
    errors: ['addressType: Invalid value: "IPv6": field is immutable'],
  },
  {
    name: 'a change of endpoints is a generation',
    source: `${strategy} PrepareForUpdate`,
    given: [slice({ endpoints: [] })],
    send: ['PUT', '/s'],
    body: slice({ endpoints: one }),
    has: { 'metadata.generation': 2 },
  },
  {
    name: 'a change of labels is a generation too',
    source: `${strategy} PrepareForUpdate`,
    given: [slice({ endpoints: [] })],
    send: ['PUT', '/s'],
    body: slice({ endpoints: [] }, { labels: { a: 'b' } }),
    has: { 'metadata.generation': 2 },
  },
  {
    name: 'one label is no selector',
    source: 'apimachinery/pkg/labels',
    send: ['GET', '?labelSelector=kubernetes.io/service-name%3D'],
    is: [200, '', ''],
  },
  {
    name: 'no such slice',
    source: 'store.go Get',
    send: ['GET', '/none'],
    is: [404, 'NotFound', 'endpointslices.discovery.k8s.io "none" not found'],
  },
];

export const endpointSlices: Facts = {
  kind: 'EndpointSlice',
  path: '/apis/discovery.k8s.io/v1/namespaces/facts/endpointslices',
  rows,
};
