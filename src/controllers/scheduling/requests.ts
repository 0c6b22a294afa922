/**
 * What a pod takes from a node: resources, host ports. Upstream: k8s.io/component-helpers/resource, noderesources/fit.go.
 *
 *   max( sum of containers + sidecars ,  each init container + the sidecars before it ) + overhead
 */
import type { Container, Pod } from '../../api/gen/types.ts';
import { parseQuantity } from '../../api/quantity.ts';

export type Amounts = ReadonlyMap<string, number>;

export interface HostPort {
  readonly ip: string;
  readonly port: number;
  readonly protocol: string;
}

const parsed = new Map<string, number>();

/** In thousandths of a cpu, whole bytes and pieces of all else, as the scheduler counts; 0 for what is no quantity. */
export function amountOf(resource: string, text: string): number {
  const key = `${resource === 'cpu' ? 'm' : ''} ${text}`;
  let amount = parsed.get(key);
  if (amount !== undefined) return amount;
  const value = Number(parseQuantity(text)?.nano ?? 0n) / 1e9;
  amount = Math.ceil(resource === 'cpu' ? value * 1000 : value);
  if (parsed.size > 10_000) parsed.clear();
  parsed.set(key, amount);
  return amount;
}

export function requestsOf({ spec }: Pod): Amounts {
  const running = new Map<string, number>();
  const peak = new Map<string, number>();
  for (const container of spec?.initContainers ?? []) {
    const own = requests(container);
    if (container.restartPolicy === 'Always') add(running, own);
    else for (const [name, amount] of own) raise(peak, name, amount + (running.get(name) ?? 0));
  }
  for (const container of spec?.containers ?? []) add(running, requests(container));
  for (const [name, amount] of peak) raise(running, name, amount);
  add(running, amounts(spec?.overhead));
  return running;
}

export function amounts(quantities: Readonly<Record<string, string>> | undefined): Amounts {
  return new Map(Object.entries(quantities ?? {}).map(([name, text]) => [name, amountOf(name, text)]));
}

/** On the host network every container port is a host port: the API server's defaulting has said so. */
export function hostPortsOf({ spec }: Pod): HostPort[] {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...(spec?.containers ?? []), ...sidecars].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort = 0, hostIP = '', protocol = 'TCP' }) =>
      hostPort > 0 ? [{ ip: hostIP === '' ? '0.0.0.0' : hostIP, port: hostPort, protocol }] : [],
    ),
  );
}

export function conflicts(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || isAny(a.ip) || isAny(b.ip);
}

function isAny(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

function requests({ resources }: Container): Amounts {
  return amounts({ ...resources?.limits, ...resources?.requests });
}

function add(into: Map<string, number>, more: Amounts): void {
  for (const [name, amount] of more) into.set(name, (into.get(name) ?? 0) + amount);
}

function raise(into: Map<string, number>, name: string, amount: number): void {
  into.set(name, Math.max(into.get(name) ?? 0, amount));
}
