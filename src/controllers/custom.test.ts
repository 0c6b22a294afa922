/** The loops that work on all kinds, on kinds that were installed a moment ago. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CustomResourceDefinition } from '../api/gen/types.ts';
import { isReason } from '../api/errors.ts';
import type { KubeObject } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import { crontab, crontabs } from '../apiserver/custom/fixtures.ts';
import { startTestServer, writeKubeconfig } from '../apiserver/testing.ts';
import { createClient, loadKubeconfig } from '../client/index.ts';
import { eventually } from '../util/testing.ts';
import { runControllers } from './index.ts';
import { createViews } from './views.ts';

const crontabResource: Resource = {
  group: 'stable.example.com',
  version: 'v1',
  plural: 'crontabs',
  singular: 'crontab',
  kind: 'CronTab',
  namespaced: true,
  shortNames: [],
  categories: [],
  schema: 'CronTab',
};

const backupResource: Resource = { ...crontabResource, plural: 'backups', singular: 'backup', kind: 'Backup' };

test('custom objects go with their owners and with their namespace', async (t) => {
  const { dir, address } = await startTestServer(t);
  const client = createClient(await loadKubeconfig(writeKubeconfig(dir, address)));
  const stop = new AbortController();
  const caCert = readFileSync(join(dir, 'pki', 'ca.crt'), 'utf8');
  const controllers = runControllers(
    client,
    { caCert, clusterCidr: ['10.244.0.0/16'], nodeMonitorGracePeriodSeconds: 40 },
    stop.signal,
  );
  t.after(async () => {
    stop.abort();
    await controllers;
    client.close();
  });
  const isGone = async (resource: Resource, namespace: string, name: string): Promise<boolean> => {
    try {
      await client.get(resource, { namespace, name });
      return false;
    } catch (error) {
      if (isReason(error, 'NotFound')) return true;
      throw error;
    }
  };
  await client.create(resources.customResourceDefinitions, crontabs() as unknown as CustomResourceDefinition);
  const owner = await client.create(resources.configMaps, { metadata: { name: 'owner', namespace: 'default' } });
  const own = (name: string, namespace: string, more: object): KubeObject => ({
    ...crontab(name),
    metadata: { name, namespace, ...more },
  });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }];
  const parent = await client.create(crontabResource, own('child', 'default', { ownerReferences }));
  await client.create(resources.configMaps, {
    metadata: {
      name: 'grandchild',
      namespace: 'default',
      ownerReferences: [
        { apiVersion: 'stable.example.com/v1', kind: 'CronTab', name: 'child', uid: parent.metadata.uid },
      ],
    },
  });
  await client.create(resources.namespaces, { metadata: { name: 'doomed' } });
  await client.create(crontabResource, own('inside', 'doomed', {}));
  await client.delete(resources.configMaps, { namespace: 'default', name: 'owner' });
  await client.delete(resources.namespaces, { namespace: '', name: 'doomed' });
  await eventually('the owned object is gone', () => isGone(crontabResource, 'default', 'child'));
  await eventually('what it owned is gone', () => isGone(resources.configMaps, 'default', 'grandchild'));
  await eventually('the namespace is gone', () => isGone(resources.namespaces, '', 'doomed'));
  assert.ok(await isGone(crontabResource, 'doomed', 'inside'));

  // The collector has looked which kinds there are, and is told of another one.
  const backups = crontabs((definition) => {
    definition['metadata'] = { name: 'backups.stable.example.com' };
    definition.spec['names'] = { plural: 'backups', singular: 'backup', kind: 'Backup' };
  });
  await client.create(resources.customResourceDefinitions, backups as unknown as CustomResourceDefinition);
  const late = await client.create(resources.configMaps, { metadata: { name: 'late', namespace: 'default' } });
  const byLate = { ...ownerReferences[0], name: 'late', uid: late.metadata.uid };
  const backup = { ...own('nightly', 'default', { ownerReferences: [byLate] }), kind: 'Backup' };
  await client.create(backupResource, backup);
  await client.delete(resources.configMaps, { namespace: 'default', name: 'late' });
  await eventually('the object of the late kind is gone', () => isGone(backupResource, 'default', 'nightly'));

  // A kind that goes and comes back is watched again.
  const definition = 'crontabs.stable.example.com';
  await client.delete(resources.customResourceDefinitions, { namespace: '', name: definition });
  await eventually('the kind is gone', () => isGone(resources.customResourceDefinitions, '', definition));
  await client.create(resources.customResourceDefinitions, crontabs() as unknown as CustomResourceDefinition);
  const again = await client.create(resources.configMaps, { metadata: { name: 'again', namespace: 'default' } });
  const reference = { ...ownerReferences[0], name: 'again', uid: again.metadata.uid };
  await client.create(crontabResource, own('reborn', 'default', { ownerReferences: [reference] }));
  await client.delete(resources.configMaps, { namespace: 'default', name: 'again' });
  await eventually('the reborn object is gone', () => isGone(crontabResource, 'default', 'reborn'));
});

test('a view that is dropped watches no more, and the next one is new', async (t) => {
  const server = await startTestServer(t);
  const client = createClient(await loadKubeconfig(writeKubeconfig(server.dir, server.address)));
  const stop = new AbortController();
  t.after(() => {
    stop.abort();
    client.close();
  });
  await client.create(resources.customResourceDefinitions, crontabs() as unknown as CustomResourceDefinition);
  const views = createViews(client, stop.signal);
  const watches = async (): Promise<boolean> => {
    const { text } = await server.client.call('GET', '/metrics');
    return /apiserver_longrunning_requests\{verb="WATCH",resource="crontabs\.stable\.example\.com"\} 1\n/.test(text);
  };
  const first = views.of(crontabResource);
  await first.synced;
  await eventually('it watches', watches);
  views.drop(crontabResource);
  await eventually('it watches no more', async () => !(await watches()));
  const second = views.of(crontabResource);
  assert.notEqual(second, first);
  await second.synced;
});
