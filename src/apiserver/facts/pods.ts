/** What upstream answers to Pods. */
import type { Fact, Facts } from './fact.ts';
import { podContainers } from './pod-containers.ts';

const validation = 'pkg/apis/core/validation/validation.go ValidatePodSpec';
const update = 'pkg/apis/core/validation/validation.go ValidatePodUpdate';
const defaults = 'pkg/apis/core/v1/defaults.go';
const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const plain = { name: 'c', image: 'i' };
const pod = (spec: object, metadata: object = {}): object => ({
  metadata: { name: 'p', ...metadata },
  spec: { containers: [plain], ...spec },
});
const container = (fields: object): object => ({ containers: [{ ...plain, ...fields }] });

function bad(name: string, spec: object, ...errors: string[]): Fact {
  return { name, source: validation, body: pod(spec), errors };
}

function good(name: string, spec: object, has: Readonly<Record<string, unknown>>): Fact {
  return { name, source: defaults, body: pod(spec), has };
}

const inSpec: readonly Fact[] = [
  good(
    'what a pod is by default',
    {},
    {
      'spec.restartPolicy': 'Always',
      'spec.dnsPolicy': 'ClusterFirst',
      'spec.terminationGracePeriodSeconds': 30,
      'spec.schedulerName': 'default-scheduler',
      'spec.enableServiceLinks': true,
      'spec.securityContext': {},
      'spec.serviceAccountName': 'default',
      'status.phase': 'Pending',
      'status.qosClass': 'BestEffort',
    },
  ),
  good('what a container is by default', container({ image: 'i:1' }), {
    'spec.containers.0.imagePullPolicy': 'IfNotPresent',
    'spec.containers.0.terminationMessagePath': '/dev/termination-log',
    'spec.containers.0.terminationMessagePolicy': 'File',
    'spec.containers.0.resources': {},
  }),
  good('no tag is latest, which is always pulled', {}, { 'spec.containers.0.imagePullPolicy': 'Always' }),
  good('a port is TCP', container({ ports: [{ containerPort: 80 }] }), { 'spec.containers.0.ports.0.protocol': 'TCP' }),
  good(
    'on the host network a port is the host’s',
    { hostNetwork: true, ...container({ ports: [{ containerPort: 81 }] }) },
    { 'spec.containers.0.ports.0.hostPort': 81 },
  ),
  good('a probe has its numbers', container({ readinessProbe: { httpGet: { port: 80 } } }), {
    'spec.containers.0.readinessProbe': {
      httpGet: { path: '/', port: 80, scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    },
  }),
  good('a volume is an empty directory', { volumes: [{ name: 'v' }] }, { 'spec.volumes.0.emptyDir': {} }),
  good('limits are requests', container({ resources: { limits: { cpu: '1' } } }), {
    'spec.containers.0.resources.requests.cpu': '1',
    'status.qosClass': 'Burstable',
  }),
  good('cpu and memory, limits and requests alike', container({ resources: { limits: { cpu: '1', memory: '1Gi' } } }), {
    'status.qosClass': 'Guaranteed',
  }),
  bad('no containers', { containers: [] }, 'spec.containers: Required value'),
  bad('two containers of one name', { containers: [plain, plain] }, 'spec.containers[1].name: Duplicate value: "c"'),
  bad(
    'init container of the same name',
    { initContainers: [plain] },
    'spec.initContainers[0].name: Duplicate value: "c"',
  ),
  bad(
    'restartPolicy',
    { restartPolicy: 'X' },
    'spec.restartPolicy: Unsupported value: "X": supported values: "Always", "OnFailure", "Never"',
  ),
  bad(
    'dnsPolicy',
    { dnsPolicy: 'X' },
    'spec.dnsPolicy: Unsupported value: "X": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
  ),
  bad(
    'dnsPolicy None wants a server',
    { dnsPolicy: 'None' },
    'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
  ),
  bad(
    'dnsPolicy None wants one server',
    { dnsPolicy: 'None', dnsConfig: {} },
    'spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None',
  ),
  bad(
    'four servers',
    { dnsConfig: { nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'] } },
    'spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]: must not have more than 3 nameservers',
  ),
  bad(
    'a server that is none',
    { dnsConfig: { nameservers: ['x'] } },
    'spec.dnsConfig.nameservers[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ),
  bad(
    'an option without name',
    { dnsConfig: { options: [{ value: '1' }] } },
    'spec.dnsConfig.options[0]: Required value: must not be empty',
  ),
  bad(
    'activeDeadlineSeconds',
    { activeDeadlineSeconds: 0 },
    'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
  ),
  bad('hostname', { hostname: 'A' }, `spec.hostname: Invalid value: "A": ${label}`),
  bad('subdomain', { subdomain: 'A' }, `spec.subdomain: Invalid value: "A": ${label}`),
  bad('volumes twice', { volumes: [{ name: 'v' }, { name: 'v' }] }, 'spec.volumes[1].name: Duplicate value: "v"'),
  bad('volume without name', { volumes: [{}] }, 'spec.volumes[0].name: Required value'),
  bad(
    'volume of two kinds',
    { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] },
    'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
  ),
  bad(
    'a host path goes down',
    { volumes: [{ name: 'v', hostPath: { path: '/a/../b' } }] },
    'spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
  ),
  bad(
    'secret volume without secret',
    { volumes: [{ name: 'v', secret: {} }] },
    'spec.volumes[0].secret.secretName: Required value',
  ),
  bad(
    'configMap volume without name',
    { volumes: [{ name: 'v', configMap: {} }] },
    'spec.volumes[0].configMap.name: Required value',
  ),
  bad(
    'host alias',
    { hostAliases: [{ ip: 'x', hostnames: ['a'] }] },
    'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ),
  bad(
    'ephemeral containers come later',
    { ephemeralContainers: [{ name: 'e', image: 'i' }] },
    'spec.ephemeralContainers: Forbidden: cannot be set on create',
  ),
  bad(
    'two pid namespaces',
    { hostPID: true, shareProcessNamespace: true },
    'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
  ),
  bad(
    'toleration',
    { tolerations: [{ key: 'a', operator: 'X' }] },
    'spec.tolerations[0].operator: Unsupported value: "X": supported values: "Equal", "Exists"',
  ),
  bad(
    'readiness gate',
    { readinessGates: [{ conditionType: '' }] },
    'spec.readinessGates[0].conditionType: Invalid value: "": name part must be non-empty',
    "spec.readinessGates[0].conditionType: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  ),
];

const rest: readonly Fact[] = [
  {
    name: 'labels',
    source: 'apimachinery/pkg/apis/meta/v1/validation',
    body: pod({}, { labels: { 'a b': 'c' } }),
    errors: [
      "metadata.labels: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  },
  {
    name: 'a pod without name',
    source: 'apimachinery/pkg/api/validation ValidateObjectMeta',
    body: { spec: { containers: [plain] } },
    errors: ['metadata.name: Required value: name or generateName is required'],
  },
  {
    name: 'a name that is none',
    source: 'apimachinery/pkg/api/validation NameIsDNSSubdomain',
    body: pod({}, { name: 'A' }),
    errors: [
      "metadata.name: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  },
  {
    name: 'a service account that is not there',
    source: 'plugin/pkg/admission/serviceaccount',
    body: pod({ serviceAccountName: 'none' }),
    is: [
      403,
      'Forbidden',
      'pods "p" is forbidden: error looking up service account facts/none: serviceaccount "none" not found',
    ],
  },
  {
    name: 'a priority class that is not there',
    source: 'plugin/pkg/admission/priority',
    body: pod({ priorityClassName: 'none' }),
    is: [403, 'Forbidden', 'pods "p" is forbidden: no PriorityClass with name none was found'],
  },
  {
    name: 'the spec stays',
    source: update,
    given: [pod({})],
    send: ['PATCH', '/p'],
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { spec: { dnsPolicy: 'Default' } },
    is: [
      422,
      'Invalid',
      /^Pod "p" is invalid: spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,`spec\.initContainers\[\*\]\.image`,`spec\.activeDeadlineSeconds`,`spec\.tolerations` \(only additions to existing tolerations\),`spec\.terminationGracePeriodSeconds` \(allow it to be set to 1 if it was previously negative\)/,
    ],
  },
  {
    name: 'containers neither come nor go',
    source: update,
    given: [pod({})],
    send: ['PATCH', '/p'],
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { spec: { containers: [plain, { name: 'd', image: 'i' }] } },
    errors: ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  },
  {
    name: 'an image may change',
    source: update,
    given: [pod({})],
    send: ['PATCH', '/p'],
    headers: { 'content-type': 'application/strategic-merge-patch+json' },
    body: { spec: { containers: [{ name: 'c', image: 'j' }] } },
    has: { 'spec.containers.0.image': 'j', 'metadata.generation': 2 },
  },
  {
    name: 'the node is chosen once',
    source: 'pkg/registry/core/pod/storage/storage.go assignPod',
    given: [pod({ nodeName: 'n' })],
    send: ['POST', '/p/binding'],
    body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'm' } },
    is: [409, 'Conflict', 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"'],
  },
  {
    name: 'no such pod',
    source: 'store.go Get',
    send: ['GET', '/none'],
    is: [404, 'NotFound', 'pods "none" not found'],
  },
  {
    name: 'field selectors are known',
    source: 'pkg/apis/core/v1/conversion.go AddFieldLabelConversionsForPod',
    send: ['GET', '?fieldSelector=spec.image=i'],
    is: [400, 'BadRequest', 'field label not supported: spec.image'],
  },
];

export const pods: Facts = {
  kind: 'Pod',
  path: '/api/v1/namespaces/facts/pods',
  rows: [...inSpec, ...podContainers, ...rest],
};
