import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { Service } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import { createEventRecorder, createInformer } from '../client/index.ts';
import { createController } from './controller.ts';
import type { ServiceController } from './controller.ts';
import { createLedger } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import { addressAnnotation, cleanupFinalizer } from './options.ts';
import { parsePools } from './pool.ts';
import { createRecord } from './record.ts';
import { restore } from './restore.ts';
import { createMemoryApi, testService } from './testing.ts';
import { eventually } from '../util/testing.ts';
import type { MemoryApi } from './testing.ts';

interface Bench {
  readonly api: MemoryApi;
  readonly ledger: Ledger;
  readonly controller: ServiceController;
  programs: number;
  stop(): void;
}

const where = { namespace: 'kube-system', name: 'portolan-load-balancer' };

async function start(t: TestContext, api: MemoryApi, pool = '198.51.100.129-198.51.100.130'): Promise<Bench> {
  const abort = new AbortController();
  t.after(() => abort.abort());
  const services = createInformer(api, resources.services, {}, abort.signal);
  const ledger = createLedger(parsePools([pool]));
  const record = createRecord(api, where, ledger.toData);
  await services.synced;
  await restore(ledger, record, services);
  const events = createEventRecorder(api, { component: 'service-controller', signal: abort.signal });
  const bench = { api, ledger, programs: 0, stop: () => abort.abort() };
  const program = async (): Promise<void> => void (bench.programs += 1);
  const reload = (): Promise<void> => restore(ledger, record, services);
  const parts = { client: api, services, ledger, record, events, program, reload, hasNodes: () => true };
  const controller = createController(parts, abort.signal);
  controller.start();
  return Object.assign(bench, { controller });
}

async function read(api: MemoryApi, name: string): Promise<Service> {
  return api.get(resources.services, { namespace: 'default', name });
}

async function ingress(api: MemoryApi, name: string): Promise<string | undefined> {
  return (await read(api, name)).status?.loadBalancer?.ingress?.map(({ ip, ipMode }) => `${ip} ${ipMode}`).join();
}

async function eventsOf(api: MemoryApi): Promise<readonly string[]> {
  const { items } = await api.list(resources.events);
  return items.map((e) => `${e.involvedObject.name} ${e.type} ${e.reason} ${e.message}`);
}

test('a service gets an address, the finalizer and upstream events; deletion gives everything back', async (t) => {
  const api = createMemoryApi();
  const bench = await start(t, api);
  await api.create(resources.services, testService('web'));
  await eventually('an address', async () => (await ingress(api, 'web')) === '198.51.100.129 VIP');
  assert.deepEqual((await read(api, 'web')).metadata?.finalizers, [cleanupFinalizer]);
  assert.equal(bench.programs > 0, true);
  await bench.controller.idle();
  await api.delete(resources.services, { namespace: 'default', name: 'web' });
  await eventually('the service is gone', async () => (await api.list(resources.services)).items.length === 0);
  await bench.controller.idle();
  assert.equal(bench.ledger.size, 0);
  assert.deepEqual((await api.get(resources.configMaps, where)).data, {});
  await eventually('all events', async () => (await eventsOf(api)).length === 4);
  assert.deepEqual(await eventsOf(api), [
    'web Normal EnsuringLoadBalancer Ensuring load balancer',
    'web Normal EnsuredLoadBalancer Ensured load balancer',
    'web Normal DeletingLoadBalancer Deleting load balancer',
    'web Normal DeletedLoadBalancer Deleted load balancer',
  ]);
});

test('a change of type takes the address away and brings it back', async (t) => {
  const api = createMemoryApi();
  const bench = await start(t, api);
  await api.create(resources.services, testService('web'));
  await eventually('an address', async () => (await ingress(api, 'web')) !== undefined);
  const key = { namespace: 'default', name: 'web' };
  await api.patch(resources.services, key, 'merge', { spec: { type: 'NodePort' } });
  await eventually('cleaned up', async () => (await ingress(api, 'web')) === undefined && bench.ledger.size === 0);
  await eventually('no finalizer', async () => (await read(api, 'web')).metadata?.finalizers?.length === 0);
  await api.patch(resources.services, key, 'merge', { spec: { type: 'LoadBalancer' } });
  await eventually('an address again', async () => (await ingress(api, 'web')) !== undefined);
  const told = async (): Promise<string[]> => (await eventsOf(api)).filter((line) => line.includes(' Type '));
  // Events are written beside the work, not before it.
  await eventually('both events', async () => (await told()).length === 2);
  assert.deepEqual(await told(), [
    'web Normal Type LoadBalancer -> NodePort',
    'web Normal Type NodePort -> LoadBalancer',
  ]);
});

test('an exhausted pool: pending with the reason, served when an address comes back', async (t) => {
  const api = createMemoryApi();
  await start(t, api, '198.51.100.129');
  await api.create(resources.services, testService('first'));
  await eventually('first', async () => (await ingress(api, 'first')) !== undefined);
  await api.create(resources.services, testService('second'));
  await eventually('a warning', async () => (await eventsOf(api)).some((line) => line.startsWith('second Warning')));
  assert.ok(
    (await eventsOf(api)).includes(
      'second Warning SyncLoadBalancerFailed Error syncing load balancer: failed to ensure load balancer: ' +
        'no free IPv4 address: all addresses of the pool (198.51.100.129) are in use',
    ),
  );
  assert.equal(await ingress(api, 'second'), undefined);
  await api.delete(resources.services, { namespace: 'default', name: 'first' });
  await eventually('second', async () => (await ingress(api, 'second')) === '198.51.100.129 VIP');
});

test('asked-for addresses: by field and by annotation', async (t) => {
  const api = createMemoryApi();
  await start(t, api);
  await api.create(resources.services, testService('a', { loadBalancerIP: '198.51.100.130' }));
  await eventually('a', async () => (await ingress(api, 'a')) === '198.51.100.130 VIP');
  const asks = { annotations: { [addressAnnotation]: '198.51.100.130' } };
  await api.create(resources.services, testService('b', {}, asks));
  const reason = 'address 198.51.100.130 is in use by service default/a';
  await eventually('b is told', async () => (await eventsOf(api)).some((line) => line.endsWith(reason)));
  assert.equal(await ingress(api, 'b'), undefined);
});

test('foreign classes are left alone, our own class is ours', async (t) => {
  const api = createMemoryApi();
  const foreign = testService('foreign', { loadBalancerClass: 'example.com/lb' }, { finalizers: [cleanupFinalizer] });
  await api.create(resources.services, foreign);
  const bench = await start(t, api);
  await api.create(resources.services, testService('ours', { loadBalancerClass: 'portolan.io/lb' }));
  await eventually('ours', async () => (await ingress(api, 'ours')) !== undefined);
  await api.patch(resources.services, { namespace: 'default', name: 'foreign' }, 'merge', {
    status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } },
  });
  await api.delete(resources.services, { namespace: 'default', name: 'foreign' });
  await bench.controller.idle();
  assert.deepEqual((await read(api, 'foreign')).metadata?.finalizers, [cleanupFinalizer]);
  assert.equal((await read(api, 'foreign')).status?.loadBalancer?.ingress?.[0]?.ip, '203.0.113.9');
});

test('a status written by hand is no allocation (CVE-2020-8554)', async (t) => {
  const api = createMemoryApi();
  const forged = { loadBalancer: { ingress: [{ ip: '198.51.100.130', ipMode: 'VIP' }] } };
  await api.create(resources.configMaps, { metadata: where, data: {} });
  await api.create(resources.services, { ...testService('web'), status: forged });
  const bench = await start(t, api);
  await eventually('our address', async () => (await ingress(api, 'web')) === '198.51.100.129 VIP');
  assert.equal(bench.ledger.ownerOf('198.51.100.130'), undefined);
  await api.patch(resources.services, { namespace: 'default', name: 'web' }, 'merge', { status: forged });
  await eventually('our address again', async () => (await ingress(api, 'web')) === '198.51.100.129 VIP');
});

test('a restart keeps every address, writes nothing, and forgets who went meanwhile', async (t) => {
  const api = createMemoryApi();
  const first = await start(t, api);
  await api.create(resources.services, testService('a'));
  await eventually('a', async () => (await ingress(api, 'a')) !== undefined);
  await api.create(resources.services, testService('b'));
  await eventually('b', async () => (await ingress(api, 'b')) !== undefined);
  await first.controller.idle();
  await eventually('all events', async () => (await eventsOf(api)).length === 4);
  first.stop();
  const written = api.writes.length;
  const second = await start(t, api);
  await second.controller.idle();
  assert.deepEqual(api.writes.slice(written), []);
  assert.equal(await ingress(api, 'a'), '198.51.100.129 VIP');
  second.stop();
  // Deleted by force while nobody looked, and made anew under the same name.
  const key = { namespace: 'default', name: 'a' };
  await api.patch(resources.services, key, 'merge', { metadata: { finalizers: null } });
  await api.delete(resources.services, key);
  await api.create(resources.services, testService('a', { loadBalancerIP: '198.51.100.129' }));
  await start(t, api);
  await eventually('a again', async () => (await ingress(api, 'a')) === '198.51.100.129 VIP');
});

test('without a record, statuses are taken over, the oldest first', async (t) => {
  const api = createMemoryApi();
  const status = { loadBalancer: { ingress: [{ ip: '198.51.100.130', ipMode: 'VIP' }] } };
  const meta = { finalizers: [cleanupFinalizer] };
  await api.create(resources.services, { ...testService('old', {}, meta), status });
  await api.create(resources.services, { ...testService('new', {}, meta), status });
  await start(t, api);
  await eventually('new is moved', async () => (await ingress(api, 'new')) === '198.51.100.129 VIP');
  assert.equal(await ingress(api, 'old'), '198.51.100.130 VIP');
});

test('a record that somebody else wrote wins', async (t) => {
  const api = createMemoryApi();
  const bench = await start(t, api);
  await api.create(resources.services, testService('a'));
  await eventually('a', async () => (await ingress(api, 'a')) !== undefined);
  const data = { other: 'other/other 198.51.100.130' };
  await api.patch(resources.configMaps, where, 'merge', { data });
  await api.create(resources.services, testService('b'));
  await eventually('b is told', async () => bench.controller.pending.has('default/b'));
  assert.equal(bench.ledger.ownerOf('198.51.100.130'), 'other/other');
  assert.equal(await ingress(api, 'b'), undefined);
});
