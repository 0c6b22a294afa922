import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deployment, DeploymentStatus, ReplicaSet } from '../../api/gen/types.ts';
import { deployment, now, pod, replicaSet } from '../fixtures.ts';
import type { SetOptions } from '../fixtures.ts';
import type { Write } from '../writes.ts';
import { planDeployment } from './deployment-plan.ts';
import type { DeploymentInput } from './deployment-plan.ts';
import { nextRevision } from './revisions.ts';
import { limitsOf } from './rollout.ts';
import { sameTemplate, templateHash } from './template-hash.ts';

const recreate = { strategy: { type: 'Recreate' } };
const rolling = (maxSurge: number | string, maxUnavailable: number | string) => ({
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
});
const old = (options: SetOptions = {}) => replicaSet('old', { image: 'web:0', ...options });
const next = (options: SetOptions = {}) => replicaSet('new', { revision: 2, ...options });

function plan(input: Partial<DeploymentInput>): readonly Write[] {
  return planDeployment({ deployment: deployment(), sets: [], podsOf: () => [], now, ...input });
}

/** `create 3`, `old→2`, `delete old`: what happens to ReplicaSets. */
function steps(writes: readonly Write[]): string[] {
  return writes.flatMap((write) => {
    if (write.verb === 'create') return [`create ${(write.object as ReplicaSet).spec?.replicas}`];
    if (write.verb === 'delete') return [`delete ${write.key.name}`];
    if (write.verb !== 'patch' || write.resource.plural !== 'replicasets') return [];
    const size = (write.patch as { spec?: { replicas?: number } }).spec?.replicas;
    return size === undefined ? [] : [`${write.key.name}→${size}`];
  });
}

function statusOf(writes: readonly Write[]): DeploymentStatus {
  const write = writes.find((one) => one.verb === 'patch' && one.subresource === 'status');
  assert.ok(write?.verb === 'patch');
  return (write.patch as { status: DeploymentStatus }).status;
}

function messages(writes: readonly Write[]): string[] {
  return writes.flatMap((write) => (write.verb === 'event' ? [`${write.reason}: ${write.message}`] : []));
}

describe('Deployment plan', () => {
  it('counts revisions beyond what a number holds', () => {
    const set = replicaSet('old');
    const annotations = { 'deployment.kubernetes.io/revision': '3546343826724305832' };
    assert.equal(nextRevision([{ ...set, metadata: { ...set.metadata, annotations } }]), 3546343826724305833n);
    assert.equal(nextRevision([]), 1n);
  });

  const cases: readonly [string, Partial<DeploymentInput>, string[]][] = [
    ['a new one makes its set', {}, ['create 3']],
    ['a new template: as many as maxSurge allows', { sets: [old()] }, ['create 1']],
    ['maxSurge 100 %', { deployment: deployment(rolling('100%', 0)), sets: [old()] }, ['create 3']],
    [
      'maxSurge 0 makes an empty set first',
      { deployment: deployment(rolling(0, 1)), sets: [old({ max: 3 })] },
      ['create 0'],
    ],
    [
      '… and takes one old away',
      { deployment: deployment(rolling(0, 1)), sets: [old({ max: 3 }), next({ replicas: 0, max: 3 })] },
      ['old→2'],
    ],
    [
      'nothing while the new pod is not available',
      { sets: [old(), next({ replicas: 1, status: { availableReplicas: 0 } })] },
      [],
    ],
    ['an available new pod lets an old one go', { sets: [old(), next({ replicas: 1 })] }, ['old→2']],
    ['room again: the new set grows', { sets: [old({ replicas: 2 }), next({ replicas: 1 })] }, ['new→2']],
    [
      'old pods that do not run go first, also when nothing may be missed',
      { sets: [old({ status: { availableReplicas: 1 } }), next({ replicas: 1, status: { availableReplicas: 0 } })] },
      [],
    ],
    [
      'unhealthy old ones are cleaned up within the budget',
      {
        deployment: deployment(rolling(1, 1)),
        sets: [old({ status: { availableReplicas: 2 } }), next({ replicas: 1 })],
      },
      ['old→1'],
    ],
    ['a too large new set shrinks', { sets: [next({ replicas: 5, desired: 3 })] }, ['new→3']],
    ['size changed: the one set follows', { deployment: deployment({ replicas: 5 }), sets: [next()] }, ['new→5']],
    ['to zero', { deployment: deployment({ replicas: 0 }), sets: [next()] }, ['new→0']],
    [
      'size changed in the middle: in proportion',
      {
        deployment: deployment({ replicas: 20, ...rolling(0, '25%') }),
        sets: [old({ replicas: 6, desired: 10, max: 10 }), next({ replicas: 4, desired: 10, max: 10 })],
      },
      ['old→12', 'new→8'],
    ],
    [
      'shrunk in the middle: in proportion',
      {
        deployment: deployment({ replicas: 5, ...rolling(0, '25%') }),
        sets: [old({ replicas: 6, desired: 10, max: 10 }), next({ replicas: 4, desired: 10, max: 10 })],
      },
      ['old→3', 'new→2'],
    ],
    ['paused: no new set', { deployment: deployment({ paused: true }), sets: [old()] }, []],
    ['paused: still resized', { deployment: deployment({ paused: true, replicas: 4 }), sets: [old()] }, ['old→4']],
    ['Recreate: first the old to zero', { deployment: deployment(recreate), sets: [old({ max: 3 })] }, ['old→0']],
    [
      'Recreate: a terminating old pod holds the new set back',
      {
        deployment: deployment(recreate),
        sets: [old({ replicas: 0 })],
        podsOf: () => [pod('p', { terminating: true })],
      },
      [],
    ],
    [
      'Recreate: pods that ended do not',
      { deployment: deployment(recreate), sets: [old({ replicas: 0 })], podsOf: () => [pod('p', { phase: 'Failed' })] },
      ['create 3'],
    ],
    [
      'complete: old sets beyond the limit go, the oldest revisions first',
      {
        deployment: deployment({ revisionHistoryLimit: 1 }),
        sets: [
          replicaSet('r3', { image: 'web:c', replicas: 0, revision: 3 }),
          replicaSet('r1', { image: 'web:a', replicas: 0, revision: 1 }),
          replicaSet('r2', { image: 'web:b', replicas: 0, revision: 2 }),
          replicaSet('new', { revision: 4 }),
        ],
      },
      ['delete r1', 'delete r2'],
    ],
    [
      'deleted: only its status',
      { deployment: deployment({}, { metadata: { deletionTimestamp: 'x' } }), sets: [old()] },
      [],
    ],
  ];
  for (const [name, input, expected] of cases) it(name, () => assert.deepEqual(steps(plan(input)), expected));

  it('makes the set as upstream does', () => {
    const annotated = deployment(
      { minReadySeconds: 5 },
      { metadata: { annotations: { note: 'x', 'deployment.kubernetes.io/revision': '7' } } },
    );
    const writes = plan({ deployment: annotated, sets: [old({ replicas: 0, revision: 4 })] });
    const made = writes.find(({ verb }) => verb === 'create');
    assert.ok(made?.verb === 'create');
    const set = made.object as ReplicaSet;
    const hash = templateHash(annotated.spec?.template ?? {}, undefined);
    assert.equal(set.metadata?.name, `web-${hash}`);
    assert.deepEqual(set.metadata?.annotations, {
      note: 'x',
      'deployment.kubernetes.io/revision': '5',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    assert.deepEqual(set.spec?.selector, { matchLabels: { app: 'web', 'pod-template-hash': hash } });
    assert.equal(set.spec?.minReadySeconds, 5);
    assert.equal(set.spec?.template?.metadata?.labels?.['pod-template-hash'], hash);
    assert.deepEqual(messages(writes), [`ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 3`]);
    assert.equal(
      statusOf(writes).conditions?.find(({ type }) => type === 'Progressing')?.message,
      `Created new replica set "web-${hash}"`,
    );
  });

  it('says how it scales', () => {
    const down = plan({ sets: [old(), next({ replicas: 1 })] });
    assert.deepEqual(messages(down), ['ScalingReplicaSet: Scaled down replica set old from 3 to 2']);
  });

  it('gives a set that is the new one again the next revision, and remembers the old one', () => {
    const writes = plan({ sets: [old({ revision: 2 }), replicaSet('new', { replicas: 0, revision: 1 })] });
    const record = writes.find((write) => write.verb === 'patch' && write.resource.plural === 'replicasets');
    assert.ok(record?.verb === 'patch');
    assert.deepEqual(record.patch, {
      metadata: {
        annotations: { 'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1' },
      },
    });
    const status = writes.find((write) => write.verb === 'patch' && write.subresource === 'status');
    assert.ok(status?.verb === 'patch');
    assert.deepEqual((status.patch as Deployment).metadata?.annotations, { 'deployment.kubernetes.io/revision': '3' });
  });

  const times = { lastUpdateTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z' };
  const progressing = (reason: string, status = 'True') => ({ type: 'Progressing', status, reason, ...times });
  const progressCases: readonly [string, Parameters<typeof deployment>[0], DeploymentStatus, ReplicaSet[], string][] = [
    ['complete', {}, {}, [next()], 'True NewReplicaSetAvailable ReplicaSet "new" has successfully progressed.'],
    [
      'on its way',
      {},
      { conditions: [progressing('NewReplicaSetCreated')] },
      [old({ replicas: 3 }), next({ replicas: 1 })] as ReplicaSet[],
      'True ReplicaSetUpdated ReplicaSet "new" is progressing.',
    ],
    [
      'stuck for longer than the deadline',
      {},
      {
        replicas: 4,
        updatedReplicas: 1,
        readyReplicas: 3,
        availableReplicas: 3,
        conditions: [progressing('ReplicaSetUpdated')],
      },
      [old(), next({ replicas: 1, status: { readyReplicas: 0, availableReplicas: 0 } })] as ReplicaSet[],
      'False ProgressDeadlineExceeded ReplicaSet "new" has timed out progressing.',
    ],
    ['paused', { paused: true }, {}, [next()], 'Unknown DeploymentPaused Deployment is paused'],
    [
      'resumed',
      {},
      { conditions: [progressing('DeploymentPaused', 'Unknown')] },
      [next()],
      'Unknown DeploymentResumed Deployment is resumed',
    ],
    ['no deadline: nothing is said', { progressDeadlineSeconds: 2 ** 31 - 1 }, {}, [next()], 'undefined'],
  ];
  for (const [name, spec, status, sets, expected] of progressCases) {
    it(`progress: ${name}`, () => {
      const writes = plan({ deployment: deployment(spec, { status }), sets: sets as DeploymentInput['sets'] });
      const condition = statusOf(writes).conditions?.find(({ type }) => type === 'Progressing');
      const text =
        condition === undefined ? 'undefined' : `${condition.status} ${condition.reason} ${condition.message}`;
      assert.equal(text, expected);
    });
  }

  it('counts, and settles: a second look writes nothing', () => {
    const writes = plan({ sets: [next()] });
    const { conditions = [], ...numbers } = statusOf(writes);
    assert.deepEqual(numbers, {
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      unavailableReplicas: 0,
      terminatingReplicas: 0,
    });
    assert.deepEqual(
      conditions.map(({ type, reason }) => `${type} ${reason}`),
      ['Available MinimumReplicasAvailable', 'Progressing NewReplicaSetAvailable'],
    );
    const metadata = { annotations: { 'deployment.kubernetes.io/revision': '2' } };
    const settled = deployment({}, { metadata, status: { ...numbers, conditions } });
    const noted = replicaSet('new', { revision: 2 });
    assert.deepEqual(plan({ deployment: settled, sets: [noted] }), []);
  });

  for (const [surge, unavailable, replicas, expected] of [
    ['25%', '25%', 3, '1 0'],
    ['25%', '25%', 10, '3 2'],
    [0, 0, 3, '0 1'],
    ['0%', '1%', 3, '0 1'],
    [2, 5, 3, '2 3'],
    [1, 1, 0, '1 0'],
  ] as const) {
    it(`limits: surge ${surge}, unavailable ${unavailable} of ${replicas}`, () => {
      const { maxSurge, maxUnavailable } = limitsOf(deployment({ replicas, ...rolling(surge, unavailable) }));
      assert.equal(`${maxSurge} ${maxUnavailable}`, expected);
    });
  }
});

describe('pod template hash', () => {
  const template = deployment().spec?.template ?? {};
  it('is stable, without words, and blind to what is empty', () => {
    const hash = templateHash(template, undefined);
    assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    assert.equal(
      hash,
      templateHash(
        { ...template, spec: { ...template.spec, containers: template.spec?.containers ?? [], volumes: [] } },
        undefined,
      ),
    );
    assert.notEqual(hash, templateHash(template, 1));
  });
  it('compares templates without the hash label', () => {
    const labelled = { ...template, metadata: { labels: { app: 'web', 'pod-template-hash': 'x' } } };
    assert.ok(sameTemplate(template, labelled));
    assert.ok(!sameTemplate(template, { ...template, metadata: { labels: { app: 'other' } } }));
  });
});
