/**
 * hostPort and hostIP of pods: in the kernel for the node's addresses, so that they go on without us; on loopback by a
 * listener of the node's own, since the kernel's way there (route_localnet) opens 127.0.0.1 to neighbours (CVE-2020-8558).
 *
 *   table portolan-hostports   exact: address . protocol . port ─┐
 *                              any:             protocol . port ─┴─> pod address . port     hairpin: masqueraded
 *   127.0.0.1:port, ::1:port   host-port-relay.ts
 *
 * Upstream: the CNI plugin `portmap`.
 */
import { isIP, isIPv6 } from 'node:net';
import type { Pod } from '../api/gen/types.ts';
import { NftError, openNft } from '../kernel/index.ts';
import { log } from '../util/log.ts';
import { openRelay } from './host-port-relay.ts';
import type { Relay } from './host-port-relay.ts';

export interface HostPort {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly port: number;
  /** '' for every address of the node. */
  readonly hostIp: string;
  readonly podIp: string;
  readonly podPort: number;
}

export interface HostPorts {
  set(uid: string, ports: readonly HostPort[]): void;
  remove(uid: string): void;
  /** Until `remove`. False: another pod of the node has one of these. */
  claim(uid: string, ports: readonly HostPort[]): boolean;
}

const logger = log('agent');
const table = 'portolan-hostports';
const unspecified = new Set(['', '0.0.0.0', '::']);

/** One for each address of the pod that the wish's own family allows. */
export function hostPortsOf(pod: Pod, podIps: readonly string[]): HostPort[] {
  if (pod.spec?.hostNetwork === true) return [];
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const ports = containers.flatMap((container) => container.ports ?? []);
  return ports.flatMap(({ hostPort = 0, containerPort, hostIP = '', protocol = 'TCP' }) => {
    const lower = protocol.toLowerCase();
    if (hostPort === 0 || (lower !== 'tcp' && lower !== 'udp' && lower !== 'sctp')) return [];
    if (hostIP !== '' && isIP(hostIP) === 0) return [];
    const fitting = podIps.filter((ip) => hostIP === '' || isIPv6(ip) === isIPv6(hostIP));
    const hostIp = unspecified.has(hostIP) ? '' : hostIP;
    return fitting.map((podIp) => ({ protocol: lower, port: hostPort, hostIp, podIp, podPort: containerPort }));
  });
}

/** `known`: of pods that an earlier agent has left running; their kernel entries are never taken away in between. */
export function createHostPorts(known: ReadonlyMap<string, readonly HostPort[]>, signal: AbortSignal): HostPorts {
  const pods = new Map(known);
  /** Of pods that have no addresses yet. */
  const claims = new Map<string, readonly HostPort[]>();
  const relays = new Map<string, Relay>();
  let written = '';
  let due = false;
  const apply = (): void => {
    due = false;
    if (signal.aborted) return;
    const all = [...pods.values()].flat();
    relayAll(relays, all);
    const script = hostPortScript(all);
    if (script === written || (written === '' && all.length === 0)) return;
    try {
      using nft = openNft();
      nft.run(script);
      written = script;
    } catch (error) {
      if (!(error instanceof NftError)) throw error;
      logger.error({ err: error }, 'host ports were not opened');
    }
  };
  const later = (): void => {
    if (!due) setImmediate(apply);
    due = true;
  };
  signal.addEventListener('abort', () => relays.forEach((relay) => relay.close()), { once: true });
  if (known.size > 0) later();
  return {
    set(uid, ports) {
      if (ports.length === 0 && !pods.has(uid)) return;
      pods.set(uid, ports);
      later();
    },
    remove(uid) {
      claims.delete(uid);
      if (pods.delete(uid)) later();
    },
    claim(uid, ports) {
      if (ports.length === 0) return true;
      const others = [...claims, ...pods].flatMap(([other, held]) => (other === uid ? [] : held));
      if (ports.some((one) => others.some((other) => collide(one, other)))) return false;
      claims.set(uid, ports);
      return true;
    },
  };
}

function collide(a: HostPort, b: HostPort): boolean {
  const meet = a.hostIp === '' || b.hostIp === '' || a.hostIp === b.hostIp;
  return meet && a.port === b.port && a.protocol === b.protocol;
}

function relayAll(relays: Map<string, Relay>, all: readonly HostPort[]): void {
  const wanted = new Map<string, HostPort & { readonly address: string }>();
  for (const one of all) {
    const loopback = isIPv6(one.podIp) ? '::1' : '127.0.0.1';
    const own = one.hostIp === '' ? loopback : one.hostIp;
    const local = own === '::1' || own.startsWith('127.');
    if (local && one.protocol !== 'sctp') wanted.set(JSON.stringify({ ...one, own }), { ...one, address: own });
  }
  for (const [key, relay] of relays) {
    if (wanted.has(key)) continue;
    relay.close();
    relays.delete(key);
  }
  for (const [key, one] of wanted) if (!relays.has(key)) relays.set(key, openRelay(one));
}

/** Whole, in one transaction: there are few. */
function hostPortScript(all: readonly HostPort[]): string {
  return (['ip', 'ip6'] as const).map((family) => familyScript(family, all)).join('');
}

function familyScript(family: 'ip' | 'ip6', all: readonly HostPort[]): string {
  const own = all.filter(({ podIp, hostIp }) => isIPv6(podIp) === (family === 'ip6') && !/^(127\.|::1$)/.test(hostIp));
  const begin = `add table ${family} ${table}\ndelete table ${family} ${table}\n`;
  if (own.length === 0) return begin;
  const type = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const loopback = family === 'ip' ? '127.0.0.0/8' : '::1';
  const target = ({ podIp, podPort }: HostPort): string => `${podIp} . ${String(podPort)}`;
  const key = ({ protocol, port }: HostPort): string => `${protocol} . ${String(port)}`;
  const map = (name: string, keyType: string, elements: readonly string[]): string =>
    `map ${name} { type ${keyType} : ${type} . inet_service; ${listed(elements)} }`;
  const exact = own.filter(({ hostIp }) => hostIp !== '').map((one) => `${one.hostIp} . ${key(one)} : ${target(one)}`);
  const any = own.filter(({ hostIp }) => hostIp === '').map((one) => `${key(one)} : ${target(one)}`);
  const pods = own.map(({ podIp }) => `${podIp} . ${podIp}`);
  return `${begin}table ${family} ${table} {
  ${map('exact', `${type} . inet_proto . inet_service`, exact)}
  ${map('any', 'inet_proto . inet_service', any)}
  set hairpin { type ${type} . ${type}; ${listed(pods)} }
  chain ports {
    meta l4proto { tcp, udp, sctp } dnat ${family} to ${family} daddr . meta l4proto . th dport map @exact
    meta l4proto { tcp, udp, sctp } dnat ${family} to meta l4proto . th dport map @any
  }
  chain from-outside { type nat hook prerouting priority -101; fib daddr type local goto ports; }
  chain from-inside { type nat hook output priority -101; ${family} daddr != ${loopback} fib daddr type local goto ports; }
  chain hairpins { type nat hook postrouting priority 99; ${family} saddr . ${family} daddr @hairpin masquerade; }
}
`;
}

function listed(elements: readonly string[]): string {
  return elements.length === 0 ? '' : `elements = { ${[...new Set(elements)].join(', ')} };`;
}
