/**
 * Keeps this machine's Node and Lease on the API server.
 *
 *   register: create the Node, or bring an existing one's labels and status up to date
 *   heartbeat: Lease `kube-node-lease/NAME` every few seconds; the status at changes and every few minutes
 */
import { ApiError, isReason } from '../api/errors.ts';
import type { Lease, Node } from '../api/gen/types.ts';
import type { Live, ObjectKey } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import type { Client } from '../client/index.ts';
import type { Image } from '../images/index.ts';
import { createBackoff, sleep } from '../util/backoff.ts';
import { log } from '../util/log.ts';
import { readRuntime } from './machine.ts';
import { nodeLabels, nodeObject, nodeStatus } from './node-object.ts';
import type { NodeInput, NodeMachine } from './node-object.ts';
import type { AgentOptions } from './options.ts';
import { agentPaths } from './paths.ts';

export interface NodeStatusKeeper {
  /** Resolves with the Node as the server has it. */
  register(): Promise<Live<Node>>;
  setRoutesReady(): void;
  setReady(): void;
  imagesChanged(): void;
}

const logger = log('agent');
const leaseSeconds = 40;
const leaseEveryMs = 5000;
const leaseRetryMs = 250;
/** So long a restarted agent may take until it says that its node is not ready after all. */
const holdMs = 10_000;
const statusEveryMs = 300_000;

export function createNodeStatusKeeper(
  options: AgentOptions,
  machine: NodeMachine,
  images: () => Promise<readonly Image[]>,
  signal: AbortSignal,
): NodeStatusKeeper {
  const { client, nodeName } = options;
  const key = { namespace: '', name: nodeName };
  const runtime = readRuntime(agentPaths(options.rootDir, options.runDir).crun);
  let previous: NodeInput['previous'] = [];
  let routesReady = false;
  let notReady: string | undefined =
    'container runtime network not ready: the proxy and the DNS of this node are not in yet';
  let registered = false;
  let writing: Promise<void> | undefined;
  let again = false;
  let held: NodeJS.Timeout | undefined;

  const input = async (): Promise<NodeInput> => ({
    name: nodeName,
    ips: options.nodeIPs,
    machine,
    runtime: await runtime,
    images: await images(),
    port: options.serving?.port ?? 10250,
    notReady,
    routesReady,
    now: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    previous,
  });
  const writeStatus = async (): Promise<void> => {
    const backoff = createBackoff({ baseMs: 100, maxMs: 5000 });
    while (!signal.aborted) {
      again = false;
      const status = nodeStatus(await input());
      try {
        // Addresses have their type as merge key, which two families share: as the kubelet, they are replaced as a whole
        // (k8s.io/component-helpers/node/util/status.go).
        const addresses = [{ $patch: 'replace' }, ...(status.addresses ?? [])];
        const patch = { status: { ...status, addresses } };
        const node = await client.patch(resources.nodes, key, 'strategic', patch, { subresource: 'status' });
        previous = node.status?.conditions ?? [];
        if (!again) return;
      } catch (error) {
        logger.warn({ err: error }, 'node status was not accepted');
        // Somebody deleted the Node: it is ours to make again.
        if (isReason(error, 'NotFound')) await register();
        await sleep(backoff.next(), signal);
      }
    }
  };
  const changed = (): void => {
    again = true;
    if (!registered || held !== undefined || writing !== undefined) return;
    writing = writeStatus().finally(() => (writing = undefined));
  };
  /** Says nothing of a node that was Ready before its agent was started again: its kernel and its pods went on serving. */
  const holdWhileServing = (): void => {
    const wasReady = previous.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    if (!wasReady || notReady === undefined || signal.aborted) return;
    held = setTimeout(release, holdMs);
    signal.addEventListener('abort', () => clearTimeout(held), { once: true });
  };
  const release = (): void => {
    clearTimeout(held);
    held = undefined;
    changed();
  };
  const register = async (): Promise<Live<Node>> => {
    const wanted = nodeObject(await input(), options.labels ?? {}, options.podCidrs);
    try {
      const created = await client.create(resources.nodes, wanted);
      previous = created.status?.conditions ?? [];
      return created;
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
    }
    const existing = await client.get(resources.nodes, key);
    previous = existing.status?.conditions ?? [];
    const labels = nodeLabels(nodeName, machine.arch, options.labels ?? {});
    return client.patch(resources.nodes, key, 'merge', { metadata: { labels } });
  };

  return {
    async register() {
      const backoff = createBackoff({ baseMs: 20, maxMs: 2000 });
      for (;;) {
        signal.throwIfAborted();
        try {
          const node = await register();
          // Told to stop meanwhile: nothing more may be begun.
          signal.throwIfAborted();
          registered = true;
          holdWhileServing();
          void keepLease(client, nodeName, node.metadata.uid, signal);
          const timer = setInterval(changed, statusEveryMs);
          signal.addEventListener('abort', () => clearInterval(timer), { once: true });
          changed();
          return node;
        } catch (error) {
          logger[error instanceof ApiError ? 'warn' : 'debug']({ err: error }, 'node was not registered');
          await sleep(backoff.next(), signal);
        }
      }
    },
    setRoutesReady() {
      routesReady = true;
      changed();
    },
    setReady() {
      notReady = undefined;
      release();
    },
    imagesChanged: changed,
  };
}

async function keepLease(client: Client, nodeName: string, nodeUid: string, signal: AbortSignal): Promise<void> {
  const key = { namespace: 'kube-node-lease', name: nodeName };
  while (!signal.aborted) {
    const kept = await renewLease(client, key, nodeUid);
    await sleep(kept ? leaseEveryMs : leaseRetryMs, signal);
  }
}

async function renewLease(client: Client, key: ObjectKey, nodeUid: string): Promise<boolean> {
  const renewTime = microTime();
  try {
    await client.patch(resources.leases, key, 'merge', { spec: { renewTime, holderIdentity: key.name } });
    return true;
  } catch (error) {
    if (isReason(error, 'NotFound')) return await createLease(client, key, nodeUid, renewTime);
    logger.warn({ err: error }, 'node lease was not renewed');
    return false;
  }
}

async function createLease(client: Client, key: ObjectKey, nodeUid: string, renewTime: string): Promise<boolean> {
  const lease: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      ...key,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: key.name, uid: nodeUid }],
    },
    spec: { holderIdentity: key.name, leaseDurationSeconds: leaseSeconds, renewTime },
  };
  try {
    await client.create(resources.leases, lease);
    return true;
  } catch (error) {
    // The namespace may not be there in a cluster's first moments.
    logger.debug({ err: error }, 'node lease was not made');
    return false;
  }
}

/** metav1.MicroTime. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
