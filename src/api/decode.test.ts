import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeBody, decodeObject, decodeType } from './decode.ts';
import { duplicateFields } from './duplicate-fields.ts';
import { ApiError } from './errors.ts';
import {
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  milliValue,
  parseQuantity,
  quantityValue,
} from './quantity.ts';
import { resources } from './resources.ts';
import type { Resource } from './resources.ts';
import { age, canonicalTime, humanDuration, timeText } from './time.ts';

function refused(resource: Resource, body: unknown, text?: string): string {
  try {
    decodeBody(resource, body, 'Strict', text);
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.code, 400);
    return error.message;
  }
  return assert.fail('was not refused');
}

describe('wrong types in the words of Go', () => {
  const { services, pods, configMaps, leases, secrets } = resources;
  const table: readonly (readonly [Resource, unknown, string])[] = [
    [
      services,
      { spec: { ports: [{ port: 'x' }] } },
      'cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      services,
      { spec: { ports: [{ port: 1.5 }] } },
      'cannot unmarshal number 1.5 into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      services,
      { spec: { ports: [{ port: 1e10 }] } },
      'cannot unmarshal number 10000000000 into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      services,
      { spec: { ports: {} } },
      'cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
    ],
    [
      services,
      { spec: { ports: [{ protocol: 6 }] } },
      'cannot unmarshal number into Go struct field ServicePort.spec.ports.protocol of type v1.Protocol',
    ],
    [services, { spec: [] }, 'cannot unmarshal array into Go struct field Service.spec of type v1.ServiceSpec'],
    [
      services,
      { spec: { publishNotReadyAddresses: 'yes' } },
      'cannot unmarshal string into Go struct field ServiceSpec.spec.publishNotReadyAddresses of type bool',
    ],
    [
      services,
      { spec: { ports: [{ targetPort: true }] } },
      'cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32',
    ],
    [configMaps, { data: { a: 1 } }, 'cannot unmarshal number into Go struct field ConfigMap.data of type string'],
    [
      pods,
      { metadata: { labels: [] } },
      'cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string',
    ],
  ];
  for (const [resource, body, want] of table) {
    test(want, () => {
      const { kind, version } = resource;
      assert.equal(
        refused(resource, body),
        `${kind} in version "${version}" cannot be handled as a ${kind}: json: ${want}`,
      );
    });
  }

  test('values with a form of their own', () => {
    assert.match(
      refused(pods, { metadata: { creationTimestamp: 'now' } }),
      /parsing time "now" as "2006-01-02T15:04:05Z07:00"/,
    );
    assert.match(refused(leases, { spec: { renewTime: 'now' } }), /as "2006-01-02T15:04:05.000000Z07:00"/);
    assert.match(refused(secrets, { data: { a: 'x!' } }), /illegal base64 data at input byte 1/);
    assert.match(
      refused(pods, { spec: { containers: [{ resources: { limits: { cpu: 'lots' } } }] } }),
      /quantities must match the regular expression/,
    );
  });

  test('kind and version', () => {
    assert.equal(
      refused(services, { apiVersion: 'v2' }),
      'Service in version "v2" cannot be handled as a Service: no kind "Service" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    );
    assert.equal(
      refused(services, { apiVersion: 'apps/v1', kind: 'Deployment' }),
      'the API version in the data (apps/v1) does not match the expected API version (v1)',
    );
    assert.match(refused(services, { kind: 'Pod' }), /^Pod in version "v1" cannot be handled as a Service/);
    assert.match(
      refused(services, 'x'),
      /^couldn't get version\/kind; json parse error: json: cannot unmarshal string/,
    );
  });
});

test('what Go holds by value is there when nobody set it', () => {
  const { object } = decodeBody(resources.endpointSlices, { endpoints: [{ hints: { forZones: [{}] } }] }, 'Strict');
  assert.deepEqual(object.endpoints?.[0]?.hints, { forZones: [{ name: '' }] });
  assert.equal(object.addressType, '');
  const { object: service } = decodeBody(
    resources.services,
    { spec: { ports: [{}], trafficDistribution: '' } },
    'Strict',
  );
  assert.deepEqual(
    service.spec,
    { ports: [{ port: 0 }], trafficDistribution: '' },
    'a pointer to nothing is not nothing',
  );
  const { object: policy } = decodeBody(resources.networkPolicies, { spec: { ingress: [{ ports: [{}] }] } }, 'Strict');
  assert.deepEqual(policy.spec?.ingress, [{ ports: [{}] }]);
});

test('unknown and duplicate fields', () => {
  const text =
    '{"metadata":{"name":"a","name":"b"},"spec":{"foo":1,"ports":[{"port":1},{"port":2,"port":3,"bar":{"x":1}}]},"spam":1}';
  const body: unknown = JSON.parse(text);
  const all =
    'unknown field "spec.foo", unknown field "spec.ports[1].bar", unknown field "spam", duplicate field "metadata.name", duplicate field "spec.ports[1].port"';
  assert.equal(
    refused(resources.services, body, text),
    `Service in version "v1" cannot be handled as a Service: strict decoding error: ${all}`,
  );
  const { object, warnings } = decodeBody(resources.services, body, 'Warn', text);
  assert.equal(warnings.length, 5);
  assert.deepEqual(object, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'b' },
    spec: { ports: [{ port: 1 }, { port: 3 }] },
    status: { loadBalancer: {} },
  });
  assert.deepEqual(decodeBody(resources.services, body, 'Ignore', text).warnings, []);
});

test('structs that Go holds by value are there, with their zero values', () => {
  const { object } = decodeObject(resources.nodes, { spec: null });
  assert.deepEqual(object.spec, {});
  assert.deepEqual(object.status?.daemonEndpoints, { kubeletEndpoint: { Port: 0 } });
  assert.equal(object.status?.nodeInfo?.kubeletVersion, '');
  const { template } = decodeObject(resources.podTemplates, {}).object;
  assert.deepEqual(template, { metadata: {}, spec: {} });
  const pod = decodeObject(resources.pods, { spec: { containers: [null], overhead: { cpu: null } } }).object;
  assert.deepEqual(pod.spec, { containers: [{ name: '', resources: {} }], overhead: { cpu: '0' } });
});

test("errors name the embedded structs that Go's decoder goes through", () => {
  const probe = { livenessProbe: { httpGet: { port: 80, path: 5 } } };
  const env = { env: [{ name: 'a', valueFrom: { secretKeyRef: { name: 5, key: 'k' } } }] };
  for (const [container, field] of [
    [probe, 'HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.path'],
    [env, 'SecretKeySelector.spec.containers.env.valueFrom.secretKeyRef.LocalObjectReference.name'],
  ] as const) {
    assert.throws(() => decodeObject(resources.pods, { spec: { containers: [{ name: 'c', ...container }] } }), {
      message: `json: cannot unmarshal number into Go struct field ${field} of type string`,
    });
  }
});

test("nulls and Go's zero values are dropped, pointers are not", () => {
  const { object } = decodeObject(resources.services, {
    metadata: { name: 'a', creationTimestamp: null, labels: {}, annotations: { x: '' }, finalizers: [] },
    spec: {
      clusterIP: '',
      clusterIPs: [],
      ports: [{ port: 80, nodePort: 0, appProtocol: '' }],
      publishNotReadyAddresses: false,
      allocateLoadBalancerNodePorts: false,
      selector: null,
    },
  });
  assert.deepEqual(object, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'a', annotations: { x: '' } },
    spec: { ports: [{ port: 80, appProtocol: '' }], allocateLoadBalancerNodePorts: false },
    status: { loadBalancer: {} },
  });
  const deployment = decodeObject(resources.deployments, {
    spec: { replicas: 0, minReadySeconds: 0, paused: false },
  }).object;
  assert.deepEqual(deployment.spec, { replicas: 0, strategy: {}, template: { metadata: {}, spec: {} } });
  const slice = decodeObject(resources.endpointSlices, { addressType: 'IPv4', endpoints: [], ports: [] }).object;
  assert.deepEqual([slice.endpoints, slice.ports], [[], []]);
});

test('__proto__ never gets in', () => {
  const bad = [
    '{"__proto__":{}}',
    '{"metadata":{"labels":{"__proto__":"x"}}}',
    '{"metadata":{"managedFields":[{"fieldsV1":{"__proto__":{}}}]}}',
  ];
  for (const text of bad)
    assert.match(refused(resources.pods, JSON.parse(text)), /"[\w.[\]]*__proto__" is not allowed/);
  const { object } = decodeObject(resources.configMaps, { data: { constructor: 'a', toString: 'b' } });
  assert.deepEqual(Object.entries(object.data ?? {}), [
    ['constructor', 'a'],
    ['toString', 'b'],
  ]);
});

test('any type of the schema', () => {
  assert.deepEqual(decodeType('DeleteOptions', { gracePeriodSeconds: 0, propagationPolicy: 'Background', x: 1 }), {
    object: { gracePeriodSeconds: 0, propagationPolicy: 'Background' },
    strictErrors: ['unknown field "x"'],
  });
});

test('property: duplicate fields of generated texts', () => {
  const key = fc.constantFrom('a', 'b', 'c"', 'd\\');
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.jsonValue({ maxDepth: 1 })), { maxLength: 5 }), (pairs) => {
      const text = `{ ${pairs.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(' , ')} }`;
      const names = pairs.map(([name]) => name);
      const want: string[] = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
      assert.deepEqual(
        duplicateFields(text)
          .filter((path) => want.includes(path))
          .sort(),
        want.sort(),
      );
    }),
  );
});

describe('quantities', () => {
  test('canonical texts', () => {
    const table: Readonly<Record<string, string | undefined>> = {
      '0': '0',
      '1': '1',
      '1000m': '1',
      '1500m': '1500m',
      '0.5': '500m',
      '1.5Gi': '1536Mi',
      '1024Mi': '1Gi',
      '100Mi': '100Mi',
      '1000Ki': '1000Ki',
      '1e3': '1e3',
      '1E': '1E',
      '1000k': '1M',
      '0.1': '100m',
      '-1': '-1',
      '.5': '500m',
      '1.': '1',
      '128974848': '128974848',
      '0.0000000001': '1n',
      '1023': '1023',
      '512Ki': '512Ki',
      '0.5Ki': '512',
      '': undefined,
      x: undefined,
      '1mm': undefined,
      '1 Gi': undefined,
      '1KI': undefined,
      '1.2.3': undefined,
      '.': undefined,
    };
    for (const [text, want] of Object.entries(table)) assert.equal(canonicalQuantity(text), want, text);
    assert.equal(canonicalQuantity(0.25), '250m');
  });

  test('values', () => {
    const of = (text: string): NonNullable<ReturnType<typeof parseQuantity>> =>
      parseQuantity(text) ?? assert.fail(text);
    assert.equal(milliValue(of('1.5')), 1500);
    assert.equal(quantityValue(of('1500m')), 2);
    assert.equal(quantityValue(of('1Gi')), 1024 ** 3);
    assert.equal(compareQuantities(of('1Gi'), of('1G')), 1);
  });

  test('property: canonical text means the same and is a fixed point', () => {
    const suffix = fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi', 'e2', 'u', 'n');
    fc.assert(
      fc.property(fc.integer({ min: -9999, max: 999999 }), suffix, (number, unit) => {
        const quantity = parseQuantity(`${number}${unit}`) ?? assert.fail();
        const text = formatQuantity(quantity);
        assert.equal(parseQuantity(text)?.nano, quantity.nano, text);
        assert.equal(canonicalQuantity(text), text);
      }),
    );
  });
});

test('times and ages', () => {
  assert.equal(timeText(1.5), '1970-01-01T00:00:00Z');
  assert.equal(canonicalTime('2024-02-03T04:05:06.123456789+02:00', true), '2024-02-03T02:05:06.123456Z');
  assert.equal(canonicalTime('2024-02-03T04:05:06.9Z', false), '2024-02-03T04:05:06Z');
  assert.equal(canonicalTime('2024-02-03', false), undefined);
  const [s, m, h, d] = [1000, 60_000, 3_600_000, 86_400_000];
  const table: readonly (readonly [number, string])[] = [
    [-2 * s, '<invalid>'],
    [-s, '0s'],
    [0, '0s'],
    [119 * s, '119s'],
    [120 * s, '2m'],
    [121 * s, '2m1s'],
    [9 * m + 59 * s, '9m59s'],
    [10 * m + 5 * s, '10m'],
    [179 * m, '179m'],
    [180 * m, '3h'],
    [7 * h + 5 * m, '7h5m'],
    [8 * h + 5 * m, '8h'],
    [47 * h, '47h'],
    [48 * h, '2d'],
    [7 * d + 3 * h, '7d3h'],
    [8 * d + 3 * h, '8d'],
    [729 * d, '729d'],
    [730 * d, '2y'],
    [731 * d, '2y1d'],
    [8 * 365 * d + d, '8y'],
  ];
  for (const [ms, want] of table) assert.equal(humanDuration(ms), want);
  assert.equal(age(undefined, 0), '<unknown>');
});
