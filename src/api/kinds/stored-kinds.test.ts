/**
 * Kinds that are stored for others to act on (storage, flow control, other API servers, schedules): defaults, refusals, columns. Each
 * row from the source named above its table (release 1.36).
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '../object.ts';
import type { Resource } from '../resources.ts';
import { resources } from '../resources.ts';
import { assertRefusals, Pipeline } from './test-kit.ts';
import type { Refusal } from './test-kit.ts';

const pipeline = new Pipeline();
const meta = { name: 'x', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' };
const now = Date.parse('2026-01-01T00:01:30Z');
const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
const cron = { schedule: '0 * * * *', jobTemplate: { spec: { template } } };
const subject = { kind: 'User', user: { name: 'u' } };
const rule = { verbs: ['*'], apiGroups: [''], resources: ['pods'], namespaces: ['*'] };
const flow = {
  priorityLevelConfiguration: { name: 'p' },
  rules: [{ subjects: [subject], resourceRules: [rule] }],
};
const queuing = { handSize: 8, queues: 64, queueLengthLimit: 50 };
const limited = (more: object = {}): object => ({
  spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing }, ...more } },
});
const attachment = { attacher: 'csi.example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } };
const apiService = { group: 'g.io', version: 'v1', groupPriorityMinimum: 100, versionPriority: 10 };

function create(resource: Resource, body: object): { readonly object: unknown; readonly errors: readonly string[] } {
  return pipeline.create<KubeObject>(resource, { metadata: meta, ...body });
}

function at(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}

/** pkg/apis/storage/v1/defaults.go, flowcontrol/v1/defaults.go, batch/v1/defaults.go; kube-aggregator apiregistration/v1. */
const defaults: readonly (readonly [resource: Resource, body: object, path: string, value: unknown])[] = [
  [
    resources.csiDrivers,
    { spec: {} },
    'spec',
    {
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: ['Persistent'],
      requiresRepublish: false,
      seLinuxMount: false,
    },
  ],
  [resources.volumeAttachments, { spec: attachment, status: { attached: true } }, 'status', { attached: false }],
  [resources.flowSchemas, { spec: flow }, 'spec.matchingPrecedence', 1000],
  [resources.priorityLevelConfigurations, limited(), 'spec.limited.nominalConcurrencyShares', 30],
  [
    resources.priorityLevelConfigurations,
    limited({ limitResponse: { type: 'Queue', queuing: {} } }),
    'spec.limited.limitResponse.queuing',
    queuing,
  ],
  [resources.cronJobs, { spec: cron }, 'spec.concurrencyPolicy', 'Allow'],
  [resources.cronJobs, { spec: cron }, 'spec.successfulJobsHistoryLimit', 3],
  [resources.cronJobs, { spec: cron }, 'spec.jobTemplate.spec.template.spec.dnsPolicy', 'ClusterFirst'],
  [
    resources.apiServices,
    { metadata: { ...meta, name: 'v1.g.io' }, spec: { ...apiService, service: { namespace: 'n', name: 's' } } },
    'spec.service.port',
    443,
  ],
];

const hook = {
  name: 'a.b.c',
  clientConfig: { service: { namespace: 'n', name: 's', path: '/p' } },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};

/** pkg/apis/admissionregistration/validation, apiserver/pkg/util/webhook. */
const webhookRefusals: readonly Refusal[] = (
  [
    [{ clientConfig: { service: {} } }, 'clientConfig.service.name: Required value'],
    [
      { clientConfig: { service: { namespace: 'n', name: 's', path: 'x/y' } } },
      'clientConfig.service.path: Invalid value: "x/y": segment[0] may not be empty',
    ],
    [{ sideEffects: '' }, 'sideEffects: Unsupported value: "": supported values: "None", "NoneOnDryRun"'],
    [{ sideEffects: undefined }, 'sideEffects: Required value: must specify one of None, NoneOnDryRun'],
    [{ admissionReviewVersions: ['v1', 'v1'] }, 'admissionReviewVersions[1]: Invalid value: "v1": duplicate version'],
  ] as const
).map(([change, error]) => [
  resources.validatingWebhookConfigurations,
  { webhooks: [{ ...hook, ...change }] },
  `webhooks[0].${error}`,
]);

/** pkg/apis/{storage,flowcontrol,batch}/validation; kube-aggregator apiregistration/validation. */
const refusals: readonly Refusal[] = [
  ...webhookRefusals,
  [
    resources.csiDrivers,
    { spec: { fsGroupPolicy: 'Any' } },
    'spec.fsGroupPolicy: Unsupported value: "Any": supported values: "File", "None", "ReadWriteOnceWithFSType"',
  ],
  [
    resources.csiDrivers,
    { spec: { tokenRequests: [{ audience: 'a' }, { audience: 'a' }] } },
    'spec.tokenRequests[1].audience: Duplicate value: "a"',
  ],
  [resources.csiNodes, { spec: { drivers: [{ name: 'd', nodeID: '' }] } }, 'spec.drivers[0].nodeID: Required value'],
  [
    resources.csiNodes,
    { spec: { drivers: [{ name: 'd', nodeID: 'n'.repeat(257) }] } },
    `spec.drivers[0].nodeID: Invalid value: "${'n'.repeat(257)}": must be 256 characters or less`,
  ],
  [
    resources.csiDrivers,
    { spec: { fsGroupPolicy: '' } },
    'spec.fsGroupPolicy: Unsupported value: "": supported values: "File", "None", "ReadWriteOnceWithFSType"',
  ],
  [
    resources.volumeAttachments,
    {},
    'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
  ],
  [
    resources.volumeAttachments,
    { spec: { attacher: 'a', nodeName: 'n', source: { persistentVolumeName: '' } } },
    'spec.source.persistentVolumeName: Required value: must specify non empty persistentVolumeName',
  ],
  [
    resources.csiStorageCapacities,
    { metadata: { ...meta, namespace: 'n' }, storageClassName: 's', capacity: '-1' },
    'capacity: Invalid value: "-1": must be greater than or equal to 0',
  ],
  [
    resources.volumeAttachments,
    { spec: { ...attachment, source: {} } },
    'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
  ],
  [
    resources.volumeAttributesClasses,
    { driverName: 'd' },
    'parameters: Required value: must contain at least one key/value pair',
  ],
  [
    resources.flowSchemas,
    { spec: { ...flow, matchingPrecedence: 1 } },
    "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
  ],
  [
    resources.flowSchemas,
    { spec: { ...flow, rules: [{ subjects: [{ kind: 'Group' }], resourceRules: [rule] }] } },
    "spec.rules[0].subjects[0].group: Required value: group is required when subject kind is 'Group'",
  ],
  [
    resources.flowSchemas,
    { spec: { ...flow, rules: [{ subjects: [subject], resourceRules: [{ ...rule, namespaces: [] }] }] } },
    'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
  ],
  [
    resources.priorityLevelConfigurations,
    { spec: { type: 'Exempt' } },
    "spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'",
  ],
  [
    resources.priorityLevelConfigurations,
    limited({ limitResponse: { type: 'Queue', queuing: { queues: 2, handSize: 3, queueLengthLimit: 1 } } }),
    'spec.limited.limitResponse.queuing.handSize: Invalid value: 3: should not be greater than queues (2)',
  ],
  [
    resources.cronJobs,
    { spec: { ...cron, schedule: '* * *' } },
    'spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]',
  ],
  [
    resources.cronJobs,
    { spec: { ...cron, schedule: 'TZ=UTC 0 * * * *' } },
    'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
  ],
  [
    resources.cronJobs,
    { spec: { ...cron, timeZone: 'Nowhere/Land' } },
    'spec.timeZone: Invalid value: "Nowhere/Land": unknown time zone Nowhere/Land',
  ],
  [
    resources.cronJobs,
    { spec: { ...cron, jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Always' } } } } } },
    'spec.jobTemplate.spec.template.spec.restartPolicy: ',
  ],
  [
    resources.cronJobs,
    { metadata: { ...meta, name: 'x'.repeat(53) }, spec: cron },
    `metadata.name: Invalid value: "${'x'.repeat(53)}": must be no more than 52 characters`,
  ],
  [
    resources.apiServices,
    { spec: apiService },
    'metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.g.io"',
  ],
  [
    resources.apiServices,
    { metadata: { ...meta, name: 'v1.g.io' }, spec: { ...apiService, groupPriorityMinimum: 0 } },
    'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
  ],
];

/** pkg/printers/internalversion/printers.go, kube-aggregator pkg/registry/apiservice/etcd/etcd.go. */
const tables: readonly (readonly [resource: Resource, body: object, row: readonly unknown[]])[] = [
  [resources.csiDrivers, { spec: {} }, ['x', true, false, false, '<unset>', false, 'Persistent', '90s']],
  [resources.csiNodes, { spec: { drivers: [] } }, ['x', 0, '90s']],
  [resources.volumeAttachments, { spec: attachment }, ['x', 'csi.example.com', 'pv', 'n', false, '90s']],
  [resources.volumeAttributesClasses, { driverName: 'd', parameters: { a: 'b' } }, ['x', 'd', '90s']],
  [resources.flowSchemas, { spec: flow }, ['x', 'p', 1000, '<none>', '90s', '?']],
  [resources.priorityLevelConfigurations, limited(), ['x', 'Limited', 30, 64, 8, 50, '90s']],
  [resources.cronJobs, { spec: cron }, ['x', '0 * * * *', '<none>', 'False', 0, '<none>', '90s', 'c', 'i', '<none>']],
  [
    resources.apiServices,
    { metadata: { ...meta, name: 'v1.g.io' }, spec: apiService },
    ['v1.g.io', 'Local', 'True', '90s'],
  ],
];

describe('stored kinds', () => {
  test('defaults', () => {
    for (const [resource, body, path, value] of defaults) {
      assert.deepEqual(at(create(resource, body).object, path), value, `${resource.plural} ${path}`);
    }
  });

  test('refusals', () => {
    assertRefusals(create, refusals);
  });

  test('columns', () => {
    for (const [resource, body, row] of tables) {
      const { object, errors } = create(resource, body);
      assert.deepEqual(errors, [], resource.plural);
      const { columns } = pipeline.kind(resource);
      assert.deepEqual(
        columns.map(({ cell }) => cell(object as never, now)),
        row,
      );
    }
  });
});
