/** A real DNS server on loopback, over informers that the test moves, and `dig` to ask it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { EndpointSlice, Namespace, Node, Pod, Service, ServiceCIDR } from '../../api/gen/types.ts';
import type { Client } from '../../client/index.ts';
import type { DnsOptions, DnsServer } from '../options.ts';
import { runDns } from '../run.ts';
import type { TestInformer } from './informer.ts';
import { testInformer } from './informer.ts';

export interface TestCluster {
  readonly services: TestInformer<Service>;
  readonly endpointSlices: TestInformer<EndpointSlice>;
  readonly namespaces: TestInformer<Namespace>;
  readonly pods: TestInformer<Pod>;
  readonly nodes: TestInformer<Node>;
  readonly serviceCIDRs: TestInformer<ServiceCIDR>;
}

export interface Digger {
  /** dig's output lines without comments and blanks. */
  readonly dig: (...args: readonly string[]) => Promise<string[]>;
  /** The whole output. */
  readonly digAll: (...args: readonly string[]) => Promise<string>;
}

export interface TestServer extends Digger, AsyncDisposable {
  readonly dns: DnsServer;
  readonly port: number;
  readonly cluster: TestCluster;
}

const run = promisify(execFile);
/** With shared informers and nothing to announce no call is made. */
const noClient = {} as Client;

export function digger(port: number): Digger {
  const digAll = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run('dig', ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=8', ...args]);
    return stdout;
  };
  const dig = async (...args: readonly string[]): Promise<string[]> => {
    const lines = (await digAll(...args)).split('\n');
    return lines.filter((line) => line !== '' && !line.startsWith(';')).map((line) => line.replaceAll(/\s+/g, ' '));
  };
  return { dig, digAll };
}

export function testCluster(
  objects: {
    readonly services?: Service[];
    readonly slices?: EndpointSlice[];
    readonly namespaces?: Namespace[];
    readonly pods?: Pod[];
    readonly nodes?: Node[];
  } = {},
  synced = true,
): TestCluster {
  return {
    services: testInformer(objects.services ?? [], synced),
    endpointSlices: testInformer(objects.slices ?? [], synced),
    namespaces: testInformer(objects.namespaces ?? [], synced),
    pods: testInformer(objects.pods ?? [], synced),
    nodes: testInformer(objects.nodes ?? [], synced),
    serviceCIDRs: testInformer([], synced),
  };
}

export async function startServer(cluster: TestCluster, options: Partial<DnsOptions> = {}): Promise<TestServer> {
  const stop = new AbortController();
  const dns = await runDns(
    {
      client: noClient,
      informers: cluster,
      listen: [{ address: '127.0.0.1', port: 0 }],
      serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
      podCidrs: ['10.244.0.0/16', 'fd00:10:244::/56'],
      upstreams: [],
      ...options,
    },
    stop.signal,
  );
  const port = dns.listening[0]?.port ?? 0;
  return {
    dns,
    port,
    cluster,
    ...digger(port),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await dns.stopped;
    },
  };
}
