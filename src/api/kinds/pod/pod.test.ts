import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import type { ContainerStatus, Pod, PodStatus } from '../../gen/types.ts';
import { resources } from '../../resources.ts';
import { Pipeline } from '../test-kit.ts';

const pipeline = new Pipeline();
const web = { name: 'web', image: 'nginx' };

function create(spec: object): { object: Pod; errors: readonly string[] } {
  return pipeline.create(resources.pods, { metadata: { name: 'p' }, spec });
}

test('defaults', () => {
  const { object, errors } = create({
    containers: [
      {
        ...web,
        ports: [{ containerPort: 80 }],
        resources: { limits: { cpu: 1, memory: '1024Mi' } },
        env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
        readinessProbe: { httpGet: { port: 80 } },
        livenessProbe: { tcpSocket: { port: 80 } },
      },
      { name: 'tagged', image: 'registry:5000/a/b:1.2' },
    ],
    volumes: [
      { name: 'scratch' },
      { name: 'c', configMap: { name: 'c' } },
      { name: 'd', azureDisk: { diskName: 'd', diskURI: 'https://example.com/d.vhd' } },
      { name: 'i', iscsi: { targetPortal: 't', iqn: 'iqn.2001-04.com.example:x', lun: 0 } },
      { name: 's', scaleIO: { gateway: 'g', system: 's', volumeName: 'v', secretRef: { name: 'x' } } },
    ],
  });
  assert.deepEqual(errors, []);
  assert.deepEqual(object.metadata, { name: 'p', namespace: 'default', generation: 1 });
  assert.deepEqual(object.status, { phase: 'Pending', qosClass: 'Burstable' });
  assert.deepEqual(object.spec, {
    containers: [
      {
        ...web,
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } },
        env: [{ name: 'IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } }],
        readinessProbe: {
          httpGet: { path: '/', port: 80, scheme: 'HTTP' },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        livenessProbe: {
          tcpSocket: { port: 80 },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        imagePullPolicy: 'Always',
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
      {
        name: 'tagged',
        image: 'registry:5000/a/b:1.2',
        imagePullPolicy: 'IfNotPresent',
        resources: {},
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
    ],
    volumes: [
      { name: 'scratch', emptyDir: {} },
      { name: 'c', configMap: { name: 'c', defaultMode: 420 } },
      {
        name: 'd',
        azureDisk: {
          ...{ diskName: 'd', diskURI: 'https://example.com/d.vhd' },
          ...{ cachingMode: 'ReadWrite', fsType: 'ext4', kind: 'Shared', readOnly: false },
        },
      },
      {
        name: 'i',
        iscsi: { targetPortal: 't', iqn: 'iqn.2001-04.com.example:x', lun: 0, iscsiInterface: 'default' },
      },
      {
        name: 's',
        scaleIO: {
          ...{ gateway: 'g', system: 's', volumeName: 'v', secretRef: { name: 'x' } },
          ...{ storageMode: 'ThinProvisioned', fsType: 'xfs' },
        },
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    securityContext: {},
    enableServiceLinks: true,
  });
});

test('names of sysctls', () => {
  const sysctls = ['foo-', 'kernel.shmmax', 'bar..', 'kernel.shmmax', ''].map((name) => ({ name, value: '1' }));
  const { errors } = create({ securityContext: { sysctls }, containers: [{ name: 'c', image: 'i' }] });
  const pattern = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
  const at = (index: number): string => `spec.securityContext.sysctls[${String(index)}].name`;
  const invalid = (index: number, name: string): string =>
    `${at(index)}: Invalid value: "${name}": must have at most 253 characters and match regex ${pattern}`;
  assert.deepEqual(errors, [
    invalid(0, 'foo-'),
    invalid(2, 'bar..'),
    `${at(3)}: Duplicate value: "kernel.shmmax"`,
    `${at(4)}: Required value`,
  ]);
});

test('quality of service', () => {
  const qos = (...containers: object[]): string | undefined =>
    create({ containers: containers.map((resources, index) => ({ name: `c${index}`, image: 'x', resources })) }).object
      .status?.qosClass;
  assert.equal(qos({}), 'BestEffort');
  assert.equal(qos({ limits: { cpu: '1', memory: '1Gi' } }), 'Guaranteed');
  assert.equal(qos({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } }), 'Burstable');
  assert.equal(qos({ limits: { cpu: '1', memory: '1Gi' } }, {}), 'Burstable');
  assert.equal(qos({ requests: { cpu: '1' } }), 'Burstable');
});

describe('validation in the words of upstream', () => {
  const label =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
  const c = (container: object): object => ({ containers: [{ ...web, ...container }] });
  const at = 'spec.containers[0]';
  const table: readonly (readonly [string, object, readonly string[]])[] = [
    ['no containers', {}, ['spec.containers: Required value']],
    ['no name', { containers: [{ image: 'x' }] }, [`${at}.name: Required value`]],
    ['bad name', c({ name: 'Web' }), [`${at}.name: Invalid value: "Web": ${label}`]],
    ['twice', { containers: [web, web] }, ['spec.containers[1].name: Duplicate value: "web"']],
    ['no image', { containers: [{ name: 'web' }] }, [`${at}.image: Required value`]],
    [
      'image with space',
      c({ image: ' nginx' }),
      [`${at}.image: Invalid value: " nginx": must not have leading or trailing whitespace`],
    ],
    [
      'pull policy',
      c({ imagePullPolicy: 'Sometimes' }),
      [`${at}.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"`],
    ],
    ['port', c({ ports: [{ containerPort: 0 }] }), [`${at}.ports[0].containerPort: Required value`]],
    [
      'port range',
      c({ ports: [{ containerPort: 70000 }] }),
      [`${at}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`],
    ],
    [
      'port name',
      c({
        ports: [
          { containerPort: 1, name: 'a' },
          { containerPort: 2, name: 'a' },
        ],
      }),
      [`${at}.ports[1].name: Duplicate value: "a"`],
    ],
    [
      'protocol',
      c({ ports: [{ containerPort: 1, protocol: 'tcp' }] }),
      [`${at}.ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"`],
    ],
    [
      'env',
      c({ env: [{ name: 'A=B' }, { value: 'x' }] }),
      [
        `${at}.env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='`,
        `${at}.env[1].name: Required value`,
      ],
    ],
    ['mount', c({ volumeMounts: [{ name: 'v', mountPath: '/a' }] }), [`${at}.volumeMounts[0].name: Not found: "v"`]],
    [
      'mount path twice',
      {
        ...c({
          volumeMounts: [
            { name: 'v', mountPath: '/a' },
            { name: 'v', mountPath: '/a' },
          ],
        }),
        volumes: [{ name: 'v' }],
      },
      [`${at}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique`],
    ],
    [
      'request over limit',
      c({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } }),
      [`${at}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`],
    ],
    [
      'negative',
      c({ resources: { limits: { cpu: '-1' } } }),
      [
        `${at}.resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0`,
        `${at}.resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0`,
      ],
    ],
    [
      'probe without handler',
      c({ livenessProbe: {} }),
      [`${at}.livenessProbe: Required value: must specify a handler type`],
    ],
    [
      'probe with two',
      c({ livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } }),
      [`${at}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`],
    ],
    [
      'liveness success',
      c({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }),
      [`${at}.livenessProbe.successThreshold: Invalid value: 2: must be 1`],
    ],
    [
      'probe port',
      c({ readinessProbe: { httpGet: { port: 0 } } }),
      [`${at}.readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive`],
    ],
    [
      'restart policy',
      { containers: [web], restartPolicy: 'Maybe' },
      ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      'dns policy',
      { containers: [web], dnsPolicy: 'X' },
      [
        'spec.dnsPolicy: Unsupported value: "X": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
      ],
    ],
    [
      'dns None',
      { containers: [web], dnsPolicy: 'None' },
      ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
    ],
    [
      'volume twice',
      { containers: [web], volumes: [{ name: 'v' }, { name: 'v' }] },
      ['spec.volumes[1].name: Duplicate value: "v"'],
    ],
    [
      'volume of two types',
      { containers: [web], volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/a' } }] },
      ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
    ],
    [
      'hostname',
      { containers: [web], hostname: 'a.b' },
      ['spec.hostname: Invalid value: "a.b": must not contain dots'],
    ],
    [
      'restart rules alone',
      c({ restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }] }),
      [`${at}.restartPolicy: Required value: must specify restartPolicy when restart rules are used`],
    ],
    [
      'a restart rule',
      c({
        restartPolicy: 'Maybe',
        restartPolicyRules: [{ action: 'Stop', exitCodes: { operator: 'Is' } }, { action: 'Restart' }],
      }),
      [
        `${at}.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "Never", "OnFailure"`,
        `${at}.restartPolicyRules[0].action: Unsupported value: "Stop": supported values: "Restart"`,
        `${at}.restartPolicyRules[0].exitCodes.operator: Unsupported value: "Is": supported values: "In", "NotIn"`,
        `${at}.restartPolicyRules[1].exitCodes: Required value: must be specified`,
      ],
    ],
    ['a negative grace is 1', { containers: [web], terminationGracePeriodSeconds: -1 }, []],
    [
      'another host name',
      { containers: [web], hostnameOverride: 'a_b', setHostnameAsFQDN: true, hostNetwork: true },
      [
        'spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true',
        'spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true',
        "spec.hostnameOverride: Invalid value: \"a_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ],
    ],
    [
      'host network port',
      { hostNetwork: true, ...c({ ports: [{ containerPort: 80, hostPort: 81 }] }) },
      [`${at}.ports[0].hostPort: Invalid value: 81: must match \`containerPort\` when \`hostNetwork\` is true`],
    ],
    [
      'init probe',
      { containers: [web], initContainers: [{ name: 'i', image: 'x', readinessProbe: { tcpSocket: { port: 1 } } }] },
      [
        'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
      ],
    ],
    [
      'sidecar',
      {
        containers: [web],
        initContainers: [
          { name: 'i', image: 'x', restartPolicy: 'Always', readinessProbe: { tcpSocket: { port: 1 } } },
        ],
      },
      [],
    ],
    [
      'init name of a container',
      { containers: [web], initContainers: [web] },
      ['spec.initContainers[0].name: Duplicate value: "web"'],
    ],
  ];
  for (const [name, spec, want] of table) {
    test(name, () => {
      assert.deepEqual(create(spec).errors, want);
    });
  }
});

describe('updates', () => {
  const old = create({ containers: [web], tolerations: [{ key: 'a', operator: 'Exists' }] }).object;
  const change = (spec: object): { object: Pod; errors: readonly string[] } =>
    pipeline.update(resources.pods, old, { metadata: old.metadata, spec: { ...structuredClone(old.spec), ...spec } });

  test('image, additional tolerations', () => {
    const container = { ...old.spec?.containers[0], image: 'nginx:2' };
    const { object, errors } = change({
      containers: [container],
      tolerations: [
        { key: 'a', operator: 'Exists' },
        { key: 'b', operator: 'Exists' },
      ],
    });
    assert.deepEqual(errors, []);
    assert.equal(object.metadata?.generation, 2);
    assert.deepEqual(change({}).object.metadata?.generation, 1);
  });

  test('all else is refused', () => {
    const errors = change({ hostname: 'x' }).errors.join();
    assert.match(
      errors,
      /^spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`,/,
    );
    assert.match(errors, /changed: spec.hostname$/);
    assert.deepEqual(change({ containers: [web, { name: 'b', image: 'x' }] }).errors, [
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ]);
    assert.match(
      change({ tolerations: [] }).errors.join(),
      /existing toleration can not be modified except its tolerationSeconds/,
    );
  });

  test('the grace period is for pods that somebody runs', () => {
    const grace = pipeline.kind(resources.pods).graceSeconds;
    const of = (pod: object): number | undefined => grace?.(pod as never);
    assert.equal(of({ spec: { terminationGracePeriodSeconds: 30 } }), undefined);
    assert.equal(of({ spec: { nodeName: 'n', terminationGracePeriodSeconds: 0 } }), 0);
    assert.equal(of({ spec: { nodeName: 'n', terminationGracePeriodSeconds: 30 } }), 30);
    assert.equal(of({ spec: { nodeName: 'n' }, status: { phase: 'Failed' } }), undefined);
  });
});

describe('columns', () => {
  const row = (status: PodStatus, pod: object = {}, metadata: object = {}): string =>
    pipeline
      .row(
        resources.pods,
        {
          metadata: { name: 'p', creationTimestamp: '1970-01-01T00:00:00Z', ...metadata },
          spec: { containers: [web], ...pod },
          status,
        },
        200_000,
      )
      .split(' | ')[0] ?? '';
  const status = (state: object, more: object = {}): ContainerStatus => ({
    name: 'web',
    image: 'x',
    imageID: '',
    ready: false,
    restartCount: 0,
    state,
    ...more,
  });
  const running = { running: { startedAt: '1970-01-01T00:00:00Z' } };

  test('header', () => {
    assert.equal(pipeline.header(resources.pods), 'NAME READY STATUS RESTARTS AGE');
  });

  const table: readonly (readonly [string, PodStatus, object?, object?])[] = [
    ['p 0/1 Pending 0 3m20s', { phase: 'Pending' }],
    [
      'p 0/1 ContainerCreating 0 3m20s',
      { phase: 'Pending', containerStatuses: [status({ waiting: { reason: 'ContainerCreating' } })] },
    ],
    ['p 1/1 Running 0 3m20s', { phase: 'Running', containerStatuses: [status(running, { ready: true })] }],
    [
      'p 0/1 CrashLoopBackOff 3 (100s ago) 3m20s',
      {
        phase: 'Running',
        containerStatuses: [
          status(
            { waiting: { reason: 'CrashLoopBackOff' } },
            { restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: '1970-01-01T00:01:40Z' } } },
          ),
        ],
      },
    ],
    [
      'p 0/1 ImagePullBackOff 0 3m20s',
      { phase: 'Pending', containerStatuses: [status({ waiting: { reason: 'ImagePullBackOff' } })] },
    ],
    [
      'p 0/1 Completed 0 3m20s',
      { phase: 'Succeeded', containerStatuses: [status({ terminated: { exitCode: 0, reason: 'Completed' } })] },
    ],
    [
      'p 0/1 Error 0 3m20s',
      { phase: 'Failed', containerStatuses: [status({ terminated: { exitCode: 1, reason: 'Error' } })] },
    ],
    ['p 0/1 ExitCode:3 0 3m20s', { phase: 'Failed', containerStatuses: [status({ terminated: { exitCode: 3 } })] }],
    [
      'p 0/1 Signal:9 0 3m20s',
      { phase: 'Failed', containerStatuses: [status({ terminated: { exitCode: 137, signal: 9 } })] },
    ],
    ['p 0/1 Evicted 0 3m20s', { phase: 'Failed', reason: 'Evicted' }],
    [
      'p 1/1 Terminating 0 3m20s',
      { phase: 'Running', containerStatuses: [status(running, { ready: true })] },
      {},
      { deletionTimestamp: '1970-01-01T00:00:01Z' },
    ],
    [
      'p 0/1 Unknown 0 3m20s',
      { phase: 'Running', reason: 'NodeLost' },
      {},
      { deletionTimestamp: '1970-01-01T00:00:01Z' },
    ],
    [
      'p 0/1 Init:0/2 0 3m20s',
      { phase: 'Pending', initContainerStatuses: [status(running)] },
      { initContainers: [{ name: 'web' }, { name: 'b' }] },
    ],
    [
      'p 0/1 Init:1/2 0 3m20s',
      {
        phase: 'Pending',
        initContainerStatuses: [
          status({ terminated: { exitCode: 0 } }),
          status({ waiting: { reason: 'PodInitializing' } }),
        ],
      },
      { initContainers: [{ name: 'a' }, { name: 'b' }] },
    ],
    [
      'p 0/1 Init:Error 1 3m20s',
      {
        phase: 'Pending',
        initContainerStatuses: [status({ terminated: { exitCode: 1, reason: 'Error' } }, { restartCount: 1 })],
      },
      { initContainers: [{ name: 'web' }] },
    ],
    [
      'p 0/1 Init:CrashLoopBackOff 0 3m20s',
      { phase: 'Pending', initContainerStatuses: [status({ waiting: { reason: 'CrashLoopBackOff' } })] },
      { initContainers: [{ name: 'web' }] },
    ],
    [
      'p 2/2 Running 1 3m20s',
      {
        phase: 'Running',
        initContainerStatuses: [status(running, { name: 's', started: true, ready: true, restartCount: 1 })],
        containerStatuses: [status(running, { ready: true })],
      },
      { initContainers: [{ name: 's', restartPolicy: 'Always' }] },
    ],
    [
      'p 1/2 NotReady 0 3m20s',
      {
        phase: 'Running',
        containerStatuses: [
          status({ terminated: { exitCode: 0, reason: 'Completed' } }),
          status(running, { ready: true }),
        ],
      },
      { containers: [web, web] },
    ],
    [
      'p 0/1 SchedulingGated 0 3m20s',
      { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
    ],
  ];
  for (const [want, podStatus, spec, metadata] of table) {
    test(want, () => {
      assert.equal(row(podStatus, spec, metadata), want);
    });
  }

  test('wide', () => {
    const pod = {
      metadata: { name: 'p' },
      spec: { containers: [web], nodeName: 'node-1', readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }] },
      status: { podIPs: [{ ip: '10.244.1.2' }], conditions: [{ type: 'a', status: 'True' }] },
    } as Pod;
    assert.equal(pipeline.row(resources.pods, pod).split(' | ')[1], '10.244.1.2 node-1 <none> 1/2');
    assert.equal(
      pipeline.row(resources.pods, { metadata: { name: 'p' }, spec: { containers: [] } }).split(' | ')[1],
      '<none> <none> <none> <none>',
    );
  });
});
