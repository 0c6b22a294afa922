/**
 * The bench's own network: a node with one pod of its own and one of "another node", each a network namespace.
 *
 *   client 10.244.1.2 ─── node 10.10.10.1 ─── server 10.244.2.2 … .3
 *                         API server and proxy run here
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';

export interface Network {
  readonly node: string;
  readonly client: string;
  readonly server: string;
  /** Starts a program in a place; it ends with the network. */
  start(netns: string, command: readonly string[]): ChildProcessWithoutNullStreams;
  close(): void;
}

const clientAddress = '10.244.1.2';
export const serverAddresses = ['10.244.2.2', '10.244.2.3'] as const;
export const nodeAddress = '10.10.10.1';

export function createNetwork(): Network {
  const prefix = `t-bench-proxy-${String(process.pid)}`;
  const [node, client, server] = [`${prefix}-node`, `${prefix}-client`, `${prefix}-server`];
  const children: ChildProcessWithoutNullStreams[] = [];
  const close = (): void => {
    for (const child of children) child.kill('SIGKILL');
    for (const name of [node, client, server]) ip(`netns del ${name}`, true);
  };
  process.once('exit', close);
  // Interrupted, it leaves nothing either.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  for (const name of [node, client, server]) {
    ip(`netns add ${name}`);
    ip(`-n ${name} link set lo up`);
  }
  // A node has a default route: without one the kernel would not even ask where a cluster IP leads.
  ip(`-n ${node} link add lan type bridge`);
  ip(`-n ${node} addr add ${nodeAddress}/24 dev lan`);
  ip(`-n ${node} link set lan up`);
  ip(`-n ${node} route add default via 10.10.10.254`);
  pod(node, client, 'client', '10.244.1.1', [clientAddress]);
  pod(node, server, 'server', '10.244.2.1', serverAddresses);
  execFileSync('ip', ['netns', 'exec', node, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
  const path = (name: string): string => `/run/netns/${name}`;
  return {
    node: path(node),
    client: path(client),
    server: path(server),
    start(netns, command) {
      const child = spawn('nsenter', [`--net=${netns}`, '--', ...command], { stdio: 'pipe' });
      children.push(child);
      return child;
    },
    close() {
      process.off('exit', close);
      close();
    },
  };
}

/** A routed veth, as the agent makes them. */
function pod(node: string, name: string, link: string, gateway: string, addresses: readonly string[]): void {
  ip(`-n ${node} link add ${link} type veth peer name eth0 netns ${name}`);
  ip(`-n ${node} addr add ${gateway}/32 dev ${link}`);
  ip(`-n ${node} link set ${link} up`);
  for (const address of addresses) {
    ip(`-n ${name} addr add ${address}/32 dev eth0`);
    ip(`-n ${node} route add ${address}/32 dev ${link}`);
  }
  ip(`-n ${name} link set eth0 up`);
  ip(`-n ${name} route add default via ${gateway} dev eth0 onlink`);
}

function ip(line: string, force = false): void {
  try {
    execFileSync('ip', line.split(' '), { stdio: ['ignore', 'ignore', force ? 'ignore' : 'inherit'] });
  } catch (error) {
    if (!force) throw error;
  }
}
