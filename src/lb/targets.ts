/**
 * What the kernel should do, before any kernel word is spoken: pure.
 *
 *   Service + its addresses (ledger) ─┐
 *   nodes that may (node.ts)         ─┼─> targets() ─> one LbFrontend per address, protocol and port
 *   what the probes say              ─┘                  active: get new connections   lingering: may keep the old ones
 *
 * Policy Cluster: every ready and healthy node. Policy Local: of these, the ones whose health check node port answers 200.
 * Nobody like that at all: ready nodes whose machines answer, with or without a proxy; and then nodes that are not even Ready but
 * answer: the kernel's tables outlive every process of ours, so refusing would break what still works.
 *
 * A port without a node port (allocateLoadBalancerNodePorts: false) goes straight to the ready pods, since a translation needs a port
 * to go to: only to addresses of the pod ranges, whatever a slice names.
 */
import type { EndpointSlice } from '../api/gen/types.ts';
import { backends, frontends, healthCheckPort } from '../model/index.ts';
import type { Frontend } from '../model/index.ts';
import { cidrContains, compareIpTexts, familyOf, mustParseIp } from '../util/ip.ts';
import type { Cidr, Family } from '../util/ip.ts';
import type { LbNode } from './node.ts';
import type { Health } from './probe.ts';
import { probeUrl } from './probe.ts';
import { ingressOf } from './service.ts';
import type { LiveService } from './service.ts';

export interface LbFrontend {
  /** Of kind LoadBalancerIP, at an address that the ledger gave, whatever the status says. */
  readonly frontend: Frontend & { readonly address: string };
  readonly active: readonly LbTarget[];
  /** Still alive, but out of the choice: established connections stay. */
  readonly lingering: readonly LbTarget[];
}

export interface LbTarget {
  readonly address: string;
  readonly port: number;
}

export interface TargetInput {
  readonly service: LiveService;
  readonly addresses: readonly string[];
  readonly nodes: readonly LbNode[];
  readonly healthOf: (url: string) => Health;
  /** The proxy's health port on the node with this address. */
  readonly nodeUrl: (address: string) => string;
  /** Asked only for a port that has no node port. */
  readonly slicesOf: (service: LiveService) => readonly EndpointSlice[];
  readonly podRanges: readonly Cidr[];
}

export function targets(input: TargetInput): readonly LbFrontend[] {
  const { service, addresses } = input;
  const allocated = { ...service, status: { ...service.status, loadBalancer: { ingress: ingressOf(addresses) } } };
  const nodePorts = new Map((service.spec?.ports ?? []).map((port) => [port.name ?? '', port.nodePort ?? 0]));
  return frontends(allocated).flatMap((frontend): LbFrontend[] => {
    const { kind, address, family } = frontend;
    if (kind !== 'LoadBalancerIP' || address === undefined) return [];
    const port = nodePorts.get(frontend.portName) ?? 0;
    if (port === 0) return [{ frontend: { ...frontend, address }, active: pods(input, frontend), lingering: [] }];
    const at = (nodes: readonly string[]): LbTarget[] => nodes.map((node) => ({ address: node, port }));
    const { active, lingering } = choose(input, family);
    return [{ frontend: { ...frontend, address }, active: at(active), lingering: at(lingering) }];
  });
}

/** Every URL whose answer `targets` will ask for. */
export function probeUrls(input: Pick<TargetInput, 'service' | 'nodes' | 'nodeUrl'>): readonly string[] {
  const addresses = input.nodes.flatMap((node) => node.addresses);
  return addresses.flatMap((address) => {
    const local = localUrl(input.service, address);
    return local === undefined ? [input.nodeUrl(address)] : [input.nodeUrl(address), local];
  });
}

interface Choice {
  readonly active: readonly string[];
  readonly lingering: readonly string[];
}

const aliveStates: ReadonlySet<Health> = new Set<Health>(['healthy', 'draining', 'refused']);

function choose(input: TargetInput, family: Family): Choice {
  const candidates = input.nodes.flatMap(({ addresses, standing }) =>
    addresses
      .filter((address) => familyOf(address) === family)
      .map((address) => ({ address, standing, health: input.healthOf(input.nodeUrl(address)) })),
  );
  const alive = candidates.filter(({ health }) => aliveStates.has(health));
  const ready = alive.filter(({ standing }) => standing === 'ready');
  const healthy = ready.filter(({ health }) => health === 'healthy');
  const doubtful = alive.filter(({ standing }) => standing === 'doubtful');
  const usable = [healthy, ready, doubtful].find((tier) => tier.length > 0) ?? [];
  const active = usable
    .map(({ address }) => address)
    .filter((address) => {
      const url = localUrl(input.service, address);
      return url === undefined || input.healthOf(url) === 'healthy';
    });
  return { active, lingering: alive.map(({ address }) => address).filter((address) => !active.includes(address)) };
}

const nowhere = { nodeName: '', zone: undefined, addresses: [] };

/** As a client inside sees them: externalTrafficPolicy is about nodes, and none is passed here. */
function pods(input: TargetInput, frontend: Frontend): readonly LbTarget[] {
  const silent = new Set(
    input.nodes
      .filter(({ addresses }) => addresses.every((address) => input.healthOf(input.nodeUrl(address)) === 'silent'))
      .map(({ name }) => name),
  );
  return backends(frontend, input.slicesOf(input.service), nowhere, 'internal')
    .endpoints.filter(({ nodeName }) => nodeName === undefined || !silent.has(nodeName))
    .filter(({ address }) => input.podRanges.some((range) => cidrContains(range, mustParseIp(address))))
    .map(({ address, port }) => ({ address, port }))
    .sort((a, b) => compareIpTexts(a.address, b.address) || a.port - b.port);
}

/** Policy Local: the node says by itself whether it has an endpoint. */
function localUrl(service: LiveService, address: string): string | undefined {
  const port = healthCheckPort(service);
  return port === 0 ? undefined : probeUrl(address, port, '/');
}
