/**
 * A process in the node's namespace that speaks to the API server there and to the cluster IPs: driver.ts NETNS KUBECONFIG.
 * Commands come over the channel of the fork.
 */
import net from 'node:net';
import { createClient, loadKubeconfig } from '../../src/client/index.ts';
import { ApiError } from '../../src/api/errors.ts';
import { resources } from '../../src/api/resources.ts';
import { answer } from '../../src/dataplane/testing/index.ts';
import { enterNetns } from '../../src/kernel/index.ts';
import { serverAddresses } from './network.ts';
import { clusterIp, namespace, serviceAt, sliceAt, sliceOf } from './objects.ts';

export type DriverCommand =
  | { readonly do: 'namespace' }
  /** The first two services lead to the servers: 0 greets, 1 echoes. */
  | { readonly do: 'create'; readonly from: number; readonly to: number; readonly endpoints: number }
  | { readonly do: 'lead'; readonly service: number; readonly to: string }
  | { readonly do: 'until'; readonly service: number; readonly answers: string }
  /** Milliseconds from the answer to the write until a new connection is greeted by the new endpoint. */
  | { readonly do: 'change'; readonly times: number };

const [netns = '', kubeconfig = ''] = process.argv.slice(2);
const lanes = 16;

enterNetns(netns);
const client = createClient(await loadKubeconfig(kubeconfig), { userAgent: 'portolan-bench' });
answer<DriverCommand>(perform);
process.send?.({ id: 0, value: 'up' });

async function perform(command: DriverCommand): Promise<unknown> {
  switch (command.do) {
    case 'namespace':
      return makeNamespace();
    case 'create':
      return create(command.from, command.to, command.endpoints);
    case 'lead':
      return lead(command.service, command.to);
    case 'until':
      return until(command.service, command.answers);
    case 'change':
      return change(command.times);
  }
}

async function makeNamespace(): Promise<void> {
  for (;;) {
    try {
      await client.create(resources.namespaces, { metadata: { name: namespace } });
      // Only its own pods may reach themselves, so only those cost an element more.
      await client.create(resources.nodes, { metadata: { name: 'node-1' }, spec: { podCIDRs: ['10.244.1.0/24'] } });
      return;
    } catch (error) {
      if (error instanceof ApiError && error.reason !== 'ServiceUnavailable') throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function create(from: number, to: number, endpoints: number): Promise<void> {
  let next = from;
  const lane = async (): Promise<void> => {
    while (next < to) {
      const i = next++;
      await client.create(resources.services, serviceAt(i));
      const slice = i < 2 ? sliceOf(i, [serverAddresses[0]], 8080 + i) : sliceAt(i, endpoints);
      await client.create(resources.endpointSlices, slice);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function lead(service: number, to: string): Promise<void> {
  const { metadata, endpoints } = sliceOf(service, [to]);
  const key = { namespace, name: metadata?.name ?? '' };
  await client.patch(resources.endpointSlices, key, 'merge', { endpoints });
}

async function until(service: number, answers: string): Promise<void> {
  const end = performance.now() + 60_000;
  while ((await greeting(clusterIp(service))) !== answers) {
    if (performance.now() > end) throw new Error(`service ${String(service)} never led to ${answers}`);
  }
}

async function change(times: number): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let i = 1; i <= times; i++) {
    const to = serverAddresses[i % 2] ?? '';
    await lead(0, to);
    const began = performance.now();
    await until(0, to);
    taken.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return taken;
}

/** What a new connection is told; '' when there is none. */
function greeting(address: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port: 80, timeout: 1_000 });
    const end = (text: string): void => {
      socket.resetAndDestroy();
      resolve(text);
    };
    socket.once('error', () => end(''));
    socket.once('timeout', () => end(''));
    socket.once('data', (bytes) => end(bytes.toString()));
    socket.once('end', () => end(''));
  });
}
