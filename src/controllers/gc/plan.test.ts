import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ObjectMeta } from '../../api/gen/types.ts';
import { resources } from '../../api/resources.ts';
import { live } from '../fixtures.ts';
import { createGraph } from './graph.ts';
import { blocking, judge, stateOf } from './plan.ts';
import type { OwnerState } from './plan.ts';

const owner = (uid: string, blockOwnerDeletion = false) => ({
  apiVersion: 'v1',
  kind: 'X',
  name: uid,
  uid,
  blockOwnerDeletion,
});
const object = (name: string, metadata: Partial<ObjectMeta> = {}) =>
  live({ metadata: { name, namespace: 'default', uid: name, ...metadata } });

describe('garbage collector', () => {
  const cases: readonly [string, Record<string, OwnerState>, string[], boolean, string][] = [
    ['an owner is there', { a: 'solid' }, [], false, 'keep'],
    ['one of two is gone', { a: 'solid', b: 'dangling' }, [], false, 'forget b'],
    ['one of two is waiting', { a: 'solid', b: 'waiting' }, [], true, 'forget b'],
    ['all are gone', { a: 'dangling', b: 'dangling' }, [], false, 'delete Background'],
    ['gone, wants its dependents orphaned', { a: 'dangling' }, ['orphan'], true, 'delete Orphan'],
    ['gone, in the foreground', { a: 'dangling' }, ['foregroundDeletion'], true, 'delete Foreground'],
    ['waiting, with dependents', { a: 'waiting' }, [], true, 'delete Foreground'],
    ['waiting, without', { a: 'waiting' }, [], false, 'delete Background'],
    ['no owners', {}, [], true, 'keep'],
  ];
  for (const [name, states, finalizers, hasDependents, expected] of cases) {
    it(name, () => {
      const node = createGraph().set(
        resources.pods,
        object('p', { finalizers, ownerReferences: Object.keys(states).map((uid) => owner(uid)) }),
      );
      const dependents = hasDependents ? [createGraph().set(resources.pods, object('d'))] : [];
      const verdict = judge(node, new Map(Object.entries(states)), dependents);
      const detail =
        verdict.kind === 'delete' ? ` ${verdict.policy}` : verdict.kind === 'forget' ? ` ${verdict.owners.join()}` : '';
      assert.equal(verdict.kind + detail, expected);
    });
  }

  it('follows owners as they change', () => {
    const graph = createGraph();
    const dependents = (uid: string): string[] => graph.dependents(uid).map((node) => node.uid);
    graph.set(resources.pods, object('p', { ownerReferences: [owner('a'), owner('b', true)] }));
    assert.deepEqual([dependents('a'), dependents('b')], [['p'], ['p']]);
    assert.deepEqual([blocking('a', graph).length, blocking('b', graph).length], [0, 1]);
    graph.set(resources.pods, object('p', { ownerReferences: [owner('b')] }));
    assert.deepEqual([dependents('a'), dependents('b')], [[], ['p']]);
    graph.delete('p');
    assert.deepEqual(dependents('b'), []);
  });

  it('knows the state of an owner that it holds', () => {
    const graph = createGraph();
    assert.equal(stateOf(owner('a'), graph), undefined);
    graph.set(resources.replicaSets, object('a'));
    assert.equal(stateOf(owner('a'), graph), 'solid');
    graph.set(resources.replicaSets, object('a', { deletionTimestamp: 'x', finalizers: ['foregroundDeletion'] }));
    assert.equal(stateOf(owner('a'), graph), 'waiting');
    graph.set(resources.replicaSets, object('a', { deletionTimestamp: 'x', finalizers: ['other'] }));
    assert.equal(stateOf(owner('a'), graph), 'solid');
  });
});
