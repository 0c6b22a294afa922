/**
 * A small real network for tests: two nodes with pods and a host on their LAN, all network namespaces of this test run.
 *
 *   pod-a 10.244.1.2 ┐                                       lan 10.10.10.100 (default gateway of the nodes; routes the pods
 *   pod-b 10.244.1.3 ┴ node-1 10.10.10.1 ─── wire (bridge) ──┤    and the service range through node-1; 198.51.100.10 is
 *   pod-c 10.244.2.2 ┐                           │           ┘    "outside")
 *   pod-d 10.244.2.3 ┴ node-2 10.10.10.2 ────────┘
 *
 * The same in IPv6: fd00:10:244:1::2, fd00:10:10::1, … Each place has a process of its own that opens sockets there.
 */
import { execFileSync } from 'node:child_process';
import { openPlace } from './place.ts';
import type { Place } from './place.ts';

export const places = ['node-1', 'node-2', 'lan', 'pod-a', 'pod-b', 'pod-c', 'pod-d'] as const;
export type PlaceName = (typeof places)[number];

export interface Topology {
  readonly places: Readonly<Record<PlaceName, Place>>;
  netns(place: PlaceName): string;
  /** Runs a program in a place and returns what it prints. */
  run(place: PlaceName, command: string, ...args: string[]): string;
  close(): Promise<void>;
}

export const addresses = {
  'node-1': ['10.10.10.1', 'fd00:10:10::1'],
  'node-2': ['10.10.10.2', 'fd00:10:10::2'],
  lan: ['10.10.10.100', 'fd00:10:10::100'],
  'pod-a': ['10.244.1.2', 'fd00:10:244:1::2'],
  'pod-b': ['10.244.1.3', 'fd00:10:244:1::3'],
  'pod-c': ['10.244.2.2', 'fd00:10:244:2::2'],
  'pod-d': ['10.244.2.3', 'fd00:10:244:2::3'],
} as const satisfies Readonly<Record<PlaceName, readonly [string, string]>>;

export const outside = '198.51.100.10';
export const outside6 = '2001:db8:100::10';
/** Where the LAN sends what load balancers would own: to node-1. */
const publicRanges = ['198.51.100.128/25', '2001:db8:51::/64'] as const;

const podsOf = { 'node-1': ['pod-a', 'pod-b'], 'node-2': ['pod-c', 'pod-d'] } as const;

export async function createTopology(): Promise<Topology> {
  const prefix = `t-dataplane-${String(process.pid)}`;
  const name = (place: string): string => `${prefix}-${place}`;
  const netns = (place: string): string => `/run/netns/${name(place)}`;
  const all = ['wire', ...places];
  const destroy = (): void => {
    batch(
      all.map((place) => `netns del ${name(place)}`),
      true,
    );
  };
  // A test that dies must not leave namespaces behind.
  process.once('exit', destroy);
  const opened: Place[] = [];
  try {
    batch(all.map((place) => `netns add ${name(place)}`));
    wire(name);
    for (const node of ['node-1', 'node-2'] as const) pods(name, node);
    for (const place of places) sysctls(netns(place));
    const made = await Promise.all(
      places.map(async (place) => {
        const one = await openPlace(place, netns(place));
        opened.push(one);
        return [place, one] as const;
      }),
    );
    return {
      places: Object.fromEntries(made) as Record<PlaceName, Place>,
      netns,
      run: (place, command, ...args) =>
        execFileSync('nsenter', [`--net=${netns(place)}`, command, ...args], { encoding: 'utf8' }),
      async close() {
        await Promise.all(opened.map((place) => place.close()));
        process.off('exit', destroy);
        destroy();
      },
    };
  } catch (error) {
    await Promise.all(opened.map((place) => place.close()));
    destroy();
    throw error;
  }
}

function wire(name: (place: string) => string): void {
  batch(
    ['link add br0 type bridge', 'link set br0 type bridge mcast_snooping 0', 'link set br0 up'],
    false,
    name('wire'),
  );
  for (const place of ['node-1', 'node-2', 'lan'] as const) {
    batch([`link add eth0 netns ${name(place)} type veth peer name ${place} netns ${name('wire')}`]);
    batch([`link set ${place} master br0 up`], false, name('wire'));
    const [v4, v6] = addresses[place];
    batch(
      ['link set lo up', `addr add ${v4}/24 dev eth0`, `addr add ${v6}/64 dev eth0 nodad`, 'link set eth0 up'],
      false,
      name(place),
    );
  }
  const via = (node: 'node-1' | 'node-2', v: 0 | 1): string => addresses[node][v];
  batch(
    [
      `addr add ${outside}/32 dev lo`,
      `addr add ${outside6}/128 dev lo`,
      `route add 10.244.1.0/24 via ${via('node-1', 0)}`,
      `route add 10.244.2.0/24 via ${via('node-2', 0)}`,
      `route add 10.96.0.0/16 via ${via('node-1', 0)}`,
      `route add ${publicRanges[0]} via ${via('node-1', 0)}`,
      `route add ${publicRanges[1]} via ${via('node-1', 1)}`,
      `route add fd00:10:244:1::/64 via ${via('node-1', 1)}`,
      `route add fd00:10:244:2::/64 via ${via('node-2', 1)}`,
      `route add fd00:10:96::/112 via ${via('node-1', 1)}`,
    ],
    false,
    name('lan'),
  );
  for (const [node, other, subnet] of [
    ['node-1', 'node-2', 2],
    ['node-2', 'node-1', 1],
  ] as const) {
    batch(
      [
        `route add default via ${addresses.lan[0]}`,
        `route add default via ${addresses.lan[1]}`,
        `route add 10.244.${String(subnet)}.0/24 via ${via(other, 0)}`,
        `route add fd00:10:244:${String(subnet)}::/64 via ${via(other, 1)}`,
      ],
      false,
      name(node),
    );
  }
}

/** Routed veths, as the agent makes them. */
function pods(name: (place: string) => string, node: 'node-1' | 'node-2'): void {
  const n = node.slice(-1);
  const ranges = [`10.244.${n}.0/24`, `fd00:10:244:${n}::/64`];
  batch(
    ranges.map((range) => `route add unreachable ${range} metric 100000`),
    false,
    name(node),
  );
  for (const pod of podsOf[node]) {
    const [v4, v6] = addresses[pod];
    const gateway = [v4.replace(/\d+$/, '1'), v6.replace(/\d+$/, '1')] as const;
    batch([`link add eth0 netns ${name(pod)} type veth peer name ${pod} netns ${name(node)}`]);
    batch(
      [
        `addr add ${gateway[0]}/32 dev ${pod}`,
        `addr add ${gateway[1]}/128 dev ${pod} nodad`,
        `link set ${pod} up`,
        `route add ${v4}/32 dev ${pod}`,
        `route add ${v6}/128 dev ${pod}`,
      ],
      false,
      name(node),
    );
    batch(
      [
        'link set lo up',
        'link set eth0 up',
        `addr add ${v4}/32 dev eth0`,
        `addr add ${v6}/128 dev eth0 nodad`,
        `route add default via ${gateway[0]} dev eth0 onlink`,
        `route add ${gateway[1]}/128 dev eth0`,
        `route add default via ${gateway[1]} dev eth0`,
      ],
      false,
      name(pod),
    );
  }
}

function sysctls(netns: string): void {
  const settings = [
    'ipv4/ip_forward=1',
    'ipv6/conf/all/forwarding=1',
    'ipv4/conf/all/rp_filter=0',
    // Tests ask for refusals by the hundred; a kernel sends one client six at once, then one a second.
    'ipv4/icmp_ratelimit=0',
    'ipv4/icmp_msgs_per_sec=100000',
    'ipv6/icmp/ratelimit=0',
  ];
  const lines = settings.map((text) => text.replace(/(.*)=(.*)/, 'echo $2 >/proc/sys/net/$1'));
  // A redirect to a pod that reached itself would use up the rate at which the node may send it refusals.
  lines.push('for conf in /proc/sys/net/ipv4/conf/*/send_redirects; do echo 0 >$conf; done');
  execFileSync('nsenter', [`--net=${netns}`, 'sh', '-c', lines.join(';')]);
}

function batch(lines: readonly string[], force = false, netns?: string): void {
  const args = [...(netns === undefined ? [] : ['-n', netns]), ...(force ? ['-force'] : []), '-batch', '-'];
  try {
    execFileSync('ip', args, { input: `${lines.join('\n')}\n`, stdio: ['pipe', 'pipe', 'pipe'] });
  } catch (error) {
    if (!force) throw error;
  }
}
