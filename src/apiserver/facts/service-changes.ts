/** What upstream answers when a stored Service is changed, and to what is said about Services in general. */
import type { Fact } from './fact.ts';

const validation = 'pkg/apis/core/validation/validation.go ValidateService';
const update = 'pkg/apis/core/validation/validation.go ValidateServiceUpdate';
const alloc = 'pkg/registry/core/service/storage/alloc.go';
const strategy = 'pkg/registry/core/service/strategy.go dropTypeDependentFields';
const http = [{ port: 80 }];
const service = (spec: object, metadata: object = {}): object => ({ metadata: { name: 's', ...metadata }, spec });

/** A change of a stored one by merge patch. */
function patched(name: string, source: string, before: object, patch: object, rest: Partial<Fact>): Fact {
  const headers = { 'content-type': 'application/merge-patch+json' };
  return { name, source, given: [service(before)], send: ['PATCH', '/s'], headers, body: { spec: patch }, ...rest };
}

const balanced = { type: 'LoadBalancer', ports: http };
const changed: readonly Fact[] = [
  patched(
    'address may not change',
    update,
    { ports: http },
    { clusterIP: '10.96.99.99' },
    { errors: ['spec.clusterIPs[0]: Invalid value: ["10.96.99.99"]: may not change once set'] },
  ),
  patched(
    'to headless',
    update,
    { ports: http, selector: { a: 'b' } },
    { clusterIP: 'None' },
    { errors: ['spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set'] },
  ),
  patched(
    'ClusterIP to ExternalName lets the address go',
    strategy,
    { ports: http },
    { type: 'ExternalName', externalName: 'a.b' },
    { has: { 'spec.clusterIP': undefined, 'spec.clusterIPs': undefined, 'spec.ipFamilies': undefined } },
  ),
  patched(
    'NodePort to ClusterIP lets the port go',
    strategy,
    { type: 'NodePort', ports: http },
    { type: 'ClusterIP' },
    { has: { 'spec.ports.0.nodePort': undefined, 'spec.externalTrafficPolicy': undefined } },
  ),
  patched(
    'LoadBalancer to NodePort keeps the ports',
    strategy,
    { ...balanced, loadBalancerClass: 'a/b' },
    { type: 'NodePort' },
    {
      has: {
        'spec.loadBalancerClass': undefined,
        'spec.allocateLoadBalancerNodePorts': undefined,
        'spec.externalTrafficPolicy': 'Cluster',
      },
    },
  ),
  patched(
    'the class may not change',
    update,
    { ...balanced, loadBalancerClass: 'a/b' },
    { loadBalancerClass: 'a/c' },
    { errors: ['spec.loadBalancerClass: Invalid value: "a/c": may not change once set'] },
  ),
  patched(
    'the class may not come later',
    update,
    balanced,
    { loadBalancerClass: 'a/c' },
    { errors: ['spec.loadBalancerClass: Invalid value: "a/c": may not change once set'] },
  ),
  patched(
    'the class may come with the type',
    update,
    { ports: http },
    { type: 'LoadBalancer', loadBalancerClass: 'a/c' },
    { has: { 'spec.loadBalancerClass': 'a/c' } },
  ),
  patched(
    'the health port stays',
    update,
    { ...balanced, externalTrafficPolicy: 'Local', healthCheckNodePort: 31990 },
    { healthCheckNodePort: 31991 },
    { errors: ['spec.healthCheckNodePort: Forbidden: field is immutable'] },
  ),
  patched(
    'Local to Cluster lets the health port go',
    strategy,
    { ...balanced, externalTrafficPolicy: 'Local' },
    { externalTrafficPolicy: 'Cluster' },
    { has: { 'spec.healthCheckNodePort': undefined } },
  ),
  patched(
    'headless to NodePort',
    validation,
    { clusterIP: 'None' },
    { type: 'NodePort' },
    {
      errors: ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
    },
  ),
  patched(
    'ExternalName to ClusterIP gets an address, the name stays',
    alloc,
    { type: 'ExternalName', externalName: 'a.b' },
    { type: 'ClusterIP', ports: http },
    { has: { 'spec.externalName': 'a.b', 'spec.ipFamilies': ['IPv4'] } },
  ),
  patched(
    'node ports go when they are no longer wanted',
    alloc,
    balanced,
    { allocateLoadBalancerNodePorts: false },
    { has: { 'spec.allocateLoadBalancerNodePorts': false } },
  ),
  patched(
    'the first family stays',
    update,
    { ports: http },
    { ipFamilies: ['IPv6'] },
    {
      errors: [
        'spec.clusterIPs[0]: Invalid value: "CLUSTER_IP": expected an IPv6 value as indicated by `ipFamilies[0]`',
      ],
    },
  ),
  {
    name: 'status: not of a ClusterIP',
    source: 'pkg/apis/core/validation/validation.go ValidateLoadBalancerStatus',
    given: [service({ ports: http })],
    send: ['PATCH', '/s/status'],
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { status: { loadBalancer: { ingress: [{ ip: '198.51.100.200' }] } } },
    errors: ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"],
  },
  {
    name: 'status: a hostname is no address',
    source: 'pkg/apis/core/validation/validation.go ValidateLoadBalancerStatus',
    given: [service(balanced)],
    send: ['PATCH', '/s/status'],
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { status: { loadBalancer: { ingress: [{ hostname: '198.51.100.200' }] } } },
    errors: [
      'status.loadBalancer.ingress[0].hostname: Invalid value: "198.51.100.200": must be a DNS name, not an IP address',
    ],
  },
  {
    name: 'status: ipMode is VIP',
    source: 'pkg/apis/core/v1/defaults.go SetDefaults_Service, LoadBalancerIPMode (KEP-1860)',
    given: [service(balanced)],
    send: ['PATCH', '/s/status'],
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { status: { loadBalancer: { ingress: [{ ip: '198.51.100.200' }] } } },
    has: { 'status.loadBalancer.ingress.0.ipMode': 'VIP' },
  },
];

const rest = 'staging/src/k8s.io/apiserver/pkg/endpoints/handlers';
const spoken: readonly Fact[] = [
  {
    name: 'name twice',
    source: 'pkg/registry/generic/registry/store.go Create',
    given: [service({ ports: http })],
    body: service({ ports: http }),
    is: [409, 'AlreadyExists', 'services "s" already exists'],
  },
  {
    name: 'no such Service',
    source: 'store.go Get',
    send: ['GET', '/none'],
    is: [404, 'NotFound', 'services "none" not found'],
  },
  {
    name: 'no such namespace',
    source: 'plugin/pkg/admission/namespace/lifecycle',
    path: '/api/v1/namespaces/none/services',
    body: service({ ports: http }),
    is: [404, 'NotFound', 'namespaces "none" not found'],
  },
  {
    name: 'another namespace in the body',
    source: `${rest}/create.go EnsureObjectNamespaceMatchesRequestNamespace`,
    body: service({ ports: http }, { namespace: 'default' }),
    is: [400, 'BadRequest', 'the namespace of the provided object does not match the namespace sent on the request'],
  },
  {
    name: 'another kind',
    source: `${rest}/create.go`,
    body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 's' } },
    is: [400, 'BadRequest', /^Pod in version "v1" cannot be handled as a Service: /],
  },
  {
    name: 'not JSON',
    source: `${rest}/create.go`,
    body: '{"metadata":',
    is: [
      400,
      'BadRequest',
      /^the object provided is unrecognized|couldn't get version\/kind|unexpected end of JSON input|error decoding/,
    ],
  },
  {
    name: 'unknown content type',
    source: `${rest}/negotiation/negotiate.go`,
    headers: { 'content-type': 'text/plain' },
    body: 'x',
    is: [
      415,
      'UnsupportedMediaType',
      /^the body of the request was in an unknown format - accepted media types include: /,
    ],
  },
  {
    name: 'unknown accept',
    source: 'go-restful jsr311.go detectDispatcher',
    send: ['GET', ''],
    headers: { accept: 'text/html' },
    is: [
      406,
      'NotAcceptable',
      '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
    ],
  },
  {
    name: 'unknown patch',
    source: `${rest}/patch.go`,
    given: [service({ ports: http })],
    send: ['PATCH', '/s'],
    headers: { 'content-type': 'application/json' },
    body: {},
    is: [415, 'UnsupportedMediaType', '415: Unsupported Media Type'],
  },
  {
    name: 'old resourceVersion',
    source: 'store.go Update',
    given: [service({ ports: http })],
    send: ['PUT', '/s'],
    body: service({ ports: http }, { resourceVersion: '1' }),
    is: [
      409,
      'Conflict',
      'Operation cannot be fulfilled on services "s": the object has been modified; please apply your changes to the latest version and try again',
    ],
  },
  {
    name: 'uid as precondition',
    source: 'staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go BeforeDelete',
    given: [service({ ports: http })],
    send: ['DELETE', '/s'],
    body: { preconditions: { uid: 'other' } },
    is: [
      409,
      'Conflict',
      /^Operation cannot be fulfilled on Service "s": the UID in the precondition \(other\) does not match the UID in record \([-0-9a-f]{36}\)\. The object might have been deleted and then recreated$/,
    ],
  },
  {
    name: 'resourceVersion on create',
    source: 'registry/rest/create.go, storage',
    body: service({ ports: http }, { resourceVersion: '7' }),
    is: [500, '', 'resourceVersion should not be set on objects to be created'],
  },
  {
    name: 'PUT of another name',
    source: `${rest}/update.go`,
    given: [service({ ports: http })],
    send: ['PUT', '/s'],
    body: service({ ports: http }, { name: 't' }),
    is: [400, 'BadRequest', 'the name of the object (t) does not match the name on the URL (s)'],
  },
  {
    name: 'PUT of none creates it',
    source: 'pkg/registry/core/service/strategy.go AllowCreateOnUpdate',
    send: ['PUT', '/s'],
    body: service({ ports: http }),
    has: { 'metadata.name': 's', 'spec.type': 'ClusterIP' },
  },
  {
    name: 'unknown field, Strict',
    source: `${rest}/create.go fieldValidation`,
    send: ['POST', '?fieldValidation=Strict'],
    body: service({ ports: http, colour: 1 }),
    is: [
      400,
      'BadRequest',
      'Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.colour"',
    ],
  },
  {
    name: 'unknown field, Warn',
    source: `${rest}/create.go fieldValidation`,
    send: ['POST', '?fieldValidation=Warn'],
    body: service({ ports: http, colour: 1 }),
    warnings: ['unknown field "spec.colour"'],
  },
  {
    name: 'a field of another type',
    source: 'json decoding of k8s.io/api',
    body: service({ ports: 'none' }),
    is: [
      400,
      'BadRequest',
      /^Service in version "v1" cannot be handled as a Service: json: cannot unmarshal string into Go struct field ServiceSpec\.spec\.ports of type \[\]v1\.ServicePort$/,
    ],
  },
  {
    name: 'limit is a number',
    source: 'k8s.io/apimachinery/pkg/apis/meta/v1 ListOptions',
    send: ['GET', '?limit=x'],
    is: [400, 'BadRequest', /strconv\.ParseInt: parsing "x": invalid syntax/],
  },
  {
    name: 'selectors are read',
    source: 'apimachinery/pkg/labels Parse',
    send: ['GET', '?labelSelector=a%20b'],
    is: [400, 'BadRequest', /unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt/],
  },
  {
    name: 'field selectors are known',
    source: 'pkg/apis/core/v1/conversion.go',
    send: ['GET', '?fieldSelector=spec.ports=1'],
    is: [400, 'BadRequest', 'field label not supported: spec.ports'],
  },
  {
    name: 'continue is checked',
    source: 'apiserver/pkg/storage/continue.go',
    send: ['GET', '?limit=1&continue=x'],
    is: [400, 'BadRequest', /^invalid continue token: continue key is not valid: /],
  },
];

export const serviceChanges: readonly Fact[] = [...changed, ...spoken];
