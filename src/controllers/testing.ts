/**
 * For tests: a real API server, all loops, three nodes, and agents that are played: they make bound pods Running and Ready,
 * and let deleted ones go.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Node, Pod } from '../api/gen/types.ts';
import { isReason } from '../api/errors.ts';
import type { KubeObject, Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import { startApiServer } from '../apiserver/index.ts';
import { makePki, serverOptions, writeKubeconfig } from '../apiserver/testing.ts';
import { createClient, createInformer, loadKubeconfig } from '../client/index.ts';
import type { ClosableClient } from '../client/index.ts';
import { untilAnswered } from '../client/testing.ts';
import { eventually } from '../util/testing.ts';
import { runControllers } from './index.ts';

export interface Bench {
  readonly client: ClosableClient;
  readonly kubeconfig: string;
  /** What the agent does with a pod that it has not seen running: the status to write; undefined: nothing. */
  play: (pod: Live<Pod>) => object | undefined;
  get<T extends KubeObject>(resource: Resource<T>, name: string, namespace?: string): Promise<Live<T> | undefined>;
  podsOf(selector: string): Promise<readonly Live<Pod>[]>;
  reasonsAbout(name: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

let addresses = 0;

export function running(): object {
  addresses += 1;
  const podIP = `10.244.1.${addresses}`;
  const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime }];
  return { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions };
}

export async function startBench(nodes: readonly string[] = ['node-1', 'node-2', 'node-3']): Promise<Bench> {
  const dir = mkdtempSync(join('/dev/shm', 'portolan-controllers-'));
  const stop = new AbortController();
  await makePki(join(dir, 'pki'));
  const server = await startApiServer(serverOptions(dir), stop.signal);
  const kubeconfig = writeKubeconfig(dir, server.address);
  const client = createClient(await loadKubeconfig(kubeconfig));
  const caCert = readFileSync(join(dir, 'pki', 'ca.crt'), 'utf8');
  const signing = { certificate: caCert, key: readFileSync(join(dir, 'pki', 'ca.key'), 'utf8') };
  const options = { caCert, signing, nodeMonitorGracePeriodSeconds: 3600 };
  const controllers = runControllers(client, options, stop.signal);
  const bench: Bench = {
    client,
    kubeconfig,
    play: running,
    async get(resource, name, namespace = 'default') {
      try {
        return await client.get(resource, { namespace: resource.namespaced ? namespace : '', name });
      } catch (error) {
        if (isReason(error, 'NotFound')) return undefined;
        throw error;
      }
    },
    async podsOf(labelSelector) {
      return (await client.list(resources.pods, { namespace: 'default', labelSelector })).items;
    },
    async reasonsAbout(name) {
      const { items } = await client.list(resources.events, { namespace: 'default' });
      return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason }) => reason ?? '');
    },
    async close() {
      stop.abort();
      try {
        await controllers;
        await server.close();
      } finally {
        client.close();
        rmSync(dir, { recursive: true, force: true });
      }
    },
  };
  for (const name of nodes) await addNode(client, name);
  await eventually('the default ServiceAccount is there', async () => {
    return (await bench.get(resources.serviceAccounts, 'default')) !== undefined;
  });
  playAgents(bench, stop.signal);
  return bench;
}

export async function addNode(client: ClosableClient, name: string): Promise<void> {
  const node: Node = { metadata: { name, labels: { 'kubernetes.io/hostname': name } } };
  await client.create(resources.nodes, node);
  const lastHeartbeatTime = `${new Date().toISOString().slice(0, 19)}Z`;
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '', lastHeartbeatTime }];
  const status = { conditions, allocatable: { cpu: '4', memory: '8Gi', pods: '110' } };
  await client.patch(resources.nodes, { namespace: '', name }, 'merge', { status }, { subresource: 'status' });
}

function playAgents(bench: Bench, signal: AbortSignal): void {
  const { client } = bench;
  const pods = createInformer(client, resources.pods, {}, signal);
  const act = async (pod: Live<Pod>): Promise<void> => {
    const key = { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
    if (pod.metadata.deletionTimestamp !== undefined) {
      // Somebody may wait for its end: it has one before it goes.
      if (pod.status?.phase === 'Running') {
        const status = { phase: 'Failed' };
        await client.patch(resources.pods, key, 'strategic', { status }, { subresource: 'status' });
      }
      await client.delete(resources.pods, key, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } });
      return;
    }
    if (pod.status?.phase !== 'Pending') return;
    const status = bench.play(pod);
    if (status === undefined) return;
    await client.patch(resources.pods, key, 'strategic', { status }, { subresource: 'status' });
  };
  pods.onChange((pod) => {
    if ((pod?.spec?.nodeName ?? '') !== '' && pod !== undefined) void untilAnswered(() => act(pod), signal);
  });
}
