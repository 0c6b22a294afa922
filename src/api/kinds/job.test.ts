/** Refusals of Jobs, each row from pkg/apis/batch/validation and pkg/registry/batch/job/strategy.go (release 1.36). */
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import type { Job, JobSpec, JobStatus } from '../gen/types.ts';
import { resources } from '../resources.ts';
import { Pipeline } from './test-kit.ts';

const pipeline = new Pipeline();
const metadata = { name: 'x', uid: 'u', namespace: 'default', resourceVersion: '1' };
const template = { spec: { containers: [{ name: 'c', image: 'i' }], restartPolicy: 'Never' } };
const indexed = { completionMode: 'Indexed', completions: 5, parallelism: 5 };
const rule = (more: object): object => ({ podFailurePolicy: { rules: [{ action: 'FailJob', ...more }] } });
const codes = (more: object): object => rule({ onExitCodes: { operator: 'In', values: [1], ...more } });
const success = (...rules: readonly object[]): object => ({ ...indexed, successPolicy: { rules } });
const at = 'spec.podFailurePolicy.rules[0]';
const rules = 'spec.successPolicy.rules';

const refusals: readonly (readonly [name: string, spec: object, errors: readonly string[]])[] = [
  [
    'an action',
    rule({ action: 'X', onPodConditions: [{ type: 'A' }] }),
    [`${at}.action: Unsupported value: "X": supported values: "Count", "FailIndex", "FailJob", "Ignore"`],
  ],
  [
    'no action',
    rule({ action: '', onPodConditions: [{ type: 'A' }] }),
    [`${at}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]`],
  ],
  [
    'FailIndex of a job without',
    rule({ action: 'FailIndex', onPodConditions: [{ type: 'A' }] }),
    [`${at}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set`],
  ],
  ['neither way', rule({}), [`${at}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`]],
  [
    'both ways',
    rule({ onExitCodes: { operator: 'In', values: [1] }, onPodConditions: [{ type: 'A' }] }),
    [`${at}: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported`],
  ],
  [
    'a condition',
    rule({ onPodConditions: [{ type: 'A', status: 'Yes' }] }),
    [`${at}.onPodConditions[0].status: Unsupported value: "Yes": supported values: "False", "True", "Unknown"`],
  ],
  [
    'an operator',
    codes({ operator: 'Is' }),
    [`${at}.onExitCodes.operator: Unsupported value: "Is": supported values: "In", "NotIn"`],
  ],
  [
    'a container',
    codes({ containerName: 'd' }),
    [
      `${at}.onExitCodes.containerName: Invalid value: "d": must be one of the container or initContainer names in the pod template`,
    ],
  ],
  ['no codes', codes({ values: [] }), [`${at}.onExitCodes.values: Invalid value: []: at least one value is required`]],
  [
    'code 0',
    codes({ values: [0] }),
    [`${at}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator`],
  ],
  ['codes twice', codes({ values: [1, 1] }), [`${at}.onExitCodes.values[1]: Duplicate value: 1`]],
  ['codes in no order', codes({ values: [2, 1] }), [`${at}.onExitCodes.values: Invalid value: [2,1]: must be ordered`]],
  [
    'many codes',
    codes({ values: Array.from({ length: 256 }, (_, code) => code + 1) }),
    [`${at}.onExitCodes.values: Too many: 256: must have at most 255 items`],
  ],
  [
    'success by no index',
    { successPolicy: { rules: [{ succeededCount: 1 }] } },
    ['spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode'],
  ],
  [
    'no rule of success',
    success(),
    [`${rules}: Required value: at least one rules must be specified when the successPolicy is specified`],
  ],
  [
    'an empty rule of success',
    success({}),
    [`${rules}[0]: Required value: at least one of succeededCount or succeededIndexes must be specified`],
  ],
  [
    'more than all',
    success({ succeededCount: 6 }),
    [
      `${rules}[0].succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)`,
    ],
  ],
  [
    'more than those',
    success({ succeededCount: 3, succeededIndexes: '0,2' }),
    [
      `${rules}[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)`,
    ],
  ],
  [
    'an index it has not',
    success({ succeededIndexes: '0-5' }),
    [`${rules}[0].succeededIndexes: Invalid value: "0-5": error parsing succeededIndexes: too large index: "5"`],
  ],
  [
    'no index',
    success({ succeededIndexes: 'a' }),
    [
      `${rules}[0].succeededIndexes: Invalid value: "a": error parsing succeededIndexes: cannot convert string to integer for index: "a"`,
    ],
  ],
  [
    'indexes in no order',
    success({ succeededIndexes: '3,1' }),
    [
      `${rules}[0].succeededIndexes: Invalid value: "3,1": error parsing succeededIndexes: non-increasing order, previous: 3, current: 1`,
    ],
  ],
  [
    'indexes backwards',
    success({ succeededIndexes: '3-1' }),
    [
      `${rules}[0].succeededIndexes: Invalid value: "3-1": error parsing succeededIndexes: non-increasing order, previous: 3, current: 1`,
    ],
  ],
  [
    'three parts',
    success({ succeededIndexes: '1-2-3' }),
    [
      `${rules}[0].succeededIndexes: Invalid value: "1-2-3": error parsing succeededIndexes: the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by '-'`,
    ],
  ],
  [
    'a manager',
    { managedBy: 'me' },
    ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
  ],
  [
    'a long manager',
    { managedBy: `acme.io/${'x'.repeat(56)}` },
    ['spec.managedBy: Too long: may not be more than 63 bytes'],
  ],
  [
    'a replacement',
    { podReplacementPolicy: 'Never' },
    ['spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"'],
  ],
  [
    'maxFailedIndexes alone',
    { ...indexed, maxFailedIndexes: 1 },
    ['spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified'],
  ],
  [
    'very many completions',
    { ...indexed, completions: 100_001, parallelism: 10_001, backoffLimitPerIndex: 1 },
    [
      'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
      'spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
    ],
  ],
];

const times = { startTime: '2026-01-01T00:00:00Z', completionTime: '2026-01-01T00:01:00Z' };
const conditions = (...types: readonly string[]): Pick<JobStatus, 'conditions'> => ({
  conditions: types.map((type) => ({ type, status: 'True' })),
});
const done = { ...times, ...conditions('SuccessCriteriaMet', 'Complete'), succeeded: 1 };
const failedJob = { startTime: times.startTime, ...conditions('FailureTarget', 'Failed') };

const statusRefusals: readonly (readonly [
  name: string,
  old: JobStatus,
  now: JobStatus,
  errors: readonly string[],
  spec?: object,
])[] = [
  ['a good end', {}, done, []],
  ['a bad end', {}, failedJob, []],
  [
    'both ends',
    {},
    { ...done, ...conditions('SuccessCriteriaMet', 'Complete', 'FailureTarget', 'Failed') },
    [
      'status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions',
      'status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions',
      'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions',
      'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions',
    ],
  ],
  [
    'no FailureTarget before',
    {},
    { ...failedJob, ...conditions('Failed') },
    ['status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition'],
  ],
  [
    'no SuccessCriteriaMet before',
    {},
    { ...done, ...conditions('Complete') },
    [
      'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
    ],
  ],
  [
    'no completionTime',
    {},
    { startTime: times.startTime, ...conditions('SuccessCriteriaMet', 'Complete') },
    ['status.completionTime: Required value: completionTime is required for Complete jobs'],
  ],
  [
    'a completionTime too soon',
    {},
    times,
    [
      'status.completionTime: Invalid value: "2026-01-01T00:01:00Z": cannot set completionTime when there is no Complete=True condition',
    ],
  ],
  [
    'never started',
    {},
    { completionTime: times.completionTime, ...conditions('SuccessCriteriaMet', 'Complete') },
    ['status.startTime: Required value: startTime is required for finished job'],
  ],
  [
    'still active',
    {},
    { ...failedJob, active: 1 },
    ['status.active: Invalid value: 1: active>0 is invalid for finished job'],
  ],
  [
    'still terminating',
    {},
    { ...failedJob, terminating: 1 },
    ['status.terminating: Invalid value: 1: terminating>0 is invalid for finished job'],
  ],
  [
    'more ready than active',
    {},
    { active: 1, ready: 2 },
    ['status.ready: Invalid value: 2: cannot set more ready pods than active'],
  ],
  [
    'uncounted twice',
    {},
    { uncountedTerminatedPods: { succeeded: ['a'], failed: ['a', ''] } },
    [
      'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
      'status.uncountedTerminatedPods.failed[1]: Invalid value: "": must not be empty',
    ],
  ],
  [
    'taken back',
    failedJob,
    { startTime: times.startTime },
    [
      'status.conditions: Invalid value: cannot disable the terminal Failed=True condition',
      'status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition',
    ],
  ],
  [
    'fewer failed',
    { failed: 2 },
    { failed: 1 },
    ['status.failed: Invalid value: 1: cannot decrease the failed counter'],
  ],
  [
    'fewer succeeded',
    { succeeded: 2 },
    {},
    ['status.succeeded: Invalid value: 0: cannot decrease the succeeded counter'],
  ],
  ['fewer succeeded of an elastic job', { succeeded: 2 }, {}, [], indexed],
  [
    'another startTime',
    { startTime: times.startTime },
    { startTime: times.completionTime },
    ['status.startTime: Invalid value: "2026-01-01T00:01:00Z": field is immutable for unsuspended job once set'],
  ],
  [
    'another startTime when it goes on',
    { startTime: times.startTime, ...conditions('Suspended') },
    { startTime: times.completionTime, conditions: [{ type: 'Suspended', status: 'False' }] },
    [],
  ],
  [
    'indexes of a job without',
    {},
    { completedIndexes: '0' },
    [
      'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
    ],
  ],
  [
    'failed indexes without a limit',
    {},
    { failedIndexes: '0' },
    ['status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when backoffLimitPerIndex is null'],
    indexed,
  ],
  [
    'indexes in both',
    {},
    { completedIndexes: '0-2', failedIndexes: '2,3' },
    ['status.failedIndexes: Invalid value: "2,3": failedIndexes and completedIndexes overlap at index: 2'],
    { ...indexed, backoffLimitPerIndex: 1 },
  ],
];

function create(spec: object): { readonly object: Job; readonly errors: readonly string[] } {
  return pipeline.create(resources.jobs, { metadata, spec: { template, ...spec } });
}

describe('Job validation', () => {
  for (const [name, spec, errors] of refusals) {
    it(`refuses ${name}`, () => assert.deepEqual([...create(spec).errors].sort(), [...errors].sort()));
  }

  it('allows policies that are well formed', () => {
    const conditionRule = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] };
    const codeRule = { action: 'FailIndex', onExitCodes: { containerName: 'c', operator: 'NotIn', values: [0, 3] } };
    const podFailurePolicy = { rules: [conditionRule, codeRule] };
    const successPolicy = { rules: [{ succeededIndexes: '0,2-4', succeededCount: 2 }, { succeededCount: 5 }] };
    const spec = { ...indexed, backoffLimitPerIndex: 1, podFailurePolicy, successPolicy, managedBy: 'acme.io/jobs' };
    assert.deepEqual(create(spec).errors, []);
  });

  for (const [name, old, now, errors, spec = {}] of statusRefusals) {
    it(`status: ${name}`, () => {
      const { object } = create(spec);
      const stored = { ...object, status: old };
      const { errors: found } = pipeline.updateStatus(resources.jobs, stored, { ...object, status: now });
      assert.deepEqual([...found].sort(), [...errors].sort());
    });
  }

  const change = (spec: Partial<JobSpec>, status: JobStatus, edit: (job: Job) => void): readonly string[] => {
    const { object } = create(spec);
    const next = structuredClone(object);
    edit(next);
    return pipeline.update(resources.jobs, { ...object, status }, next).errors;
  };
  const resourcesOf = (job: Job): void => {
    const [container] = job.spec?.template?.spec?.containers ?? [];
    if (container !== undefined) container.resources = { requests: { cpu: '1' } };
  };
  const placeOf = (job: Job): void => {
    const { spec } = job.spec?.template ?? {};
    if (spec === undefined) return;
    spec.nodeSelector = { a: 'b' };
    spec.tolerations = [{ operator: 'Exists' }];
    const term = { matchExpressions: [{ key: 'a', operator: 'Exists' }] };
    spec.affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } } };
  };
  const imageOf = (job: Job): void => {
    const [container] = job.spec?.template?.spec?.containers ?? [];
    if (container !== undefined) container.image = 'other';
  };
  const suspended = { suspend: true };
  const stopped = { startTime: times.startTime, ...conditions('Suspended') };
  const templates: readonly (readonly [string, Partial<JobSpec>, JobStatus, (job: Job) => void, string | undefined])[] =
    [
      ['resources of a suspended job', suspended, {}, resourcesOf, undefined],
      ['the place of a suspended job', suspended, {}, placeOf, undefined],
      ['the resources of one that ran before', suspended, stopped, resourcesOf, undefined],
      ['the place of one that still stops', suspended, { ...stopped, active: 1 }, placeOf, 'spec.template'],
      ['the place of one that runs', {}, stopped, placeOf, 'spec.template'],
      ['the image of a suspended job', suspended, {}, imageOf, 'spec.template.spec'],
    ];
  for (const [name, spec, status, edit, field] of templates) {
    it(`${field === undefined ? 'lets change' : 'keeps'} ${name}`, () => {
      const errors = change(spec, status, edit);
      assert.deepEqual(
        errors.map((error) => error.slice(0, error.indexOf(':'))),
        field === undefined ? [] : [field],
      );
      if (field !== undefined) assert.match(errors[0] ?? '', /: field is immutable$/);
    });
  }

  it('scales an indexed job in tandem', () => {
    const edit =
      (completions: number, parallelism: number) =>
      (job: Job): void => {
        Object.assign(job.spec ?? {}, { completions, parallelism });
      };
    assert.deepEqual(change(indexed, {}, edit(3, 3)), []);
    const why = 'spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism';
    assert.deepEqual(change(indexed, {}, edit(3, 2)), [why]);
  });
});
