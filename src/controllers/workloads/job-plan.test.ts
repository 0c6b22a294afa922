/** Job plans, by the cases of upstream's job_controller_test.go, pod_failure_policy_test.go and success_policy_test.go. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ContainerStatus, Job, JobSpec, JobStatus, PodCondition } from '../../api/gen/types.ts';
import { epoch, live, now, pod } from '../fixtures.ts';
import type { LivePod } from '../pods.ts';
import { noFailures, waitAfter } from './job-backoff.ts';
import type { Backoff } from './job-backoff.ts';
import { countPods, finishStatus, settleCounts } from './job-count.ts';
import { lookAtJob } from './job-facts.ts';
import type { JobFacts, LiveJob } from './job-facts.ts';
import { firstFree, formatIndexes, hasIndex, indexesOf, overlap, parseIndexes, totalOf, union } from './job-indexes.ts';
import { planJob } from './job-plan.ts';
import { trackingFinalizer } from './job-pods.ts';
import { jobPod } from './job-template.ts';

const indexLabel = 'batch.kubernetes.io/job-completion-index';
const failureCount = 'batch.kubernetes.io/job-index-failure-count';

function job(spec: Partial<JobSpec> = {}, status: JobStatus = {}): LiveJob {
  return live<Job>({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', namespace: 'default' },
    spec: {
      parallelism: 2,
      completions: 4,
      backoffLimit: 6,
      template: { spec: { containers: [{ name: 'c' }] } },
      ...spec,
    },
    status: { startTime: epoch, ...status },
  });
}

interface Of {
  readonly phase?: string;
  readonly index?: number;
  readonly failures?: number;
  readonly code?: number;
  /** Seconds before now. */
  readonly ago?: number;
  readonly terminating?: boolean;
  readonly condition?: string;
  readonly tracked?: boolean;
}

function podOf(name: string, options: Of = {}): LivePod {
  const {
    phase = 'Running',
    index,
    failures,
    code,
    ago = 3600,
    terminating = false,
    condition,
    tracked = true,
  } = options;
  const finishedAt = `${new Date(now - ago * 1000).toISOString().slice(0, 19)}Z`;
  const made = pod(name, { phase, terminating });
  const status: ContainerStatus = { name: 'c', image: '', imageID: '', ready: false, restartCount: 0 };
  const ended = phase === 'Failed' || phase === 'Succeeded';
  if (ended) status.state = { terminated: { exitCode: code ?? (phase === 'Failed' ? 1 : 0), finishedAt } };
  const extra: PodCondition[] = condition === undefined ? [] : [{ type: condition, status: 'True' }];
  return {
    ...made,
    metadata: {
      ...made.metadata,
      annotations: {
        ...(index === undefined ? {} : { [indexLabel]: String(index) }),
        ...(failures === undefined ? {} : { [failureCount]: String(failures) }),
      },
      finalizers: tracked ? [trackingFinalizer] : [],
    },
    status: { ...made.status, conditions: [...(made.status?.conditions ?? []), ...extra], containerStatuses: [status] },
  };
}

function factsOf(given: LiveJob, pods: readonly LivePod[], backoff: Backoff = noFailures): JobFacts {
  return lookAtJob({ job: given, pods, backoff, now });
}

/** `end FailureTarget X: why`, `-a -b`, `+2`, `+0 +3`, `later 10`. */
function steps(facts: JobFacts): string {
  const plan = planJob(facts);
  if (plan.kind === 'wait') return 'wait';
  if (plan.kind === 'end') return `end ${plan.condition.type} ${plan.condition.reason}: ${plan.condition.message}`;
  const parts = plan.remove.map(({ metadata }) => `-${metadata.name}`);
  const anonymous = plan.create.filter((index) => index < 0).length;
  if (anonymous > 0) parts.push(`+${anonymous}`);
  else parts.push(...plan.create.map((index) => `+#${index}`));
  if (plan.again !== undefined) parts.push(`later ${Math.round(plan.again / 1000)}`);
  return parts.join(' ');
}

const workQueue = live<Job>({ ...job(), spec: { parallelism: 2, template: {} } });
const running = (...names: readonly string[]): LivePod[] => names.map((name) => podOf(name));
const indexed = { completionMode: 'Indexed', parallelism: 3, completions: 5 };
const perIndex = { ...indexed, backoffLimit: 2 ** 31 - 1, backoffLimitPerIndex: 1 };
const byCode = (action: string, ...values: readonly number[]): Partial<JobSpec> => ({
  podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In', values: [...values] } }] },
});
const byCondition = (action: string): Partial<JobSpec> => ({
  podFailurePolicy: { rules: [{ action, onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] },
});
const failed = (name: string, more: Of = {}): LivePod => podOf(name, { phase: 'Failed', ...more });
const succeeded = (name: string, more: Of = {}): LivePod => podOf(name, { phase: 'Succeeded', ...more });
const backoffExceeded = 'end FailureTarget BackoffLimitExceeded: Job has reached the specified backoff limit';

describe('Job plan', () => {
  const cases: readonly (readonly [name: string, job: LiveJob, pods: readonly LivePod[], steps: string])[] = [
    ['a new one fills its parallelism', job(), [], '+2'],
    ['not more than are missing', job({ parallelism: 5 }, { succeeded: 2 }), running('a'), '+1'],
    ['a work queue goes on with parallelism', workQueue, running('a'), '+1'],
    ['and adds nothing once one succeeded', workQueue, [podOf('a'), succeeded('b')], ''],
    ['too many: the less ready go', job({ parallelism: 1 }), [podOf('a'), podOf('b', { phase: 'Pending' })], '-b'],
    ['suspended: all go', job({ suspend: true }), running('a', 'b'), '-a -b'],
    ['a deadline is waited for', job({ activeDeadlineSeconds: 3700 }), running('a', 'b'), 'later 100'],
    [
      'a deadline passed',
      job({ activeDeadlineSeconds: 3600 }),
      running('a'),
      'end FailureTarget DeadlineExceeded: Job was active longer than specified deadline',
    ],
    ['no deadline while suspended', job({ activeDeadlineSeconds: 1, suspend: true }), [], ''],
    ['too many failures', job({ backoffLimit: 1 }), [failed('a'), failed('b')], backoffExceeded],
    [
      'counted ones are not counted again',
      job({ backoffLimit: 1 }, { failed: 1 }),
      [failed('a', { tracked: false })],
      '+2',
    ],
    ['a terminating one has failed', job({ backoffLimit: 0 }), [podOf('a', { terminating: true })], backoffExceeded],
    [
      'but not when only failed ones are replaced',
      job({ backoffLimit: 0, podReplacementPolicy: 'Failed' }),
      [podOf('a', { terminating: true })],
      '+1',
    ],
    ['a recent failure is waited for', job(), [failed('a', { ago: 3 })], 'later 7'],
    ['indexes: the lowest free', job(indexed), [podOf('a', { index: 1 })], '+#0 +#2'],
    ['indexes: done ones are left out', job(indexed, { completedIndexes: '0-2', succeeded: 3 }), [], '+#3 +#4'],
    [
      'indexes: a terminating one is replaced at once',
      job(indexed),
      [podOf('a', { index: 0, terminating: true, ago: 3600 })],
      '+#0 +#1 +#2',
    ],
    [
      'indexes: … or when it has failed',
      job({ ...indexed, podReplacementPolicy: 'Failed' }),
      [podOf('a', { index: 0, terminating: true })],
      '+#1 +#2',
    ],
    [
      'indexes: one too many of an index goes',
      job(indexed),
      [podOf('a', { index: 0 }), podOf('b', { index: 0, phase: 'Pending' })],
      '-b',
    ],
    [
      'indexes: scaled down, those beyond go',
      job({ ...indexed, completions: 1, parallelism: 1 }),
      [podOf('a', { index: 0 }), podOf('b', { index: 1 })],
      '-b',
    ],
    [
      'indexes: scaled down, done ones are forgotten',
      job({ ...indexed, completions: 2, parallelism: 2 }, { completedIndexes: '1-4', succeeded: 4 }),
      [],
      '+#0',
    ],
    [
      'FailJob by code',
      job({ ...byCode('FailJob', 3, 42) }),
      [podOf('b'), failed('a', { code: 42 })],
      'end FailureTarget PodFailurePolicy: Container c for pod default/a failed with exit code 42 matching FailJob rule at index 0',
    ],
    [
      'FailJob by condition',
      job(byCondition('FailJob')),
      [failed('a', { condition: 'DisruptionTarget' })],
      'end FailureTarget PodFailurePolicy: Pod default/a has condition DisruptionTarget matching FailJob rule at index 0',
    ],
    ['Ignore does not count', job({ ...byCode('Ignore', 42), backoffLimit: 0 }), [failed('a', { code: 42 })], '+2'],
    [
      'what no rule names counts',
      job({ ...byCode('Ignore', 42), backoffLimit: 0 }),
      [failed('a', { code: 1 })],
      backoffExceeded,
    ],
    ['Count counts', job({ ...byCode('Count', 42), backoffLimit: 0 }), [failed('a', { code: 42 })], backoffExceeded],
    ['per index: the next try is made', job(perIndex), [failed('a', { index: 0, failures: 0 })], '+#0 +#1 +#2'],
    [
      'per index: each has a wait of its own',
      job(perIndex),
      [failed('a', { index: 0, failures: 0, ago: 3 }), podOf('b', { index: 1 })],
      '+#2',
    ],
    [
      'per index: all that is left waits',
      job({ ...perIndex, completions: 2, parallelism: 2 }),
      [failed('a', { index: 0, failures: 0, ago: 3 }), podOf('b', { index: 1 })],
      'later 7',
    ],
    ['per index: a failed one is given up', job(perIndex), [failed('a', { index: 0, failures: 1 })], '+#1 +#2 +#3'],
    [
      'per index: FailIndex gives up at once',
      job({ ...perIndex, ...byCode('FailIndex', 7) }),
      [failed('a', { index: 0, failures: 0, code: 7 })],
      '+#1 +#2 +#3',
    ],
    [
      'per index: all ended, some failed',
      job(perIndex, { completedIndexes: '0-3', succeeded: 4 }),
      [failed('a', { index: 4, failures: 1 })],
      'end FailureTarget FailedIndexes: Job has failed indexes',
    ],
    [
      'per index: too many failed',
      job({ ...perIndex, maxFailedIndexes: 1 }, { failedIndexes: '1' }),
      [failed('a', { index: 0, failures: 1 })],
      'end FailureTarget MaxFailedIndexesExceeded: Job has exceeded the specified maximal number of failed indexes',
    ],
    [
      'success by indexes',
      job({ ...indexed, successPolicy: { rules: [{ succeededIndexes: '4' }, { succeededIndexes: '0,2' }] } }),
      [succeeded('a', { index: 0 }), succeeded('b', { index: 2 })],
      'end SuccessCriteriaMet SuccessPolicy: Matched rules at index 1',
    ],
    [
      'success by count',
      job({ ...indexed, successPolicy: { rules: [{ succeededCount: 1 }] } }),
      [succeeded('a', { index: 3 })],
      'end SuccessCriteriaMet SuccessPolicy: Matched rules at index 0',
    ],
    [
      'success by so many of these',
      job({ ...indexed, successPolicy: { rules: [{ succeededIndexes: '0-2', succeededCount: 2 }] } }),
      [succeeded('a', { index: 3 }), succeeded('b', { index: 2 }), podOf('c', { index: 0 })],
      '+#1 +#4',
    ],
    [
      'an end that is announced stays',
      job({}, { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'R', message: 'm' }] }),
      [],
      'end Failed R: m',
    ],
    [
      'success that is announced stays',
      job(
        { backoffLimit: 0 },
        { conditions: [{ type: 'SuccessCriteriaMet', status: 'True', reason: 'R', message: 'm' }] },
      ),
      [failed('a')],
      'end SuccessCriteriaMet R: m',
    ],
    [
      'a deleted one makes nothing',
      live<Job>({ ...job(), metadata: { name: 'j', deletionTimestamp: epoch } }),
      [],
      'wait',
    ],
  ];
  for (const [name, given, pods, expected] of cases)
    it(name, () => assert.equal(steps(factsOf(given, pods)), expected));

  it('counts restarts of pods that are started again in place', () => {
    const template = { spec: { containers: [{ name: 'c' }], restartPolicy: 'OnFailure' } };
    const again = podOf('a');
    again.status = { ...again.status, initContainerStatuses: again.status?.containerStatuses ?? [] };
    for (const status of again.status.containerStatuses ?? []) status.restartCount = 1;
    assert.equal(steps(factsOf(job({ template, backoffLimit: 3 }), [again])), '+1');
    assert.equal(steps(factsOf(job({ template, backoffLimit: 2 }), [again])), backoffExceeded);
  });

  it('waits twice as long after each failure, ten minutes at most, and anew after a success', () => {
    const second = factsOf(job({}, { failed: 1 }), [failed('b', { ago: 1 })], {
      failures: 1,
      lastFailure: now - 60_000,
    });
    assert.equal(waitAfter(second.backoff, now), 19_000);
    assert.equal(waitAfter({ failures: 20, lastFailure: now }, now), 600_000);
    const better = factsOf(job(), [failed('a', { ago: 9 }), succeeded('b', { ago: 5 })], {
      failures: 3,
      lastFailure: now,
    });
    assert.deepEqual(better.backoff, noFailures);
    const worse = factsOf(job(), [succeeded('b', { ago: 5 }), failed('a', { ago: 1 })], {
      failures: 3,
      lastFailure: now,
    });
    assert.equal(worse.backoff.failures, 1);
  });

  it('tells the pod of an index how often it failed', () => {
    const facts = factsOf(job({ ...perIndex, ...byCode('Ignore', 7) }), [
      failed('a', { index: 0, failures: 0 }),
      failed('b', { index: 1, failures: 0, code: 7 }),
    ]);
    const about = (index: number): unknown => jobPod(facts, index).metadata?.annotations;
    assert.deepEqual(about(0), { [indexLabel]: '0', [failureCount]: '1' });
    const ignored = 'batch.kubernetes.io/job-index-ignored-failure-count';
    assert.deepEqual(about(1), { [indexLabel]: '1', [failureCount]: '0', [ignored]: '1' });
    assert.deepEqual(about(2), { [indexLabel]: '2', [failureCount]: '0' });
    const env = jobPod(facts, 2).spec?.containers[0]?.env?.map(({ name }) => name);
    assert.deepEqual([env, jobPod(facts, 2).spec?.hostname], [['JOB_COMPLETION_INDEX'], 'j-2']);
  });
});

describe('Job counts', () => {
  const uid = (name: string): string => `uid-${name}`;

  it('names what ended before its finalizer goes, and counts it after', () => {
    const facts = factsOf(job({}, { succeeded: 1 }), [succeeded('a'), failed('b'), podOf('c')]);
    const counted = countPods(facts, facts.job.status ?? {}, undefined);
    assert.deepEqual(counted.status.uncountedTerminatedPods, { succeeded: [uid('a')], failed: [uid('b')] });
    assert.deepEqual(
      counted.untrack.map(({ metadata }) => metadata.name),
      ['a', 'b'],
    );
    assert.equal(counted.status.succeeded, 1);
    const half = settleCounts(counted.status, new Set([uid('b'), uid('c')]));
    assert.deepEqual([half.succeeded, half.failed], [2, 0]);
    assert.deepEqual(half.uncountedTerminatedPods, { succeeded: [], failed: [uid('b')] });
  });

  it('counts an ignored failure in nothing, and lets its pod go', () => {
    const facts = factsOf(job(byCode('Ignore', 42)), [failed('a', { code: 42 })]);
    const counted = countPods(facts, {}, undefined);
    assert.deepEqual(counted.status.uncountedTerminatedPods, { succeeded: [], failed: [] });
    assert.deepEqual(
      counted.untrack.map(({ metadata }) => metadata.name),
      ['a'],
    );
  });

  it('keeps the failed pod of an index until the next is made', () => {
    const pods = [failed('a', { index: 0, failures: 0, ago: 1 }), succeeded('b', { index: 1 })];
    const waiting = countPods(factsOf(job(perIndex), pods), {}, undefined);
    assert.deepEqual(
      waiting.untrack.map(({ metadata }) => metadata.name),
      ['b'],
    );
    assert.deepEqual([waiting.status.completedIndexes, waiting.status.failedIndexes], ['1', '']);
    const made = countPods(factsOf(job(perIndex), [...pods, podOf('c', { index: 0, failures: 1 })]), {}, undefined);
    assert.deepEqual(
      made.untrack.map(({ metadata }) => metadata.name),
      ['a', 'b'],
    );
  });

  it('announces the end, and means it when nothing is left', () => {
    const facts = factsOf(job({ backoffLimit: 0 }), [failed('a'), podOf('b')]);
    const plan = planJob(facts);
    assert.equal(plan.kind, 'end');
    const counted = countPods(facts, { terminating: 1 }, plan.kind === 'end' ? plan.condition : undefined);
    assert.deepEqual(
      counted.status.conditions?.map(({ type }) => type),
      ['FailureTarget'],
    );
    assert.deepEqual(counted.status.uncountedTerminatedPods?.failed, [uid('a'), uid('b')]);
    const final = counted.final;
    assert.ok(final !== undefined);
    const settled = settleCounts(counted.status, new Set());
    assert.equal(finishStatus(settled, final), undefined, 'a pod is still going away');
    assert.equal(finishStatus(counted.status, final), undefined, 'two are not counted');
    const over = finishStatus({ ...settled, terminating: 0 }, final);
    assert.deepEqual(
      over?.conditions?.map(({ type }) => type),
      ['FailureTarget', 'Failed'],
    );
    assert.equal(over?.failed, 2);
  });

  it('takes five hundred at a time', () => {
    const pods = Array.from({ length: 700 }, (_, index) => succeeded(`p${index}`));
    const counted = countPods(factsOf(job({ completions: 700 }), pods), {}, undefined);
    assert.equal(counted.untrack.length, 500);
  });
});

describe('Job indexes', () => {
  const numbers = fc.uniqueArray(fc.nat(40));
  const flat = (indexes: ReturnType<typeof indexesOf>): number[] =>
    indexes.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index));

  it('are sets of numbers', () => {
    fc.assert(
      fc.property(numbers, numbers, fc.nat(45), (a, b, completions) => {
        const [x, y] = [indexesOf(a), indexesOf(b)];
        const both = [...new Set([...a, ...b])].sort((p, q) => p - q);
        assert.deepEqual(flat(union(x, y)), both);
        assert.equal(totalOf(x), a.length);
        assert.equal(overlap(x, y), a.filter((index) => b.includes(index)).length);
        assert.deepEqual(
          flat(parseIndexes(formatIndexes(x), completions)),
          flat(x).filter((index) => index < completions),
        );
        assert.ok(a.every((index) => hasIndex(x, index)));
        const free = Array.from({ length: completions }, (_, index) => index).filter((index) => !a.includes(index));
        assert.deepEqual(firstFree(x, 3, completions), free.slice(0, 3));
      }),
    );
  });

  it('are told as upstream tells them', () => {
    assert.equal(formatIndexes(indexesOf([0, 2, 3, 5, 6, 7])), '0,2,3,5-7');
    assert.deepEqual(parseIndexes('0,x,2-9', 5), [
      { first: 0, last: 0 },
      { first: 2, last: 4 },
    ]);
  });
});
