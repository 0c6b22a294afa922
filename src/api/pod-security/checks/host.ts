/** What a pod shares with its node. Upstream: check_hostNamespaces.go, check_hostPorts.go, check_hostProbesAndhostLifecycle.go. */
import type { Container } from '../../gen/types.ts';
import { containersOf, containersThat, named, plural, quoted, sorted } from './check.ts';
import type { Check, PodLike, Violation } from './check.ts';

export const hostNamespaces: Check = {
  id: 'hostNamespaces',
  level: 'baseline',
  versions: [{ since: 0, check: ownNamespaces }],
};

export const hostPorts: Check = {
  id: 'hostPorts',
  level: 'baseline',
  versions: [{ since: 0, check: noHostPorts }],
};

/** A probe of a host that one names lets the node speak to anybody. */
export const hostProbesAndHostLifecycle: Check = {
  id: 'hostProbesAndHostLifecycle',
  level: 'baseline',
  versions: [{ since: 34, check: noHandlerHosts }],
};

function ownNamespaces({ spec }: PodLike): Violation | undefined {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true);
  if (shared.length === 0) return undefined;
  return { reason: 'host namespaces', detail: shared.map((field) => `${field}=true`).join(', ') };
}

function noHostPorts({ spec }: PodLike): Violation | undefined {
  const portsOf = ({ ports = [] }: Container): number[] =>
    ports.flatMap(({ hostPort }) => (hostPort === undefined || hostPort === 0 ? [] : [hostPort]));
  const bad = containersThat(spec, (container) => portsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const ports = sorted(containersOf(spec).flatMap(portsOf).map(String));
  const detail = `${named('container', bad)} ${uses(bad)} ${plural('hostPort', ports)} ${ports.join(', ')}`;
  return { reason: 'hostPort', detail };
}

function noHandlerHosts({ spec }: PodLike): Violation | undefined {
  const bad = sorted(containersThat(spec, (container) => handlerHosts(container).length > 0));
  if (bad.length === 0) return undefined;
  const hosts = sorted(containersOf(spec).flatMap(handlerHosts));
  const what = `${plural('probe or lifecycle host', hosts)} ${quoted(hosts)}`;
  return { reason: 'probe or lifecycle host', detail: `${named('container', bad)} ${uses(bad)} ${what}` };
}

function handlerHosts({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): string[] {
  return [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
    .flatMap((handler) => [handler?.httpGet?.host ?? '', handler?.tcpSocket?.host ?? ''])
    .filter((host) => host !== '');
}

function uses(containers: readonly string[]): string {
  return containers.length === 1 ? 'uses' : 'use';
}
