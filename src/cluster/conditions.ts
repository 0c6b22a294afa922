/**
 * What `up` waits for, each asked of the thing itself: the API server answers, the Nodes say Ready, and from inside a node the
 * `kubernetes` service and the cluster's DNS answer packets.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Node } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import type { Client } from '../client/index.ts';
import { netnsPath } from './processes.ts';
import { run } from './run.ts';
import type { ClusterSettings } from './settings.ts';
import type { Topology } from './topology.ts';

/** A condition and, while it is not true, why not. */
export interface Condition {
  readonly what: string;
  /** undefined: true now. */
  readonly check: () => Promise<string | undefined>;
}

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called between two looks: throws when it makes no sense to wait any longer (a part died). */
  readonly stillWorthIt: () => void;
}

/** Asking takes processor time from the parts that are starting. */
const pauseMs = 50;

export async function waitFor(condition: Condition, options: WaitOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    const why = await condition.check();
    if (why === undefined) return;
    options.signal.throwIfAborted();
    options.stillWorthIt();
    if (performance.now() > deadline) {
      throw new Error(`${condition.what}: not within ${String(options.timeoutMs / 1000)} s: ${why}`);
    }
    await sleep(pauseMs);
  }
}

export function apiReady(client: Client): Condition {
  return {
    what: 'the API server answers',
    check: () =>
      client.raw('GET', '/readyz').then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      ),
  };
}

/** The agents that were started now have spoken: what the API says of a node is not what its dead predecessor left. */
export function agentsSpoke(client: Client, nodeNames: readonly string[], since: Date): Condition {
  return {
    what: 'the node agents have registered',
    check: async () => {
      if (nodeNames.length === 0) return undefined;
      const { items } = await client.list(resources.leases, { namespace: 'kube-node-lease' });
      const renewed = (name: string): number =>
        Date.parse(items.find((lease) => lease.metadata.name === name)?.spec?.renewTime ?? '');
      const silent = nodeNames.filter((name) => !(renewed(name) >= since.getTime()));
      return silent.length === 0 ? undefined : `no heartbeat yet of ${silent.join(', ')}`;
    },
  };
}

export function nodesReady(client: Client, topology: Topology): Condition {
  return {
    what: 'all nodes are Ready',
    check: async () => {
      const { items } = await client.list(resources.nodes);
      const waiting = topology.nodes.filter(({ name }) => !isReady(items.find((one) => one.metadata.name === name)));
      if (waiting.length === 0) return undefined;
      return waiting
        .map(({ name }) => `${name}: ${notReadyReason(items.find((one) => one.metadata.name === name))}`)
        .join('; ');
    },
  };
}

export function isReady(node: Live<Node> | undefined): boolean {
  return node?.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
}

export function notReadyReason(node: Live<Node> | undefined): string {
  if (node === undefined) return 'not registered';
  const ready = node.status?.conditions?.find((one) => one.type === 'Ready');
  return ready === undefined ? 'no heartbeat yet' : `${ready.reason ?? 'NotReady'}: ${ready.message ?? ''}`;
}

/** Packets from a node's namespace, as any program there would send them: by bash, which is on every Debian. */
export function servicesAnswer(settings: ClusterSettings, topology: Topology): Condition {
  const [node] = topology.nodes;
  const type = topology.families[0].isIPv6 ? recordTypes.AAAA : recordTypes.A;
  // Not of `kubernetes`: bash's printf would cut the datagram after its length, ten, which is a newline.
  const query = dnsQuery(`kube-dns.kube-system.svc.${settings.clusterDomain}`, type);
  const script = [
    'set -e',
    `exec 3<>/dev/tcp/${topology.addresses.kubernetes}/443 3>&-`,
    `exec 4<>/dev/udp/${topology.addresses.dns}/53`,
    `printf '${query}' >&4`,
    'timeout 1 head -c 8 <&4 | od -An -v -tx1',
  ].join('\n');
  return {
    what: `the kubernetes service and the DNS answer on ${node.name}`,
    check: async () => {
      try {
        const answer = await run('nsenter', [`--net=${netnsPath(node.namespace)}`, '--', 'bash', '-c', script]);
        // Header bytes 3 (RCODE in its lower half) and 7 (number of answers).
        const [, , , code = '', , , , count] = answer.trim().split(/\s+/);
        if (count === undefined) return 'the DNS does not answer';
        if (!code.endsWith('0')) return `the DNS answers with code ${code.slice(1)}`;
        return count === '00' ? 'the DNS does not know its own service' : undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}

const recordTypes = { A: 1, AAAA: 28 } as const;

/** As printf escapes (RFC 1035 §4.1). */
function dnsQuery(name: string, type: number): string {
  const labels = name.split('.').map((label) => [label.length, ...Buffer.from(label, 'ascii')]);
  const bytes = [0x50, 0x4c, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels.flat(), 0, 0, type, 0, 1];
  return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
