/**
 * For tests: a node in a network namespace of its own, in this process, with a real API server.
 *
 *   const node = await startTestNode(t);   const pod = await node.create('web', { containers: [...] });
 *   await node.until('web', isReady);      node.stopAgent(); await node.startAgent();
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { makePki, serverOptions, writeKubeconfig } from '../apiserver/testing.ts';
import type { TestPki } from '../apiserver/testing.ts';
import { startApiServer } from '../apiserver/index.ts';
import { isReason } from '../api/errors.ts';
import type { Pod, PodSpec } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import { createClient, loadKubeconfig } from '../client/index.ts';
import type { ClosableClient } from '../client/index.ts';
import { enterNetns } from '../kernel/index.ts';
import { runAgent } from './agent.ts';
import type { AgentOptions } from './options.ts';
import { eventually } from '../util/testing.ts';

export interface TestNode {
  readonly dir: string;
  readonly kubeconfig: string;
  readonly client: ClosableClient;
  readonly options: AgentOptions;
  startAgent(): Promise<void>;
  /** As if it were killed: nothing of its pods is touched. */
  stopAgent(): Promise<void>;
  create(name: string, spec: PodSpec, more?: { labels?: Record<string, string> }): Promise<Live<Pod>>;
  until(name: string, holds: (pod: Live<Pod>) => boolean): Promise<Live<Pod>>;
  /** Deletes it and waits until nothing of it is left. */
  remove(name: string, graceSeconds?: number): Promise<void>;
}

const testPort = 10250;

type Issued = ReturnType<TestPki['issue']>;

/** `prepare`: in the node's namespace, before its agent; gives the agent's certificate. */
export async function startTestNode(
  t: TestContext,
  more: Partial<AgentOptions> = {},
  prepare: (netns: string, pki: TestPki) => Issued = (_netns, pki) =>
    pki.issue('node', 'CN=system:node:n1, O=system:nodes', ['127.0.0.1']),
): Promise<TestNode> {
  const dir = mkdtempSync(join(tmpdir(), 't-agent-'));
  const netns = `t-agent-${String(process.pid)}`;
  execFileSync('ip', ['netns', 'add', netns]);
  const closing: (() => Promise<void> | void)[] = [];
  t.after(async () => {
    for (const close of closing.reverse()) await close();
    for (const name of podNamespaces(netns)) execFileSync('ip', ['netns', 'del', name]);
    execFileSync('ip', ['netns', 'del', netns]);
    rmSync(dir, { recursive: true, force: true });
  });
  execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
  enterNetns(`/run/netns/${netns}`);
  const pki = await makePki(join(dir, 'pki'));
  const serving = await prepare(netns, pki);
  const server = await startApiServer(serverOptions(dir), new AbortController().signal);
  closing.push(() => server.close());
  const kubeconfig = writeKubeconfig(dir, server.address);
  const client = createClient(await loadKubeconfig(kubeconfig));
  // What the namespace controllers of a whole cluster put there.
  await client.create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
  const ca = { 'ca.crt': readFileSync(join(dir, 'pki', 'ca.crt'), 'utf8') };
  await client.create(resources.configMaps, { metadata: { name: 'kube-root-ca.crt', namespace: 'default' }, data: ca });
  const options: AgentOptions = {
    client,
    nodeName: 'n1',
    nodeIPs: ['127.0.0.1'],
    podCidrs: ['10.244.1.0/24', 'fd00:10:244:1::/112'],
    rootDir: join(dir, 'root'),
    runDir: join(dir, 'run'),
    imageDir: join(dir, 'images'),
    clusterDns: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    netnsPrefix: netns,
    serving: {
      cert: serving.cert.toString(),
      key: serving.key.toString(),
      clientCa: readFileSync(join(dir, 'pki', 'ca.crt'), 'utf8'),
      port: testPort,
    },
    ...more,
  };
  let life: AbortController | undefined;
  let running: Promise<void> | undefined;
  const node: TestNode = {
    dir,
    kubeconfig,
    client,
    options,
    async startAgent() {
      life = new AbortController();
      running = runAgent(options, life.signal);
      await eventually('node Ready', async () => {
        const object = await client.get(resources.nodes, { namespace: '', name: 'n1' }).catch(() => undefined);
        return object?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
      });
    },
    async stopAgent() {
      life?.abort();
      await running;
      life = undefined;
    },
    create(name, spec, { labels = {} } = {}) {
      const fast: PodSpec = { nodeName: 'n1', terminationGracePeriodSeconds: 1, ...spec };
      return client.create(resources.pods, { metadata: { name, namespace: 'default', labels }, spec: fast });
    },
    async until(name, holds) {
      let last: Live<Pod> | undefined;
      const probe = async (): Promise<Live<Pod> | false> => {
        last = await client.get(resources.pods, { namespace: 'default', name });
        return holds(last) && last;
      };
      return await eventually(`pod ${name}`, probe, { explain: () => JSON.stringify(last?.status, undefined, 1) });
    },
    async remove(name, graceSeconds) {
      const wish = graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds };
      await client.delete(resources.pods, { namespace: 'default', name }, wish);
      await eventually(`pod ${name} gone`, async () => {
        try {
          await client.get(resources.pods, { namespace: 'default', name });
          return false;
        } catch (error) {
          return isReason(error, 'NotFound');
        }
      });
    },
  };
  closing.push(async () => {
    await node.stopAgent();
    client.close();
    sweep(options);
  });
  await node.startAgent();
  return node;
}

export function podNamespaces(prefix: string): string[] {
  return readdirSync('/run/netns').filter((name) => name.startsWith(`${prefix}-pod-`));
}

/** As `down` does it: ends what a failed test has left running. */
function sweep(options: AgentOptions): void {
  const events = join(options.runDir, 'events');
  if (!existsSync(events)) return;
  for (const file of readdirSync(events)) {
    if (!file.endsWith('.pid')) continue;
    const pid = Number(readFileSync(join(events, file), 'utf8'));
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Ended already.
    }
  }
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

export function hostContainer(name: string, script: string): PodSpec['containers'][number] {
  return { name, image: 'portolan.local/host', command: ['sh', '-c', script] };
}
