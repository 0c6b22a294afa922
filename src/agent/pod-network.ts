/**
 * The network of a pod: a namespace of its own, joined to the node by a routed veth. No bridge: every packet passes the
 * node's routing and connection tracking, also between two pods of one node.
 *
 *   pod:  eth0 10.244.1.7/32   default via 10.244.1.1 on-link
 *    │
 *   node: vethXXXXXXXXXX 10.244.1.1/32 (the same on each)   10.244.1.7 dev vethXXXXXXXXXX
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { run, tryRun } from './command.ts';
import { podLinks } from '../util/pod-links.ts';

export interface PodNetwork {
  /** `${prefix}-pod-<short id>`, a name in /run/netns. */
  readonly netns: string;
  readonly link: string;
  readonly ips: readonly string[];
}

/** The same for the same pod, always: a half-made network is found again. */
export function networkNames(prefix: string, uid: string): { readonly netns: string; readonly link: string } {
  const short = createHash('sha256').update(uid).digest('hex').slice(0, 11);
  return { netns: `${prefix}-pod-${short}`, link: `${podLinks}${short}` };
}

export function netnsPath(name: string): string {
  return `/run/netns/${name}`;
}

/** Two `ip` processes and a shell: about 10 ms. What is left of an earlier try is taken away first. */
export async function setUpPodNetwork(network: PodNetwork, gateways: readonly string[]): Promise<void> {
  if (existsSync(netnsPath(network.netns))) await tearDownPodNetwork(network);
  await run('sh', ['-eu', '-s'], { input: setUpScript(network, gateways), timeoutMs: 20_000 });
}

export async function tearDownPodNetwork(network: Pick<PodNetwork, 'netns' | 'link'>): Promise<void> {
  // The link first: its routes are gone at once, the namespace only when its last process is.
  const input = `link del ${network.link}\nnetns del ${network.netns}\n`;
  await tryRun('ip', ['-force', '-batch', '-'], { input, timeoutMs: 20_000 });
  if (existsSync(netnsPath(network.netns))) await run('ip', ['netns', 'del', network.netns], { timeoutMs: 20_000 });
}

export function setUpScript(network: PodNetwork, gateways: readonly string[]): string {
  const { netns, link, ips } = network;
  const node = [`netns add ${netns}`, `link add ${link} type veth peer name eth0 netns ${netns}`];
  const pod = ['link set lo up', 'link set eth0 up'];
  const routes: string[] = [];
  ips.forEach((ip, index) => {
    const gateway = gateways[index] ?? '';
    const six = ip.includes(':');
    node.push(`addr add ${gateway}/${six ? '128' : '32'} dev ${link}${six ? ' nodad' : ''}`);
    routes.push(`route replace ${ip}/${six ? '128' : '32'} dev ${link}`);
    pod.push(`addr add ${ip}/${six ? '128' : '32'} dev eth0${six ? ' nodad' : ''}`);
    if (six) pod.push(`route add ${gateway}/128 dev eth0`);
    pod.push(`route add default via ${gateway} dev eth0${six ? '' : ' onlink'}`);
  });
  node.push(`link set ${link} up`, ...routes);
  return [
    "ip -batch - <<'NODE'",
    ...node,
    'NODE',
    // A pod can't send from an address that is not its own, nor make itself the node's router. The first holds only where the
    // machine's own filter is not the loose one, which wins; the proxy's rules hold everywhere, and for IPv6.
    `echo 1 >/proc/sys/net/ipv4/conf/${link}/rp_filter`,
    `[ ! -d /proc/sys/net/ipv6/conf/${link} ] || echo 0 >/proc/sys/net/ipv6/conf/${link}/accept_ra`,
    `[ ! -d /proc/sys/net/ipv6/conf/${link} ] || echo 0 >/proc/sys/net/ipv6/conf/${link}/accept_redirects`,
    `echo 0 >/proc/sys/net/ipv4/conf/${link}/accept_redirects`,
    `ip -netns ${netns} -batch - <<'POD'`,
    ...pod,
    'POD',
    '',
  ].join('\n');
}
