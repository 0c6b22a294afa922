/**
 * ServiceCIDR and IPAddress through a real server. What the upstream suite asks: "Service CIDRs should create Services and
 * serve on different Service CIDRs", "ServiceCIDR and IPAddress API should support … API operations".
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { IPAddress, Service, ServiceCIDR } from '../../api/gen/types.ts';
import { ApiError } from '../../api/errors.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { createClient, loadKubeconfig } from '../../client/index.ts';
import type { ClosableClient } from '../../client/index.ts';
import { startApiServer } from '../index.ts';
import type { ApiServer } from '../index.ts';
import { makePki, serverOptions, writeKubeconfig } from '../testing.ts';

let dir: string;
let server: ApiServer | undefined;
let client: ClosableClient;
const stop = new AbortController();

before(async () => {
  dir = mkdtempSync(join('/dev/shm', 'portolan-cidrs-'));
  await makePki(join(dir, 'pki'));
  await start();
});

after(async () => {
  stop.abort();
  (client as ClosableClient | undefined)?.close();
  await server?.close();
  rmSync(dir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  server = await startApiServer(serverOptions(dir), stop.signal);
  client = createClient(await loadKubeconfig(writeKubeconfig(dir, server.address)));
}

const cluster = (name: string): { namespace: string; name: string } => ({ namespace: '', name });

function service(name: string, clusterIP?: string): Service {
  const spec = { ports: [{ port: 80 }], ...(clusterIP === undefined ? {} : { clusterIP }) };
  return { metadata: { name, namespace: 'default' }, spec };
}

async function setReady(name: string, status: 'True' | 'False'): Promise<void> {
  const condition = { type: 'Ready', status, reason: '', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
  const patch = { status: { conditions: [condition] } };
  await client.patch(resources.serviceCIDRs, cluster(name), 'merge', patch, { subresource: 'status' });
}

async function addresses(): Promise<readonly string[]> {
  return (await client.list(resources.ipAddresses)).items.map(({ metadata }) => metadata.name);
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return `${error.code} ${error.message}`;
  }
  return assert.fail('was not refused');
}

describe('ServiceCIDR', () => {
  it('is there as "kubernetes", Ready, with the first Service in it', async () => {
    const found = await client.get(resources.serviceCIDRs, cluster('kubernetes'));
    assert.deepEqual(found.spec, { cidrs: ['10.96.0.0/16'] });
    assert.deepEqual(found.metadata.finalizers, ['networking.k8s.io/service-cidr-finalizer']);
    const ready = found.status?.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(`${ready?.status} ${ready?.message}`, 'True Kubernetes default Service CIDR is ready');
    const status = (await client.raw(
      'GET',
      '/apis/networking.k8s.io/v1/servicecidrs/kubernetes/status',
    )) as Live<ServiceCIDR>;
    assert.deepEqual(
      [status.apiVersion, status.kind, status.metadata.uid],
      ['networking.k8s.io/v1', 'ServiceCIDR', found.metadata.uid],
    );
    assert.deepEqual(await addresses(), ['10.96.0.1']);
  });

  it('gives addresses when it is Ready, and no more when it is being deleted', async () => {
    const extra: ServiceCIDR = {
      metadata: { name: 'extra', finalizers: ['example.com/hold'] },
      spec: { cidrs: ['10.80.0.0/28'] },
    };
    await client.create(resources.serviceCIDRs, extra);
    assert.match(
      await refusal(client.create(resources.services, service('early', '10.80.0.3'))),
      /^422 .*does not match the current range/,
    );
    await setReady('extra', 'True');
    const placed = await client.create(resources.services, service('placed', '10.80.0.3'));
    assert.equal(placed.spec?.clusterIP, '10.80.0.3');
    assert.match(await refusal(client.create(resources.services, service('twice', '10.80.0.3'))), /already allocated/);
    await client.delete(resources.serviceCIDRs, cluster('extra'));
    assert.match(
      await refusal(client.create(resources.services, service('late', '10.80.0.4'))),
      /does not match the current range/,
    );
    await client.delete(resources.services, { namespace: 'default', name: 'placed' });
    await client.patch(resources.serviceCIDRs, cluster('extra'), 'merge', { metadata: { finalizers: null } });
    assert.ok(!(await addresses()).includes('10.80.0.3'));
  });

  it('may overlap another: an address is given once', async () => {
    const wide: ServiceCIDR = { metadata: { name: 'wide' }, spec: { cidrs: ['10.96.0.0/12'] } };
    await client.create(resources.services, service('inner', '10.96.3.3'));
    await client.create(resources.serviceCIDRs, wide);
    await setReady('wide', 'True');
    assert.match(await refusal(client.create(resources.services, service('again', '10.96.3.3'))), /already allocated/);
    const outer = await client.create(resources.services, service('outer', '10.97.0.1'));
    assert.equal(outer.spec?.clusterIP, '10.97.0.1');
    for (const name of ['inner', 'outer']) await client.delete(resources.services, { namespace: 'default', name });
    await client.delete(resources.serviceCIDRs, cluster('wide'));
  });

  const valid = { cidrs: ['10.90.0.0/24'] };
  const table: readonly (readonly [spec: object, message: RegExp])[] = [
    [{}, /spec\.cidrs: Required value: at least one CIDR required/],
    [
      { cidrs: ['10.0.0.0/24', 'fd00::/112', '10.1.0.0/24'] },
      /spec\.cidrs: Invalid value: .*: may only hold up to 2 values/,
    ],
    [{ cidrs: ['10.0.0.1/24'] }, /spec\.cidrs\[0\]: Invalid value: "10\.0\.0\.1\/24"/],
    [{ cidrs: ['FD00::/112'] }, /must be in canonical form \("fd00::\/112"\)/],
    [{ cidrs: ['10.0.0.0/24', '10.1.0.0/24'] }, /may specify no more than one IP for each IP family, i\.e 192/],
  ];
  it('is validated as upstream does', async () => {
    for (const [spec, message] of table) {
      const body = { metadata: { name: 'bad' }, spec } as ServiceCIDR;
      assert.match(await refusal(client.create(resources.serviceCIDRs, body)), message);
    }
    await client.create(resources.serviceCIDRs, { metadata: { name: 'fixed' }, spec: valid });
    const patch = (cidrs: readonly string[]): Promise<unknown> =>
      client.patch(resources.serviceCIDRs, cluster('fixed'), 'merge', { spec: { cidrs } });
    assert.match(
      await refusal(patch(['10.91.0.0/24'])),
      /spec\.cidrs\[0\]: Invalid value: "10\.91\.0\.0\/24": field is immutable/,
    );
    await patch(['10.90.0.0/24', 'fd00:90::/112']);
    assert.match(await refusal(patch(['10.90.0.0/24'])), /spec\.cidrs: Invalid value: .*field is immutable/);
    await client.delete(resources.serviceCIDRs, cluster('fixed'));
  });
});

describe('IPAddress', () => {
  it('comes and goes with the cluster IP of a Service, in the same write', async () => {
    const { spec, metadata } = await client.create(resources.services, service('web'));
    const address = spec?.clusterIP ?? '';
    const object = await client.get(resources.ipAddresses, cluster(address));
    assert.deepEqual(object.spec, { parentRef: { resource: 'services', namespace: 'default', name: 'web' } });
    assert.deepEqual(object.metadata.labels, {
      'ipaddress.kubernetes.io/ip-family': 'IPv4',
      'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
    });
    const key = { namespace: 'default', name: metadata.name };
    await client.patch(resources.services, key, 'merge', {
      spec: { type: 'ExternalName', externalName: 'example.com' },
    });
    assert.ok(!(await addresses()).includes(address));
    await client.patch(resources.services, key, 'merge', { spec: { type: 'ClusterIP', externalName: null } });
    assert.equal((await addresses()).length, 2);
    await client.delete(resources.services, key);
    assert.deepEqual(await addresses(), ['10.96.0.1']);
  });

  it('of a Service that is refused or only tried is not kept', async () => {
    await refusal(client.create(resources.services, { ...service('bad'), spec: { ports: [] } }));
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'Service', ...service('tried') });
    await client.raw('POST', '/api/v1/namespaces/default/services?dryRun=All', JSON.parse(body) as object);
    assert.deepEqual(await addresses(), ['10.96.0.1']);
  });

  it('can be made by hand, and keeps the address from Services until it is deleted', async () => {
    const own: IPAddress = {
      metadata: { name: '10.96.7.7' },
      spec: { parentRef: { group: 'example.com', resource: 'gateways', name: 'g' } },
    };
    await client.create(resources.ipAddresses, own);
    assert.match(await refusal(client.create(resources.services, service('web', '10.96.7.7'))), /already allocated/);
    await client.delete(resources.ipAddresses, cluster('10.96.7.7'));
    await client.create(resources.services, service('web', '10.96.7.7'));
    await client.delete(resources.services, { namespace: 'default', name: 'web' });
  });

  it('does all that the API can do: IPv6 names, patch, update, deletecollection', async () => {
    const label = { test: 'ip' };
    for (const name of ['192.168.7.1', '2001:db8::ffff', '192.168.7.2']) {
      const parentRef = { group: 'foo', resource: 'bars', name: 'foo', namespace: 'bar' };
      await client.create(resources.ipAddresses, { metadata: { name, labels: label }, spec: { parentRef } });
    }
    const patch = { metadata: { annotations: { patched: 'true' } } };
    const patched = await client.patch(resources.ipAddresses, cluster('2001:db8::ffff'), 'merge', patch);
    assert.equal(patched.metadata.annotations?.['patched'], 'true');
    const moved = { ...patched, spec: { parentRef: { resource: 'other', name: 'x' } } };
    assert.match(await refusal(client.update(resources.ipAddresses, moved)), /spec\.parentRef: .*field is immutable/);
    const selector = encodeURIComponent('test=ip');
    await client.raw('DELETE', `/apis/networking.k8s.io/v1/ipaddresses?labelSelector=${selector}`);
    assert.deepEqual(await addresses(), ['10.96.0.1']);
    for (const [name, why] of [
      ['010.0.0.1', /must not have leading 0s/],
      ['2001:DB8::1', /must be in canonical form \("2001:db8::1"\)/],
      ['web', /must be a valid IP address/],
    ] as const) {
      const body = { metadata: { name }, spec: { parentRef: { resource: 'r', name: 'n' } } };
      assert.match(await refusal(client.create(resources.ipAddresses, body)), why);
    }
  });

  it('and ranges are known after a restart', async () => {
    await client.create(resources.serviceCIDRs, { metadata: { name: 'second' }, spec: { cidrs: ['10.81.0.0/24'] } });
    await setReady('second', 'True');
    await client.create(resources.services, service('kept', '10.81.0.9'));
    client.close();
    await server?.close();
    await start();
    assert.match(await refusal(client.create(resources.services, service('clash', '10.81.0.9'))), /already allocated/);
    await client.create(resources.services, service('next', '10.81.0.10'));
    assert.ok((await addresses()).includes('10.81.0.9'));
  });
});
