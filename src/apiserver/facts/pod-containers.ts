/** What upstream answers to the containers of Pods. */
import type { Fact } from './fact.ts';

const validation = 'pkg/apis/core/validation/validation.go ValidatePodSpec';
const range = 'must be between 1 and 65535, inclusive';
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

/** A refused container. */
function badContainer(name: string, fields: object, ...errors: string[]): Fact {
  return bad(name, container(fields), ...errors.map((error) => `spec.containers[0].${error}`));
}

export const podContainers: readonly Fact[] = [
  badContainer('no name', { name: '' }, 'name: Required value'),
  badContainer('name', { name: 'A' }, `name: Invalid value: "A": ${label}`),
  badContainer('no image', { image: '' }, 'image: Required value'),
  badContainer(
    'image with spaces',
    { image: ' i' },
    'image: Invalid value: " i": must not have leading or trailing whitespace',
  ),
  badContainer(
    'pull policy',
    { imagePullPolicy: 'X' },
    'imagePullPolicy: Unsupported value: "X": supported values: "Always", "IfNotPresent", "Never"',
  ),
  badContainer('port 0', { ports: [{ containerPort: 0 }] }, 'ports[0].containerPort: Required value'),
  badContainer(
    'port 65536',
    { ports: [{ containerPort: 65536 }] },
    `ports[0].containerPort: Invalid value: 65536: ${range}`,
  ),
  badContainer(
    'host port',
    { ports: [{ containerPort: 1, hostPort: 65536 }] },
    `ports[0].hostPort: Invalid value: 65536: ${range}`,
  ),
  badContainer(
    'protocol',
    { ports: [{ containerPort: 1, protocol: 'X' }] },
    'ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
  ),
  badContainer(
    'port name',
    { ports: [{ containerPort: 1, name: 'A' }] },
    'ports[0].name: Invalid value: "A": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    'ports[0].name: Invalid value: "A": must contain at least one letter (a-z)',
  ),
  badContainer(
    'port names twice',
    {
      ports: [
        { containerPort: 1, name: 'a' },
        { containerPort: 2, name: 'a' },
      ],
    },
    'ports[1].name: Duplicate value: "a"',
  ),
  bad(
    'host ports twice',
    {
      containers: [
        { ...plain, ports: [{ containerPort: 1, hostPort: 80 }] },
        { ...plain, name: 'd', ports: [{ containerPort: 1, hostPort: 80 }] },
      ],
    },
    'spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"',
  ),
  bad(
    'host network, another host port',
    { hostNetwork: true, ...container({ ports: [{ containerPort: 1, hostPort: 2 }] }) },
    'spec.containers[0].ports[0].hostPort: Invalid value: 2: must match `containerPort` when `hostNetwork` is true',
  ),
  badContainer('env without name', { env: [{ value: 'x' }] }, 'env[0].name: Required value'),
  badContainer(
    'env name',
    { env: [{ name: 'a=b' }] },
    'env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
  ),
  badContainer(
    'env of two sources',
    { env: [{ name: 'a', value: 'b', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
    'env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
  ),
  badContainer(
    'env from nowhere',
    { env: [{ name: 'a', valueFrom: {} }] },
    'env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
  ),
  badContainer(
    'env of a field that is not there',
    { env: [{ name: 'a', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } }] },
    'env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x',
  ),
  badContainer(
    'mount of no volume',
    { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
    'volumeMounts[0].name: Not found: "v"',
  ),
  bad(
    'mount to nowhere',
    { volumes: [{ name: 'v' }], ...container({ volumeMounts: [{ name: 'v', mountPath: '' }] }) },
    'spec.containers[0].volumeMounts[0].mountPath: Required value',
  ),
  bad(
    'two mounts in one place',
    {
      volumes: [{ name: 'v' }],
      ...container({
        volumeMounts: [
          { name: 'v', mountPath: '/v' },
          { name: 'v', mountPath: '/v' },
        ],
      }),
    },
    'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/v": must be unique',
  ),
  badContainer(
    'probe without handler',
    { livenessProbe: {} },
    'livenessProbe: Required value: must specify a handler type',
  ),
  badContainer(
    'probe of two handlers',
    { livenessProbe: { exec: { command: ['a'] }, httpGet: { port: 1 } } },
    'livenessProbe.httpGet: Forbidden: may not specify more than 1 handler type',
  ),
  badContainer(
    'liveness once',
    { livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } },
    'livenessProbe.successThreshold: Invalid value: 2: must be 1',
  ),
  badContainer(
    'probe scheme',
    { readinessProbe: { httpGet: { port: 1, scheme: 'ftp' } } },
    'readinessProbe.httpGet.scheme: Unsupported value: "ftp": supported values: "HTTP", "HTTPS"',
  ),
  badContainer('probe by no command', { readinessProbe: { exec: {} } }, 'readinessProbe.exec.command: Required value'),
  badContainer(
    'request above limit',
    { resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } },
    'resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ),
  badContainer(
    'negative limit',
    { resources: { limits: { cpu: '-1' } } },
    'resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    'resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0',
  ),
  badContainer(
    'user',
    { securityContext: { runAsUser: -1 } },
    'securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
  ),
  badContainer(
    'termination message policy',
    { terminationMessagePolicy: 'X' },
    'terminationMessagePolicy: Unsupported value: "X": supported values: "File", "FallbackToLogsOnError"',
  ),
];
