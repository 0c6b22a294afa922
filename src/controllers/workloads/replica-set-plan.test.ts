import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resources } from '../../api/resources.ts';
import { now, pod, replicaSet } from '../fixtures.ts';
import type { PodOptions } from '../fixtures.ts';
import { claim } from './claim.ts';
import { podsToDelete } from './deletion-order.ts';
import { nextAvailability, planReplicas, planStatus, podFromTemplate } from './replica-set-plan.ts';

describe('ReplicaSet plan', () => {
  const set = replicaSet('web');

  it('counts active pods only', () => {
    const pods = [pod('a'), pod('ended', { phase: 'Failed' }), pod('going', { terminating: true })];
    assert.deepEqual(planReplicas(set, pods), { missing: 2, surplus: [] });
    assert.deepEqual(planReplicas(replicaSet('web', { replicas: 1 }), [pod('a')]), { missing: 0, surplus: [] });
    assert.equal(planReplicas(replicaSet('web', { replicas: 9000 }), []).missing, 500, 'in bursts');
  });

  it('makes pods from the template', () => {
    const made = podFromTemplate(set, { apiVersion: 'apps/v1', kind: 'ReplicaSet' });
    assert.equal(made.metadata?.generateName, 'web-');
    assert.deepEqual(made.metadata?.labels, { app: 'web', 'pod-template-hash': 'web' });
    assert.deepEqual(made.metadata?.ownerReferences, [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'web',
        uid: 'uid-web',
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
  });

  const order: readonly [string, PodOptions, PodOptions][] = [
    ['not assigned', { node: '' }, {}],
    ['pending', { phase: 'Pending' }, {}],
    ['not ready', { ready: false }, {}],
    ['cheaper', { metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-1' } } }, {}],
    ['ready for a shorter time', { readySince: '2026-01-01T00:30:00Z' }, {}],
    ['younger', { metadata: { creationTimestamp: '2026-01-01T00:30:00Z' } }, {}],
  ];
  for (const [name, first, second] of order) {
    it(`deletes first what is ${name}`, () => {
      const [gone] = podsToDelete([pod('stays', second), pod('goes', first)], 1);
      assert.equal(gone?.metadata.name, 'goes');
    });
  }
  it('deletes first what is doubled up on a node', () => {
    const pods = [pod('alone', { node: 'node-2' }), pod('a'), pod('b')];
    assert.notEqual(podsToDelete(pods, 1)[0]?.metadata.name, 'alone');
  });

  it('writes its status once', () => {
    const pods = [pod('a'), pod('b', { ready: false }), pod('going', { terminating: true })];
    const status = planStatus(set, pods, undefined, now);
    assert.deepEqual(status, {
      replicas: 2,
      fullyLabeledReplicas: 0,
      readyReplicas: 1,
      availableReplicas: 1,
      terminatingReplicas: 1,
      observedGeneration: 1,
      conditions: [],
    });
    assert.equal(planStatus({ ...set, status }, pods, undefined, now), undefined);
    const failure = { reason: 'FailedCreate', message: 'no' } as const;
    const failed = planStatus({ ...set, status }, pods, failure, now);
    assert.equal(failed?.conditions?.[0]?.type, 'ReplicaFailure');
    assert.equal(planStatus({ ...set, status: failed }, pods, failure, now + 5_000), undefined);
    assert.deepEqual(planStatus({ ...set, status: failed }, pods, undefined, now)?.conditions, []);
  });

  it('waits for minReadySeconds', () => {
    const slow = { ...set, spec: { ...set.spec, minReadySeconds: 3601, selector: {} } };
    const pods = [pod('a'), pod('b', { readySince: '2025-12-31T00:00:00Z' })];
    assert.equal(planStatus(slow, pods, undefined, now)?.availableReplicas, 1);
    assert.equal(nextAvailability(slow, pods, now), 1001);
    assert.equal(nextAvailability(slow, pods, now + 2_000), undefined);
  });
});

describe('claim', () => {
  const set = replicaSet('web');
  const owner = { object: set, apiVersion: 'apps/v1', kind: 'ReplicaSet', selector: set.spec?.selector };
  const labels = { app: 'web', 'pod-template-hash': 'web' };
  const owned = (uid: string) => ({
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x', uid, controller: true }],
  });

  it('keeps, adopts, lets go and leaves alone', () => {
    const pods = [
      pod('ours', { labels, metadata: owned('uid-web') }),
      pod('orphan', { labels }),
      pod('relabelled', { labels: { app: 'else' }, metadata: owned('uid-web') }),
      pod('theirs', { labels, metadata: owned('uid-other') }),
      pod('stranger', { labels: { app: 'else' } }),
      pod('orphan-going', { labels, terminating: true }),
    ];
    const { owned: kept, writes } = claim(resources.pods, owner, pods);
    assert.deepEqual(
      kept.map(({ metadata }) => metadata.name),
      ['ours', 'orphan'],
    );
    assert.deepEqual(
      writes.map((write) => (write.verb === 'patch' ? [write.key.name, write.patch] : [])),
      [
        [
          'orphan',
          {
            metadata: {
              uid: 'uid-orphan',
              ownerReferences: [
                {
                  apiVersion: 'apps/v1',
                  kind: 'ReplicaSet',
                  name: 'web',
                  uid: 'uid-web',
                  controller: true,
                  blockOwnerDeletion: true,
                },
              ],
            },
          },
        ],
        [
          'relabelled',
          { metadata: { uid: 'uid-relabelled', ownerReferences: [{ $patch: 'delete', uid: 'uid-web' }] } },
        ],
      ],
    );
  });
});
