import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import type { Deployment, Event, Node } from '../gen/types.ts';
import type { KubeObject } from '../object.ts';
import type { Resource } from '../resources.ts';
import { resources } from '../resources.ts';
import { buildKinds } from './index.ts';
import { Pipeline } from './test-kit.ts';

const pipeline = new Pipeline();
const name = { name: 'x' };
const now = 90_000;
const born = { name: 'x', namespace: 'default', uid: 'u', creationTimestamp: '1970-01-01T00:00:00Z' };

function errorsOf<T extends KubeObject>(resource: Resource<T>, body: object): readonly string[] {
  return pipeline.create(resource, { metadata: name, ...body }).errors;
}

test('every resource has a kind, each once', () => {
  assert.deepEqual(
    buildKinds()
      .map((kind) => kind.resource.plural)
      .sort(),
    Object.values(resources)
      .map((resource) => resource.plural)
      .sort(),
  );
});

test('metadata in the words of upstream', () => {
  const errors = pipeline.create(resources.configMaps, {
    metadata: {
      name: 'a_b',
      labels: { 'a/b/c': 'x', ok: '-' },
      annotations: { '-': '' },
      finalizers: ['x y'],
      ownerReferences: [{ apiVersion: '', kind: 'K', name: 'n', uid: '' }],
    },
  }).errors;
  assert.equal(errors.length, 8);
  assert.match(errors[0] ?? '', /^metadata.name: Invalid value: "a_b": a lowercase RFC 1123 subdomain must consist of/);
  assert.match(
    errors[1] ?? '',
    /^metadata.labels: Invalid value: "a\/b\/c": a valid label key must consist of .* with an optional DNS subdomain prefix and '\/' \(e.g. 'example.com\/MyName'\)$/,
  );
  assert.match(
    errors[2] ?? '',
    /^metadata.labels: Invalid value: "-": a valid label must be an empty string or consist of/,
  );
  assert.match(errors[3] ?? '', /^metadata.annotations: Invalid value: "-": name part must consist of/);
  assert.equal(errors[4], 'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty');
  assert.equal(errors[5], 'metadata.ownerReferences.uid: Invalid value: "": must not be empty');
  assert.match(errors[6] ?? '', /^metadata.finalizers: Invalid value: "x y": name part must consist of/);
  assert.match(
    errors[7] ?? '',
    /^metadata.finalizers\[0\]: Invalid value: "x y": name is neither a standard finalizer/,
  );
  const annotations = { a: 'x'.repeat(256 * 1024) };
  assert.deepEqual(pipeline.create(resources.configMaps, { metadata: { ...name, annotations } }).errors, [
    'metadata.annotations: Too long: may not be more than 262144 bytes',
  ]);
  assert.deepEqual(pipeline.create(resources.namespaces, { metadata: { name: 'x', namespace: 'y' } }).errors, [
    'metadata.namespace: Forbidden: not allowed on this type',
  ]);
});

test('Namespace', () => {
  const { object, errors } = pipeline.create(resources.namespaces, { metadata: name });
  assert.deepEqual(errors, []);
  assert.deepEqual(object.spec, { finalizers: ['kubernetes'] });
  assert.deepEqual(object.metadata?.labels, { 'kubernetes.io/metadata.name': 'x' });
  assert.equal(pipeline.row(resources.namespaces, { ...object, metadata: born }, now), 'x Active 90s');
});

describe('Node', () => {
  test('columns of claim C7', () => {
    const node = {
      metadata: { ...born, labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/edge': '' } },
      spec: {},
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [
          { type: 'Hostname', address: 'x' },
          { type: 'InternalIP', address: '10.10.10.1' },
        ],
        nodeInfo: {
          kubeletVersion: 'v1.36.0',
          osImage: 'Debian',
          kernelVersion: '6.18',
          containerRuntimeVersion: 'crun://1.8',
        },
      },
    } as unknown as Node;
    assert.equal(pipeline.header(resources.nodes), 'NAME STATUS ROLES AGE VERSION');
    assert.equal(
      pipeline.row(resources.nodes, node, now),
      'x Ready edge,worker 90s v1.36.0 | 10.10.10.1 <none> Debian 6.18 crun://1.8',
    );
    const cordoned = { metadata: born, spec: { unschedulable: true } } as Node;
    assert.match(
      pipeline.row(resources.nodes, cordoned, now),
      /^x Unknown,SchedulingDisabled <none> 90s  \| <none> <none> <unknown>/,
    );
  });

  test('pod ranges', () => {
    assert.deepEqual(errorsOf(resources.nodes, { spec: { podCIDR: '10.244.1.1/24' } }), [
      'spec.podCIDRs[0]: Invalid value: "10.244.1.1/24": must not have bits set beyond the prefix length',
    ]);
    const { object } = pipeline.create(resources.nodes, { metadata: name, spec: { podCIDR: '10.244.1.0/24' } });
    assert.deepEqual(object.spec?.podCIDRs, ['10.244.1.0/24']);
    const moved = pipeline.update(resources.nodes, object, { metadata: name, spec: { podCIDR: '10.244.2.0/24' } });
    assert.deepEqual(moved.errors, [
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ]);
  });
});

describe('Endpoints', () => {
  test('bad ones', () => {
    const subsets = (subset: object): readonly string[] => errorsOf(resources.endpoints, { subsets: [subset] });
    assert.deepEqual(subsets({}), ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`']);
    assert.deepEqual(subsets({ addresses: [{ ip: '127.0.0.1' }] }), [
      'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ]);
    assert.deepEqual(subsets({ addresses: [{ ip: '169.254.1.1' }] }), [
      'subsets[0].addresses[0].ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    ]);
    assert.deepEqual(subsets({ addresses: [{ ip: '224.0.0.1' }] }), [
      'subsets[0].addresses[0].ip: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
    ]);
    assert.deepEqual(subsets({ addresses: [{ ip: '0.0.0.0' }] }), [
      'subsets[0].addresses[0].ip: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
    ]);
    assert.deepEqual(subsets({ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1 }, { port: 2, name: 'b' }] }), [
      'subsets[0].ports[0].name: Required value',
    ]);
  });

  test('column', () => {
    const row = (subsets: object[]): string => pipeline.row(resources.endpoints, { metadata: born, subsets }, now);
    const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'].map((ip) => ({ ip }));
    assert.equal(row([]), 'x <none> 90s');
    assert.equal(row([{ addresses: addresses.slice(0, 1), ports: [{ port: 80 }] }]), 'x 10.0.0.1:80 90s');
    assert.equal(
      row([{ addresses, ports: [{ port: 80 }, { port: 443 }] }]),
      'x 10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 5 more... 90s',
    );
    assert.equal(row([{ addresses: [{ ip: 'fd00::1' }], ports: [{ port: 80 }] }]), 'x [fd00::1]:80 90s');
    assert.equal(row([{ addresses: addresses.slice(0, 2) }]), 'x 10.0.0.1,10.0.0.2 90s');
  });
});

describe('EndpointSlice', () => {
  test('bad ones', () => {
    const slice = (body: object): readonly string[] =>
      errorsOf(resources.endpointSlices, { addressType: 'IPv4', ...body });
    assert.deepEqual(errorsOf(resources.endpointSlices, {}), ['addressType: Required value']);
    assert.deepEqual(slice({ addressType: 'IPX' }), [
      'addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"',
    ]);
    assert.deepEqual(slice({ endpoints: [{ addresses: [] }] }), [
      'endpoints[0].addresses: Required value: must contain at least 1 address',
    ]);
    assert.deepEqual(slice({ endpoints: [{ addresses: ['fd00::1'] }] }), [
      'endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address',
    ]);
    assert.deepEqual(slice({ endpoints: [{ addresses: ['127.0.0.1'] }] }), [
      'endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ]);
    assert.deepEqual(slice({ ports: [{ port: 1 }, { port: 2 }] }), ['ports[1].name: Duplicate value: ""']);
    assert.deepEqual(slice({ endpoints: new Array(1001).fill({ addresses: ['10.0.0.1'] }) }), [
      'endpoints: Too many: 1001: must have at most 1000 items',
    ]);
    assert.deepEqual(slice({ endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{}] }), []);
  });

  test('generation, columns', () => {
    const { object } = pipeline.create(resources.endpointSlices, {
      metadata: name,
      addressType: 'IPv4',
      endpoints: [],
      ports: [{ port: 80 }],
    });
    assert.equal(object.metadata?.generation, 1);
    const changed = pipeline.update(resources.endpointSlices, object, {
      ...object,
      endpoints: [{ addresses: ['10.0.0.1'] }],
    });
    assert.deepEqual(changed.errors, []);
    assert.equal(changed.object.metadata?.generation, 2);
    assert.deepEqual(pipeline.update(resources.endpointSlices, object, { ...object, addressType: 'IPv6' }).errors, [
      'addressType: Invalid value: "IPv6": field is immutable',
    ]);
    const row = (slice: object): string =>
      pipeline.row(resources.endpointSlices, { metadata: born, addressType: 'IPv4', ...slice }, now);
    assert.equal(
      row({ ports: [{ port: 80 }, { name: 'any' }], endpoints: [{ addresses: ['10.0.0.1'] }] }),
      'x IPv4 80,any 10.0.0.1 90s',
    );
    assert.equal(row({}), 'x IPv4 <unset> <unset> 90s');
  });
});

test('ConfigMap and Secret', () => {
  assert.deepEqual(errorsOf(resources.configMaps, { data: { '..': 'x' } }), [
    'data[..]: Invalid value: "..": must not be \'..\'',
  ]);
  const frozen = pipeline.create(resources.configMaps, { metadata: name, immutable: true, data: { a: '1' } }).object;
  assert.deepEqual(
    pipeline
      .update(resources.configMaps, frozen, { metadata: name, data: { a: '2' } })
      .errors.filter((text) => !text.startsWith('metadata')),
    [
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ],
  );
  const secret = pipeline.create(resources.secrets, { metadata: name, stringData: { a: 'hello' } }).object;
  assert.deepEqual(
    { ...secret, metadata: undefined },
    { apiVersion: 'v1', kind: 'Secret', metadata: undefined, type: 'Opaque', data: { a: 'aGVsbG8=' } },
  );
  assert.deepEqual(errorsOf(resources.secrets, { type: 'kubernetes.io/tls' }), [
    'data[tls.crt]: Required value',
    'data[tls.key]: Required value',
  ]);
  assert.equal(pipeline.row(resources.secrets, { ...secret, metadata: born }, now), 'x Opaque 1 90s');
  assert.equal(pipeline.row(resources.configMaps, { ...frozen, metadata: born }, now), 'x 1 90s');
});

test('Event', () => {
  const event = {
    metadata: born,
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'default', fieldPath: 'spec.containers{web}' },
    type: 'Warning',
    reason: 'BackOff',
    message: ' restarting \n',
    count: 4,
    firstTimestamp: '1970-01-01T00:00:30Z',
    lastTimestamp: '1970-01-01T00:01:00Z',
    source: { component: 'kubelet', host: 'node-1' },
  } as Event;
  assert.equal(pipeline.header(resources.events), 'LAST SEEN TYPE REASON OBJECT MESSAGE');
  assert.equal(
    pipeline.row(resources.events, event, now),
    '30s Warning BackOff pod/p restarting | spec.containers{web} kubelet, node-1 60s 4 x',
  );
  assert.deepEqual(errorsOf(resources.events, { involvedObject: { namespace: 'other' } }), [
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ]);
});

test('Lease', () => {
  assert.deepEqual(errorsOf(resources.leases, { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } }), [
    'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
  ]);
});

describe('Deployment and ReplicaSet', () => {
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const selector = { matchLabels: { app: 'x' } };
  const deployment = (spec: object = {}): { object: Deployment; errors: readonly string[] } =>
    pipeline.create(resources.deployments, { metadata: name, spec: { selector, template, ...spec } });

  test('defaults', () => {
    const { object, errors } = deployment();
    assert.deepEqual(errors, []);
    assert.deepEqual(
      { ...object.spec, template: undefined },
      {
        selector,
        template: undefined,
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      },
    );
    assert.equal(object.spec?.template.spec?.restartPolicy, 'Always');
    assert.equal(object.spec?.template.spec?.enableServiceLinks, undefined);
    assert.equal(object.metadata?.generation, 1);
  });

  test('bad ones', () => {
    const unmatched =
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`';
    assert.deepEqual(deployment({ selector: undefined }).errors, ['spec.selector: Required value', unmatched]);
    assert.deepEqual(pipeline.create(resources.deployments, { metadata: name }).errors, [
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`',
      'spec.template.spec.containers: Required value',
    ]);
    assert.deepEqual(
      deployment({ selector: { matchExpressions: [{ key: 'app', operator: 'Is' }] }, template: {} }).errors,
      [
        'spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
        'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Is"}]}: invalid label selector',
      ],
    );
    assert.deepEqual(deployment({ strategy: { type: 'Blue' } }).errors, [
      'spec.strategy: Unsupported value: {"Type":"Blue","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"',
    ]);
    assert.deepEqual(
      deployment({ strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 'x' } } }).errors.slice(1),
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
    );
    assert.deepEqual(deployment({ selector: {} }).errors, [
      'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
    ]);
    assert.deepEqual(deployment({ selector: { matchLabels: { app: 'y' } } }).errors, [
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
    ]);
    assert.deepEqual(deployment({ replicas: -1 }).errors, [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ]);
    assert.deepEqual(deployment({ strategy: { type: 'Recreate', rollingUpdate: {} } }).errors, [
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ]);
    assert.deepEqual(deployment({ strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: '0%' } } }).errors, [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ]);
    assert.deepEqual(
      deployment({ template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } }).errors,
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    );
    const replicaSet = pipeline.create(resources.replicaSets, {
      metadata: name,
      spec: { selector: { matchLabels: { app: 'y' } }, template },
    });
    assert.deepEqual(replicaSet.errors, [
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
    ]);
  });

  test('selector is immutable; generation follows spec and annotations, not status', () => {
    const old = deployment().object;
    const other = { matchLabels: { app: 'y' } };
    const moved = pipeline.update(resources.deployments, old, {
      ...old,
      spec: { ...old.spec, selector: other, template: { ...template, metadata: { labels: { app: 'y' } } } },
    });
    assert.deepEqual(moved.errors, ['spec.selector: Invalid value: {"matchLabels":{"app":"y"}}: field is immutable']);
    const scaled = pipeline.update(resources.deployments, old, { ...old, spec: { ...old.spec, replicas: 0 } }).object;
    assert.deepEqual([scaled.metadata?.generation, scaled.spec?.replicas], [2, 0]);
    const noted = pipeline.update(resources.deployments, old, {
      ...old,
      metadata: { ...old.metadata, annotations: { a: 'b' } },
    }).object;
    assert.equal(noted.metadata?.generation, 2);
    const status = pipeline.updateStatus(resources.deployments, old, {
      ...old,
      spec: { ...old.spec, replicas: 9 },
      status: { replicas: 1 },
    });
    assert.deepEqual(
      [status.errors, status.object.metadata?.generation, status.object.spec?.replicas, status.object.status],
      [[], 1, 1, { replicas: 1 }],
    );
  });

  test('columns and scale', () => {
    const object = {
      ...deployment({ replicas: 3 }).object,
      metadata: born,
      status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 },
    };
    assert.equal(pipeline.header(resources.deployments), 'NAME READY UP-TO-DATE AVAILABLE AGE');
    assert.equal(pipeline.row(resources.deployments, object, now), 'x 2/3 3 2 90s | c i app=x');
    assert.equal(pipeline.header(resources.replicaSets), 'NAME DESIRED CURRENT READY AGE');
    const { scale } = pipeline.kind(resources.deployments);
    assert.deepEqual(scale?.get(object as never), { replicas: 3, statusReplicas: 0, selector: 'app=x' });
  });
});
