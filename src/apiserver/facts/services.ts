/** What upstream answers to Services. */
import type { Fact, Facts } from './fact.ts';
import { serviceChanges } from './service-changes.ts';

const validation = 'pkg/apis/core/validation/validation.go ValidateService';
const alloc = 'pkg/registry/core/service/storage/alloc.go';
const defaults = 'pkg/apis/core/v1/defaults.go SetDefaults_Service';
const strategy = 'pkg/registry/core/service/strategy.go dropTypeDependentFields';
const range = 'must be between 1 and 65535, inclusive';
const onlyBalanced = "may only be used when `type` is 'LoadBalancer'";
const http = [{ port: 80 }];
const service = (spec: object, metadata: object = {}): object => ({ metadata: { name: 's', ...metadata }, spec });

/** A refused spec. */
function bad(name: string, spec: object, ...errors: string[]): Fact {
  return { name, source: validation, body: service(spec), errors };
}

function good(name: string, source: string, spec: object, has: Readonly<Record<string, unknown>>): Fact {
  return { name, source, body: service(spec), has };
}

const created: readonly Fact[] = [
  good('type is ClusterIP', defaults, { ports: http }, { 'spec.type': 'ClusterIP', 'spec.ports.0.targetPort': 80 }),
  good('protocol is TCP', defaults, { ports: http }, { 'spec.ports.0.protocol': 'TCP' }),
  good(
    'no affinity',
    defaults,
    { ports: http },
    { 'spec.sessionAffinity': 'None', 'spec.sessionAffinityConfig': undefined },
  ),
  good(
    'three hours of affinity',
    defaults,
    { ports: http, sessionAffinity: 'ClientIP' },
    { 'spec.sessionAffinityConfig.clientIP.timeoutSeconds': 10800 },
  ),
  good('inside: Cluster', defaults, { ports: http }, { 'spec.internalTrafficPolicy': 'Cluster' }),
  good('ClusterIP has no policy outside', defaults, { ports: http }, { 'spec.externalTrafficPolicy': undefined }),
  good(
    'NodePort: policy outside, no flag',
    defaults,
    { type: 'NodePort', ports: http },
    { 'spec.externalTrafficPolicy': 'Cluster', 'spec.allocateLoadBalancerNodePorts': undefined },
  ),
  good(
    'LoadBalancer: node ports are wanted',
    defaults,
    { type: 'LoadBalancer', ports: http },
    { 'spec.allocateLoadBalancerNodePorts': true, 'spec.externalTrafficPolicy': 'Cluster' },
  ),
  good(
    'LoadBalancer without node ports has none',
    alloc,
    { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: http },
    { 'spec.ports.0.nodePort': undefined },
  ),
  good(
    'ExternalName: nothing is defaulted nor allocated',
    alloc,
    { type: 'ExternalName', externalName: 'a.example' },
    { 'spec.clusterIP': undefined, 'spec.ipFamilies': undefined, 'spec.internalTrafficPolicy': undefined },
  ),
  good(
    'headless without selector takes both families',
    alloc,
    { clusterIP: 'None' },
    { 'spec.ipFamilyPolicy': 'RequireDualStack', 'spec.ipFamilies.1': 'IPv6', 'spec.clusterIPs.0': 'None' },
  ),
  good(
    'headless with selector is single-stack here',
    alloc,
    { clusterIP: 'None', selector: { a: 'b' }, ports: http },
    { 'spec.ipFamilyPolicy': 'SingleStack', 'spec.ipFamilies': ['IPv4'] },
  ),
  good(
    'PreferDualStack in a single-stack cluster',
    alloc,
    { ipFamilyPolicy: 'PreferDualStack', ports: http },
    { 'spec.ipFamilies': ['IPv4'], 'spec.ipFamilyPolicy': 'PreferDualStack' },
  ),
  good('the address asked for', alloc, { clusterIP: '10.96.77.7', ports: http }, { 'spec.clusterIPs': ['10.96.77.7'] }),
  good(
    'the node port asked for',
    alloc,
    { type: 'NodePort', ports: [{ port: 80, nodePort: 31777 }] },
    { 'spec.ports.0.nodePort': 31777 },
  ),
  good('status is not for clients', strategy, { type: 'LoadBalancer', ports: http }, { status: { loadBalancer: {} } }),
  {
    name: 'names may start with a digit (KEP-5311)',
    source: 'pkg/apis/core/validation/validation.go ValidateServiceCreate, RelaxedServiceNameValidation',
    body: service({ ports: http }, { name: '7s' }),
    has: { 'metadata.name': '7s' },
  },
];

const refused: readonly Fact[] = [
  bad('no ports', {}, 'spec.ports: Required value'),
  bad('no spec.ports for NodePort', { type: 'NodePort' }, 'spec.ports: Required value'),
  bad('port 0', { ports: [{ port: 0, targetPort: 1 }] }, `spec.ports[0].port: Invalid value: 0: ${range}`),
  bad('port -1', { ports: [{ port: -1, targetPort: 1 }] }, `spec.ports[0].port: Invalid value: -1: ${range}`),
  bad(
    'targetPort 0 is port',
    { ports: [{ port: 65536 }] },
    `spec.ports[0].port: Invalid value: 65536: ${range}`,
    `spec.ports[0].targetPort: Invalid value: 65536: ${range}`,
  ),
  bad(
    'targetPort number',
    { ports: [{ port: 1, targetPort: 65536 }] },
    `spec.ports[0].targetPort: Invalid value: 65536: ${range}`,
  ),
  bad(
    'targetPort name',
    { ports: [{ port: 1, targetPort: 'a--b' }] },
    'spec.ports[0].targetPort: Invalid value: "a--b": must not contain consecutive hyphens',
  ),
  bad(
    'targetPort name is long',
    { ports: [{ port: 1, targetPort: 'a234567890123456' }] },
    'spec.ports[0].targetPort: Invalid value: "a234567890123456": must be no more than 15 characters',
  ),
  bad(
    'protocol',
    { ports: [{ port: 1, protocol: 'tcp' }] },
    'spec.ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"',
  ),
  bad(
    'port name',
    { ports: [{ port: 1, name: 'A' }] },
    "spec.ports[0].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  ),
  bad('two ports want names', { ports: [{ port: 1 }, { port: 2, name: 'b' }] }, 'spec.ports[0].name: Required value'),
  bad(
    'port names twice',
    {
      ports: [
        { port: 1, name: 'a' },
        { port: 2, name: 'a' },
      ],
    },
    'spec.ports[1].name: Duplicate value: "a"',
  ),
  bad(
    'ports twice',
    {
      ports: [
        { port: 1, name: 'a' },
        { port: 1, name: 'b' },
      ],
    },
    'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,"TargetPort":0,"NodePort":0}',
  ),
  bad(
    'appProtocol',
    { ports: [{ port: 1, appProtocol: 'a b' }] },
    "spec.ports[0].appProtocol: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  ),
  bad(
    'type',
    { type: 'clusterip', ports: http },
    'spec.type: Unsupported value: "clusterip": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
  ),
  bad(
    'nodePort with ClusterIP',
    { ports: [{ port: 80, nodePort: 30001 }] },
    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
  ),
  bad(
    'nodePort for two',
    {
      type: 'NodePort',
      ports: [
        { name: 'a', port: 1, nodePort: 30001 },
        { name: 'b', port: 2, nodePort: 30001 },
      ],
    },
    'spec.ports[1].nodePort: Invalid value: 30001: provided port is already allocated',
  ),
  bad(
    'headless NodePort',
    { type: 'NodePort', clusterIP: 'None', ports: http },
    'spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services',
  ),
  bad(
    'headless LoadBalancer',
    { type: 'LoadBalancer', clusterIP: 'None', ports: http },
    'spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for LoadBalancer services',
  ),
  bad('ExternalName without name', { type: 'ExternalName' }, 'spec.externalName: Required value'),
  bad(
    'ExternalName with a bad one',
    { type: 'ExternalName', externalName: '-a' },
    "spec.externalName: Invalid value: \"-a\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ),
  bad(
    'ExternalName with address',
    { type: 'ExternalName', externalName: 'a.b', clusterIP: '10.96.0.77' },
    'spec.clusterIPs: Forbidden: may not be set for ExternalName services',
  ),
  bad(
    'ExternalName with families',
    { type: 'ExternalName', externalName: 'a.b', ipFamilies: ['IPv4'] },
    'spec.ipFamilies: Forbidden: may not be set for ExternalName services',
  ),
  bad(
    'ExternalName with policy',
    { type: 'ExternalName', externalName: 'a.b', ipFamilyPolicy: 'SingleStack' },
    'spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services',
  ),
  bad(
    'affinity',
    { ports: http, sessionAffinity: 'X' },
    'spec.sessionAffinity: Unsupported value: "X": supported values: "ClientIP", "None"',
  ),
  bad(
    'affinity of 0 s',
    { ports: http, sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } },
    'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400',
  ),
  bad(
    'policy outside of a ClusterIP',
    { ports: http, externalTrafficPolicy: 'Cluster' },
    'spec.externalTrafficPolicy: Invalid value: "Cluster": may only be set for externally-accessible services',
  ),
  bad(
    'policy outside',
    { type: 'NodePort', ports: http, externalTrafficPolicy: 'X' },
    'spec.externalTrafficPolicy: Unsupported value: "X": supported values: "Cluster", "Local"',
  ),
  bad(
    'policy inside',
    { ports: http, internalTrafficPolicy: 'X' },
    'spec.internalTrafficPolicy: Unsupported value: "X": supported values: "Cluster", "Local"',
  ),
  bad(
    'distribution',
    { ports: http, trafficDistribution: 'X' },
    'spec.trafficDistribution: Unsupported value: "X": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
  ),
  bad(
    'class of a NodePort',
    { type: 'NodePort', ports: http, loadBalancerClass: 'a/b' },
    `spec.loadBalancerClass: Forbidden: ${onlyBalanced}`,
  ),
  bad(
    'flag of a NodePort',
    { type: 'NodePort', ports: http, allocateLoadBalancerNodePorts: true },
    `spec.allocateLoadBalancerNodePorts: Forbidden: ${onlyBalanced}`,
  ),
  bad(
    'ranges of a NodePort',
    { type: 'NodePort', ports: http, loadBalancerSourceRanges: ['10.0.0.0/8'] },
    `spec.LoadBalancerSourceRanges: Forbidden: ${onlyBalanced}`,
  ),
  bad(
    'health port of Cluster',
    { type: 'LoadBalancer', ports: http, healthCheckNodePort: 30999 },
    "spec.healthCheckNodePort: Invalid value: 30999: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
  ),
  bad(
    'family',
    { ports: http, ipFamilies: ['ipv4'] },
    'spec.ipFamilies[0]: Unsupported value: "ipv4": supported values: "IPv4", "IPv6"',
  ),
  bad('family twice', { ports: http, ipFamilies: ['IPv4', 'IPv4'] }, 'spec.ipFamilies[1]: Duplicate value: "IPv4"'),
  bad(
    'family policy',
    { ports: http, ipFamilyPolicy: 'X' },
    'spec.ipFamilyPolicy: Unsupported value: "X": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
  ),
  bad(
    'clusterIPs without clusterIP',
    { ports: http, clusterIPs: ['10.96.0.77'] },
    'spec.clusterIPs: Invalid value: ["10.96.0.77"]: must be empty when `clusterIP` is not specified',
  ),
  bad(
    'selector',
    { ports: http, selector: { a: 'b c' } },
    "spec.selector: Invalid value: \"b c\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
  ),
  {
    ...bad(
      'address outside of the range',
      { ports: http, clusterIP: '10.97.0.1' },
      'spec.clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided network does not match the current range',
    ),
    source: 'pkg/registry/core/service/ipallocator/cidrallocator.go getAllocator',
  },
  {
    ...bad(
      'the first address of the range',
      { ports: http, clusterIP: '10.96.0.0' },
      'spec.clusterIPs: Invalid value: ["10.96.0.0"]: failed to allocate IP 10.96.0.0: the provided network does not match the current range',
    ),
    source: 'pkg/registry/core/service/ipallocator/ipallocator.go AllocateService',
  },
  {
    ...bad(
      'address of a family that is not there',
      { ports: http, clusterIP: 'fd00::7' },
      'spec.clusterIPs[0]: Invalid value: ["fd00::7"]: IPv6 is not configured on this cluster',
    ),
    source: alloc,
  },
  {
    ...bad(
      'RequireDualStack',
      { ports: http, ipFamilyPolicy: 'RequireDualStack' },
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ),
    source: alloc,
  },
  {
    ...bad(
      'IPv6 only',
      { ports: http, ipFamilies: ['IPv6'] },
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    ),
    source: alloc,
  },
  {
    ...bad(
      'address that is taken',
      { ports: http, clusterIP: '10.96.0.1' },
      'spec.clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated',
    ),
    source: alloc,
  },
  {
    ...bad(
      'node port outside of the range',
      { type: 'NodePort', ports: [{ port: 80, nodePort: 29999 }] },
      'spec.ports[0].nodePort: Invalid value: 29999: provided port is not in the valid range. The range of valid ports is 30000-32767',
    ),
    source: alloc,
  },
  {
    name: 'node port that is taken',
    source: alloc,
    given: [service({ type: 'NodePort', ports: [{ port: 80, nodePort: 31778 }] }, { name: 'other' })],
    body: service({ type: 'NodePort', ports: [{ port: 80, nodePort: 31778 }] }),
    errors: ['spec.ports[0].nodePort: Invalid value: 31778: provided port is already allocated'],
  },
];

export const services: Facts = {
  kind: 'Service',
  path: '/api/v1/namespaces/facts/services',
  rows: [...created, ...refused, ...serviceChanges],
};
