/** The loops that hold what is in use, against a real API server; agents are played. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { PersistentVolumeClaim, Pod } from '../../api/gen/types.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';
import { eventually } from '../../util/testing.ts';
import { startBench } from '../testing.ts';
import type { Bench } from '../testing.ts';
import { claimsOf, uses } from './claim-use.ts';

describe('which claims a pod uses', () => {
  const meta = { uid: 'u', resourceVersion: '1', creationTimestamp: '' };
  const pod = (spec: object, metadata: object = {}): Live<Pod> => ({
    metadata: { name: 'p', namespace: 'n', ...meta, ...metadata },
    spec: { containers: [], nodeName: 'node-1', ...spec },
  });
  const claim = (name: string, owner?: string): Live<PersistentVolumeClaim> => {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: owner ?? '', controller: true }];
    return { metadata: { name, namespace: 'n', ...meta, ...(owner === undefined ? {} : { ownerReferences }) } };
  };
  const named = {
    volumes: [
      { name: 'a', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'b', emptyDir: {} },
    ],
  };
  const ephemeral = { volumes: [{ name: 'scratch', ephemeral: {} }] };

  it('by name, from when it has a node and whether it ended or not', () => {
    assert.deepEqual(claimsOf(pod(named)), ['data']);
    assert.ok(uses(pod(named), claim('data')));
    assert.ok(!uses(pod(named), claim('other')));
    assert.ok(!uses(pod({ ...named, nodeName: '' }), claim('data')));
  });

  it('those made for its ephemeral volumes, until its node is done with it', () => {
    assert.deepEqual(claimsOf(pod(ephemeral)), ['p-scratch']);
    assert.ok(uses(pod(ephemeral), claim('p-scratch', 'u')));
    assert.ok(!uses(pod(ephemeral), claim('p-scratch')), "somebody else's");
    const done = { deletionTimestamp: 'now', deletionGracePeriodSeconds: 0 };
    assert.ok(!uses(pod(ephemeral, done), claim('p-scratch', 'u')));
  });
});

describe('protection loops', () => {
  let bench: Bench;
  before(async () => {
    bench = await startBench(['node-1']);
  });
  after(() => bench.close());

  const key = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });
  const isGone = (resource: Resource, name: string): Promise<unknown> =>
    eventually(
      `${resource.kind} ${name} is gone`,
      async () => (await bench.get<KubeObject>(resource, name)) === undefined,
    );
  const makeClaim = (name: string, more: object = {}): Promise<unknown> =>
    bench.client.create<PersistentVolumeClaim>(resources.persistentVolumeClaims, {
      metadata: { name, namespace: 'default' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more },
    });

  it('a claim stays while a pod on a node uses it', async () => {
    const { client } = bench;
    await makeClaim('data');
    await makeClaim('free');
    const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }];
    const pod = { containers: [{ name: 'c', image: 'i' }], volumes, nodeName: 'node-1' };
    await client.create<Pod>(resources.pods, { metadata: { name: 'user', namespace: 'default' }, spec: pod });
    await client.delete(resources.persistentVolumeClaims, key('data'));
    // The loop has had its turn on both when the second is gone.
    await client.delete(resources.persistentVolumeClaims, key('free'));
    await isGone(resources.persistentVolumeClaims, 'free');
    const held = await bench.get<PersistentVolumeClaim>(resources.persistentVolumeClaims, 'data');
    assert.deepEqual(held?.metadata.finalizers, ['kubernetes.io/pvc-protection']);
    assert.notEqual(held.metadata.deletionTimestamp, undefined);
    await client.delete(resources.pods, key('user'));
    await isGone(resources.persistentVolumeClaims, 'data');
  });

  it('a volume stays while it is bound, and has its finalizer also when it came without', async () => {
    const { client } = bench;
    const at = { namespace: '', name: 'disk' };
    const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } };
    await client.create(resources.persistentVolumes, { metadata: { name: 'disk' }, spec });
    const phase = (to: string): Promise<unknown> =>
      client.patch(resources.persistentVolumes, at, 'merge', { status: { phase: to } }, { subresource: 'status' });
    await phase('Bound');
    await client.patch(resources.persistentVolumes, at, 'merge', { metadata: { finalizers: null } });
    await eventually('it is protected again', async () => {
      const { metadata } = await client.get(resources.persistentVolumes, at);
      return metadata.finalizers?.includes('kubernetes.io/pv-protection') === true;
    });
    await client.delete(resources.persistentVolumes, at);
    await makeClaim('after');
    await client.delete(resources.persistentVolumeClaims, key('after'));
    await isGone(resources.persistentVolumeClaims, 'after');
    assert.notEqual(await bench.get(resources.persistentVolumes, 'disk'), undefined);
    await phase('Released');
    await isGone(resources.persistentVolumes, 'disk');
  });

  it('a class of attributes stays while a claim names it', async () => {
    const { client } = bench;
    const gold = { metadata: { name: 'gold' }, driverName: 'd', parameters: { a: 'b' } };
    await client.create(resources.volumeAttributesClasses, gold);
    await makeClaim('shiny', { volumeAttributesClassName: 'gold' });
    await client.delete(resources.volumeAttributesClasses, { namespace: '', name: 'gold' });
    await makeClaim('dull');
    await client.delete(resources.persistentVolumeClaims, key('dull'));
    await isGone(resources.persistentVolumeClaims, 'dull');
    assert.notEqual(await bench.get(resources.volumeAttributesClasses, 'gold'), undefined);
    await client.delete(resources.persistentVolumeClaims, key('shiny'));
    await isGone(resources.volumeAttributesClasses, 'gold');
  });
});
