import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';
import { resources } from '../api/resources.ts';
import { startTestServer, writeKubeconfig } from '../apiserver/testing.ts';
import { createClient, createEventRecorder, createInformer, loadKubeconfig } from '../client/index.ts';
import { createController } from './controller.ts';
import { createLedger } from './ledger.ts';
import { parsePools } from './pool.ts';
import { createRecord } from './record.ts';
import { restore } from './restore.ts';
import { eventually } from '../util/testing.ts';

test('against the real API server, seen by the real kubectl', async (t) => {
  const server = await startTestServer(t);
  const kubeconfig = writeKubeconfig(server.dir, server.address);
  const client = createClient(await loadKubeconfig(kubeconfig));
  const abort = new AbortController();
  t.after(() => {
    abort.abort();
    client.close();
  });
  const services = createInformer(client, resources.services, {}, abort.signal);
  const ledger = createLedger(parsePools(['198.51.100.128/25']));
  const record = createRecord(client, { namespace: 'kube-system', name: 'lb' }, ledger.toData);
  const events = createEventRecorder(client, { component: 'service-controller', signal: abort.signal });
  await services.synced;
  const reload = (): Promise<void> => restore(ledger, record, services);
  await reload();
  const program = async (): Promise<void> => undefined;
  createController(
    { client, services, ledger, record, events, program, reload, hasNodes: () => true },
    abort.signal,
  ).start();
  const kubectl = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('kubectl', ['--kubeconfig', kubeconfig, ...args])).stdout;
  const externalIp = async (): Promise<string | undefined> =>
    (await kubectl('get', 'service', 'web', '--no-headers')).split(/\s+/)[3];

  await kubectl('create', 'service', 'loadbalancer', 'web', '--tcp=80:8080');
  await eventually('EXTERNAL-IP', async () => (await externalIp()) === '198.51.100.129');
  await events.flush();
  const described = await kubectl('describe', 'service', 'web');
  assert.match(described, /LoadBalancer Ingress:\s+198\.51\.100\.129 \(VIP\)/);
  assert.match(described, /Normal\s+EnsuringLoadBalancer\s+\S+\s+service-controller\s+Ensuring load balancer/);
  assert.match(described, /Normal\s+EnsuredLoadBalancer\s+\S+\s+service-controller\s+Ensured load balancer/);

  await kubectl('patch', 'service', 'web', '-p', '{"spec":{"type":"ClusterIP"}}');
  await eventually('no EXTERNAL-IP', async () => (await externalIp()) === '<none>' && ledger.size === 0);
  const finalizers = (): Promise<string> => kubectl('get', 'service', 'web', '-o', 'jsonpath={.metadata.finalizers}');
  await eventually('no finalizer', async () => (await finalizers()) === '');
  await kubectl('patch', 'service', 'web', '-p', '{"spec":{"type":"LoadBalancer"}}');
  await eventually('EXTERNAL-IP again', async () => (await externalIp()) === '198.51.100.129');
  // Waits for the finalizer.
  await kubectl('delete', 'service', 'web', '--timeout=10s');
  assert.equal(ledger.size, 0);
});
