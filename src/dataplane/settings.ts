/** What the data plane is told, as its parts want it. Pure. */
import type { Family } from '../model/index.ts';
import { mustParseCidr } from '../util/ip.ts';
import type { PlanOptions } from './plan.ts';
import { minimal, withinAny } from './ranges.ts';
import type { RulesetOptions } from './ruleset.ts';
import type { DataPlaneOptions } from './types.ts';

export function familiesOf(options: DataPlaneOptions): readonly Family[] {
  const cidrs = [...options.serviceCidrs, ...options.podCidrs].map(mustParseCidr);
  const found = (['IPv4', 'IPv6'] as const).filter((family) => cidrs.some((cidr) => cidr.family === family));
  return found.length > 0 ? found : ['IPv4'];
}

export function planOptions(options: DataPlaneOptions): PlanOptions {
  return {
    isClosed: withinAny(options.serviceCidrs.map(mustParseCidr)),
    guardNodePorts: (options.trustedSources ?? []).length > 0,
  };
}

export function rulesetOptions(family: Family, options: DataPlaneOptions): RulesetOptions {
  return {
    family,
    table: options.table ?? 'portolan',
    podCidrs: minimal(options.podCidrs, family),
    podsOfAllNodes: options.podsOfAllNodes ?? false,
    serviceCidrs: minimal(options.serviceCidrs, family),
    clusterIpClients: minimal((options.clusterIpClients ?? []).map(asCidr), family),
    nonMasqueradeCidrs: minimal([...options.nonMasqueradeCidrs, ...options.podCidrs, ...options.serviceCidrs], family),
    nodePortRange: options.nodePortRange ?? [30_000, 32_767],
    podLinks: options.podLinks,
    trustedSources: minimal((options.trustedSources ?? []).map(asCidr), family),
  };
}

function asCidr(text: string): string {
  return text.includes('/') ? text : `${text}/${text.includes(':') ? '128' : '32'}`;
}
