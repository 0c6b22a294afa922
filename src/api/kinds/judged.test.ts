/** Answers of a kube-apiserver 1.36.3 to small changes of valid objects: refusals (all errors of one body), what is stored, updates. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, Live } from '../object.ts';
import type { Resource } from '../resources.ts';
import { resources } from '../resources.ts';
import { Pipeline } from './test-kit.ts';

const pipeline = new Pipeline();
const meta = { name: 'x', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' };

type Row = readonly [resource: Resource, body: object, errors: readonly string[]];

function create(resource: Resource, body: object): { readonly object: KubeObject; readonly errors: readonly string[] } {
  return pipeline.create<KubeObject>(resource, { metadata: meta, ...body });
}

const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
const cpu = { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } };
const at = 'spec.metrics[0]';
const only = 'Forbidden: must populate the given metric source only';

function measuring(metric: object, more: object = {}): object {
  return { spec: { scaleTargetRef: target, maxReplicas: 3, metrics: [metric], ...more } };
}

const autoscalers = resources.horizontalPodAutoscalers;
const refusals: readonly Row[] = [
  [autoscalers, measuring({ type: 'Resource', resource: cpu }), []],
  [
    autoscalers,
    measuring({ type: 'Resource', resource: cpu, pods: {} }),
    [
      `${at}.pods.metric.name: Required value: must specify a metric name`,
      `${at}.pods.target.type: Required value: must specify a metric target type`,
      `${at}.pods.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue`,
      `${at}.pods.target.averageValue: Required value: must specify a positive target averageValue`,
      `${at}.pods: ${only}`,
    ],
  ],
  [
    autoscalers,
    measuring({ type: 'External', external: { metric: { name: 'a/b' }, target: { type: 'Value', value: '0' } } }),
    [
      `${at}.external.metric.name: Invalid value: "a/b": may not contain '/'`,
      `${at}.external.target.value: Invalid value: "0": must be positive`,
    ],
  ],
  [
    autoscalers,
    measuring({ type: 'Object', object: { describedObject: { kind: 'K' }, metric: { name: 'm' } } }),
    [
      `${at}.object.describedObject.name: Required value`,
      `${at}.object.target.type: Required value: must specify a metric target type`,
      `${at}.object.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue`,
      `${at}.object.target.averageValue: Required value: must set either a target value or averageValue`,
    ],
  ],
  [
    autoscalers,
    measuring({ type: '' }),
    [
      `${at}.type: Required value: must specify a metric source type`,
      ...Array.from(
        { length: 2 },
        () =>
          `${at}.type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
      ),
    ],
  ],
  [
    autoscalers,
    measuring({ type: 'Resource', resource: cpu }, { scaleTargetRef: { kind: 'Deployment', name: 'd' } }),
    ['spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group'],
  ],
  [
    autoscalers,
    measuring({ type: 'Resource', resource: cpu }, { scaleTargetRef: { kind: 'ReplicationController', name: 'd' } }),
    [],
  ],
];

const node = (spec: object): object => ({ spec });
const twice = { key: 'a', value: 'b', effect: 'NoSchedule' };
const nodeRefusals: readonly Row[] = [
  [
    resources.nodes,
    node({ podCIDR: 'a' }),
    ['spec.podCIDRs[0]: Invalid value: "a": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
  ],
  [resources.nodes, node({ taints: [{ key: 'a' }] }), ['metadata.taints[0].effect: Required value']],
  [
    resources.nodes,
    node({ taints: [twice, twice] }),
    [
      'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"b","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
    ],
  ],
  [
    resources.nodes,
    node({ podCIDRs: ['10.1.0.0/24', '10.1.0.0/24'] }),
    [
      'spec.podCIDRs: Invalid value: ["10.1.0.0/24","10.1.0.0/24"]: may specify no more than one CIDR for each IP family',
    ],
  ],
];

const slices = resources.resourceSlices;
const holding = (device: object, more: object = {}): object => ({
  spec: {
    driver: 'd.example.com',
    nodeName: 'n',
    pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
    devices: [{ name: 'a', ...device }],
    ...more,
  },
});
const first = 'spec.devices[0]';
const deviceRefusals: readonly Row[] = [
  [slices, holding({ attributes: { a: { version: '1.2.3' }, 'a.b/c': { ints: [1] } } }), []],
  [
    slices,
    holding({ allNodes: true }),
    [
      `${first}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`,
    ],
  ],
  [slices, holding({ taints: [{ key: 'a' }] }), [`${first}.taints[0].effect: Required value`]],
  [
    slices,
    holding({ bindingConditions: ['A'] }),
    [
      `${first}.bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions`,
    ],
  ],
  [
    slices,
    holding({ consumesCounters: [{}] }),
    [
      `${first}.consumesCounters[0].counterSet: Required value`,
      `${first}.consumesCounters[0].counters: Required value`,
    ],
  ],
  [
    slices,
    holding({ attributes: { a: {} } }),
    [`${first}.attributes[a]: Invalid value: "": exactly one value must be specified`],
  ],
];

const volume = (more: object): object => ({
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' }, ...more },
});
const volumes = resources.persistentVolumes;
const volumeRefusals: readonly Row[] = [
  [volumes, volume({ cephfs: {} }), ['spec.cephFS: Forbidden: may not specify more than 1 volume type']],
  [volumes, volume({ flexVolume: {} }), ['spec.flexVolume.driver: Required value']],
  [
    volumes,
    volume({ nodeAffinity: {} }),
    ['spec.nodeAffinity.required: Required value: must specify required node constraints'],
  ],
  [
    volumes,
    volume({ nodeAffinity: { required: {} } }),
    ['spec.nodeAffinity.required.nodeSelectorTerms: Required value: must have at least one node selector term'],
  ],
  [
    volumes,
    volume({ volumeAttributesClassName: '' }),
    [
      'spec.volumeAttributesClassName: Required value: an empty string is disallowed',
      'spec.csi: Required value: has to be specified when using volumeAttributesClassName',
    ],
  ],
  [
    volumes,
    volume({ hostPath: undefined, local: { path: '/x' } }),
    ['spec.nodeAffinity: Required value: Local volume requires node affinity'],
  ],
];

test('what a template says is warned of in every kind that has one, but only when it may have changed', () => {
  const spec = {
    containers: [{ name: 'c', image: 'i' }],
    restartPolicy: 'Never',
    hostAliases: [{ ip: '2001:DB8::1' }],
  };
  const template = { metadata: { labels: { a: 'b' } }, spec };
  const selector = { matchLabels: { a: 'b' } };
  const warning = (at: string): string =>
    `${at}.spec.hostAliases[0].ip: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")`;
  for (const [resource, body, at] of [
    [resources.deployments, { template, selector }, 'spec.template'],
    [resources.replicaSets, { template, selector }, 'spec.template'],
    [resources.daemonSets, { template, selector }, 'spec.template'],
    [resources.statefulSets, { template, selector }, 'spec.template'],
    [resources.replicationControllers, { template }, 'spec.template'],
    [resources.jobs, { template }, 'spec.template'],
    [
      resources.cronJobs,
      { schedule: '0 * * * *', jobTemplate: { spec: { template } } },
      'spec.jobTemplate.spec.template',
    ],
  ] as const) {
    const { object } = create(resource, { spec: body });
    const { warnings } = pipeline.kind(resource);
    assert.deepEqual(warnings?.(object, undefined), [warning(at)], resource.plural);
    assert.deepEqual(warnings?.(object, object as Live<KubeObject>), [], resource.plural);
  }
});

test('a Node is known by the older of its two fields for ranges', () => {
  const of = (spec: object): object => (create(resources.nodes, node(spec)).object as { spec?: object }).spec ?? {};
  assert.deepEqual(of({ podCIDR: '10.2.0.0/24', podCIDRs: ['10.1.0.0/24'] }), {
    podCIDR: '10.2.0.0/24',
    podCIDRs: ['10.2.0.0/24'],
  });
  assert.deepEqual(of({ podCIDRs: ['10.1.0.0/24'] }), { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'] });
  assert.deepEqual(of({ configSource: { configMap: {} } }), {});
});

test('refusals', () => {
  for (const [resource, body, errors] of [...refusals, ...nodeRefusals, ...deviceRefusals, ...volumeRefusals]) {
    assert.deepEqual(create(resource, body).errors, errors, JSON.stringify(body));
  }
});

test('an Event has its times and its reporter though nobody set them, and any finalizers', () => {
  const { object, errors } = create(resources.events, {
    metadata: { ...meta, finalizers: ['a'] },
    involvedObject: { namespace: 'default' },
  });
  assert.deepEqual(errors, []);
  const {
    metadata: _metadata,
    kind: _kind,
    apiVersion: _version,
    ...rest
  } = object as unknown as Record<string, unknown>;
  assert.deepEqual(rest, {
    involvedObject: { namespace: 'default' },
    source: {},
    firstTimestamp: null,
    lastTimestamp: null,
    eventTime: null,
    reportingComponent: '',
    reportingInstance: '',
  });
});

test('what an update keeps, drops and is told', () => {
  const account = create(resources.serviceAccounts, { secrets: [{ name: 's', namespace: 'n', fieldPath: 'f' }, {}] });
  assert.deepEqual((account.object as { secrets?: object }).secrets, [{ name: 's' }, {}]);

  const slice = {
    metadata: { ...meta, namespace: 'default' },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'] }],
  };
  const topology = { 'kubernetes.io/hostname': 'n' };
  const stored = { ...slice, endpoints: [{ addresses: ['10.0.0.1'], deprecatedTopology: topology, conditions: {} }] };
  const changed = { ...slice, endpoints: [{ addresses: ['10.0.0.2'], deprecatedTopology: topology }] };
  const after = pipeline.update<KubeObject>(resources.endpointSlices, stored, changed);
  assert.deepEqual((after.object as { endpoints?: object }).endpoints, [
    { addresses: ['10.0.0.2'], conditions: {}, nodeName: 'n' },
  ]);
  const moved = pipeline.update<KubeObject>(resources.endpointSlices, stored, {
    ...stored,
    addressType: 'IPv6',
  });
  assert.deepEqual(moved.errors, ['addressType: Invalid value: "IPv6": field is immutable']);

  const service = create(resources.services, { spec: { clusterIP: '10.96.0.9', ports: [{ port: 80 }] } }).object;
  const renewed = (spec: object): readonly string[] =>
    pipeline.update<KubeObject>(resources.services, service, {
      ...service,
      spec: { ...(service as { spec?: object }).spec, ...spec },
    }).errors;
  // Upstream allocates before it validates: a bad address is all that is said.
  assert.deepEqual(renewed({ clusterIP: 'a', clusterIPs: ['a'] }), [
    'spec.clusterIPs[0]: Invalid value: "a": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ]);
  const balanced = "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'";
  assert.deepEqual(renewed({ loadBalancerClass: 'a' }), [balanced, balanced]);
});
