/** The kinds of resource.k8s.io: defaults, refusals in upstream's words, what status may say, columns. Release 1.36. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '../../object.ts';
import type { Resource } from '../../resources.ts';
import { resources } from '../../resources.ts';
import { assertRefusals, Pipeline } from '../test-kit.ts';
import type { Refusal } from '../test-kit.ts';

const pipeline = new Pipeline();
const meta = { name: 'x', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' };
const now = Date.parse('2026-01-01T00:01:30Z');
const exactly = { deviceClassName: 'gpu.example.com' };
const requests = [
  { name: 'one', exactly },
  { name: 'any', firstAvailable: [{ name: 'large', ...exactly }] },
];
const claim = (devices: object): object => ({ metadata: { ...meta, namespace: 'n' }, spec: { devices } });
const pool = { name: 'node-1/gpus', generation: 0, resourceSliceCount: 1 };
const slice = (more: object = {}): object => ({
  metadata: meta,
  spec: { driver: 'd.example.com', pool, nodeName: 'node-1', ...more },
});
const device = { driver: 'd.example.com', pool: 'p', device: 'gpu-0' };
const allocation = { devices: { results: [{ request: 'one', ...device }] } };

function create(resource: Resource, body: object): { readonly object: unknown; readonly errors: readonly string[] } {
  return pipeline.create<KubeObject>(resource, body);
}

test('a body without a spec has an empty one', () => {
  const metadata = { ...meta, namespace: 'n' };
  assert.deepEqual(create(resources.resourceClaims, { metadata }).errors, []);
  assert.deepEqual(create(resources.resourceClaimTemplates, { metadata }).errors, []);
  assert.deepEqual(create(resources.deviceClasses, { metadata: meta }).errors, []);
  for (const body of [{ metadata: meta }, { metadata: meta, spec: {} }]) {
    assert.deepEqual(create(resources.resourceSlices, body).errors, [
      'spec.driver: Required value',
      'spec.pool.name: Required value',
      'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
      'spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required',
    ]);
  }
  assert.deepEqual(create(resources.resourceSlices, slice({ nodeName: undefined, nodeSelector: {} })).errors, [
    'spec.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term',
    'spec.nodeSelector.nodeSelectorTerms: Invalid value: null: must have exactly one node selector term',
  ]);
});

const refusals: readonly Refusal[] = [
  [
    resources.resourceClaims,
    claim({ requests: [{ name: 'x' }] }),
    'spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required',
  ],
  [
    resources.resourceClaims,
    claim({ requests: [requests[0], requests[0]] }),
    'spec.devices.requests[1]: Duplicate value: "one"',
  ],
  [
    resources.resourceClaims,
    claim({ requests: [{ name: 'x', exactly: { ...exactly, allocationMode: 'Some' } }] }),
    'spec.devices.requests[0].exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"',
  ],
  [
    resources.resourceClaims,
    claim({ requests: [{ name: 'x', exactly: { ...exactly, allocationMode: 'All', count: 2 } }] }),
    "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'",
  ],
  [
    resources.resourceClaims,
    claim({ requests, constraints: [{ requests: ['any/small'], matchAttribute: 'a/b' }] }),
    `spec.devices.constraints[0].requests[0]: Invalid value: "any/small": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'`,
  ],
  [
    resources.resourceClaims,
    claim({ requests, config: [{ requests: ['one'] }] }),
    'spec.devices.config[0].opaque: Required value',
  ],
  [
    resources.resourceClaims,
    claim({ requests: Array.from({ length: 33 }, (_, i) => ({ name: `r${i}`, exactly })) }),
    'spec.devices.requests: Too many: 33: must have at most 32 items',
  ],
  [
    resources.resourceClaimTemplates,
    { metadata: { ...meta, namespace: 'n' }, spec: { spec: { devices: { requests: [{ name: 'A', exactly }] } } } },
    'spec.spec.devices.requests[0].name: Invalid value: "A": a lowercase RFC 1123 label must consist of',
  ],
  [resources.deviceClasses, { metadata: meta, spec: { selectors: [{}] } }, 'spec.selectors[0].cel: Required value'],
  [
    resources.resourceSlices,
    slice({ allNodes: true }),
    'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
  ],
  [
    resources.resourceSlices,
    slice({ pool: { ...pool, resourceSliceCount: 0 } }),
    'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
  ],
  [
    resources.resourceSlices,
    slice({ devices: [{ name: 'a' }, { name: 'a' }] }),
    'spec.devices[1]: Duplicate value: "a"',
  ],
];

describe('resource.k8s.io', () => {
  test('a request is for one device unless it says otherwise', () => {
    const { object, errors } = create(resources.resourceClaims, claim({ requests }));
    assert.deepEqual(errors, []);
    const made = object as { spec: { devices: { requests: unknown[] } } };
    assert.deepEqual(made.spec.devices.requests, [
      { name: 'one', exactly: { ...exactly, allocationMode: 'ExactCount', count: 1 } },
      { name: 'any', firstAvailable: [{ name: 'large', ...exactly, allocationMode: 'ExactCount', count: 1 }] },
    ]);
  });

  test('refusals', () => {
    assertRefusals(create, refusals);
  });

  test('columns', () => {
    const rows: readonly (readonly [Resource, object, readonly unknown[]])[] = [
      [resources.deviceClasses, { metadata: meta, spec: {} }, ['x', '90s']],
      [resources.resourceClaims, claim({ requests }), ['x', 'pending', '90s']],
      [resources.resourceClaimTemplates, { metadata: meta, spec: { spec: {} } }, ['x', '90s']],
      [resources.resourceSlices, slice(), ['x', 'node-1', 'd.example.com', 'node-1/gpus', '90s']],
    ];
    for (const [resource, body, row] of rows) {
      const { object } = create(resource, body);
      const { columns } = pipeline.kind(resource);
      assert.deepEqual(
        columns.map(({ cell }) => cell(object as never, now)),
        row,
      );
    }
  });

  test('status: an allocation is made once, and reserved for those who are named before deletion', () => {
    const kind = pipeline.kind(resources.resourceClaims);
    const old = create(resources.resourceClaims, claim({ requests })).object as KubeObject & { status: object };
    const judge = (status: object, before: object = {}, metadata: object = {}): readonly string[] => {
      const next = structuredClone({ ...old, metadata: { ...old.metadata, ...metadata }, status });
      const was = structuredClone({ ...old, metadata: { ...old.metadata, ...metadata }, status: before }) as never;
      kind.status?.prepareForUpdate?.(next, was);
      return (kind.status?.validateUpdate?.(next, was) ?? []).map(({ field, message }) => `${field}: ${message}`);
    };
    const reservedFor = [{ resource: 'pods', name: 'p', uid: 'u1' }];
    assert.deepEqual(judge({ allocation, reservedFor }), []);
    assert.deepEqual(judge({ reservedFor }), [
      'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
    ]);
    assert.deepEqual(
      judge({ allocation, reservedFor }, { allocation }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      [
        'status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
      ],
    );
    const other = { devices: { results: [{ request: 'one', ...device, device: 'gpu-1' }] } };
    assert.match(
      judge({ allocation: other }, { allocation }).join(),
      /^status\.allocation: Invalid value: .*: field is immutable$/,
    );
    assert.match(
      judge({ allocation, devices: [{ ...device, device: 'gpu-1' }] }).join(),
      /must be an allocated device in the claim/,
    );
    assert.deepEqual(
      judge({ devices: [device] }, { allocation, devices: [device] }),
      [],
      'what it says of them goes too',
    );
  });
});
