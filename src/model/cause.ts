/**
 * Why a Service leads to nobody, in words for people: from the objects alone, so that nobody has to compare labels by eye.
 *
 *   whyNotProxied(service)                    no node answers for it: headless, ExternalName, another proxy's
 *   whyNobody(service, port, slices, pods)    the nodes refuse: selector, pods, readiness, or the name of the target port
 */
import type { EndpointSlice, Pod, Service } from '../api/gen/types.ts';
import { endpoints, serviceKeyOf } from './endpoints.ts';
import type { EndpointPort } from './endpoints.ts';
import { isProxied, serviceProxyNameLabel } from './frontends.ts';

/** undefined: nodes do answer for it. */
export function whyNotProxied(service: Service): string | undefined {
  if (isProxied(service)) return undefined;
  const { type, externalName = '', clusterIP } = service.spec ?? {};
  const labels = service.metadata?.labels ?? {};
  if (type === 'ExternalName')
    return `it is an ExternalName: its name is an alias of ${externalName}, nothing is proxied`;
  if (clusterIP === 'None') return "it is headless: its name gives the pods' own addresses, nothing is proxied";
  const proxyName = labels[serviceProxyNameLabel];
  if (proxyName !== undefined) return `its label ${serviceProxyNameLabel}=${proxyName} takes it away from this proxy`;
  return 'it has no cluster IP';
}

/**
 * For a port that no endpoint serves. `slices` and `pods` may be those of all namespaces; without `pods` (who asks may not see
 * them) what only they show is left out. undefined: nothing of it explains why.
 */
export function whyNobody(
  service: Service,
  port: EndpointPort,
  slices: readonly EndpointSlice[],
  pods: readonly Pod[] | undefined,
): string | undefined {
  const key = `${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`;
  const own = slices.filter((slice) => serviceKeyOf(slice) === key);
  const served = endpoints(own, port);
  if (served.length > 0) {
    const names = served.map(({ pod, address }) => pod?.name ?? address);
    return `not ready: ${few(names)}; kubectl describe pod says why`;
  }
  if (own.some((slice) => slice.addressType === port.family && (slice.endpoints ?? []).length > 0)) {
    return portCause(service, port);
  }
  const selector = Object.entries(service.spec?.selector ?? {});
  if (selector.length === 0) return 'it has no selector, and no EndpointSlice names an address for it';
  return pods === undefined ? undefined : podCause(service, selector, port, pods);
}

/** Addresses are there, this port of them is not. */
function portCause(service: Service, { portName }: EndpointPort): string {
  const target = service.spec?.ports?.find(({ name = '' }) => name === portName)?.targetPort;
  return typeof target === 'string'
    ? `no ready container of its pods has a port named "${target}" (targetPort)`
    : `its EndpointSlices have no port named "${portName}"`;
}

function podCause(
  service: Service,
  selector: readonly (readonly [string, string])[],
  { family }: EndpointPort,
  pods: readonly Pod[],
): string {
  const words = selector.map(([key, value]) => `${key}=${value}`).join(',');
  const chosen = pods.filter(
    ({ metadata }) =>
      metadata?.namespace === service.metadata?.namespace &&
      selector.every(([key, value]) => metadata?.labels?.[key] === value),
  );
  if (chosen.length === 0) return `no pod in its namespace has the labels of its selector, ${words}`;
  const live = chosen.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  if (live.length === 0) return `all pods of its selector, ${words}, have ended`;
  const waiting = live.filter(({ status }) => (status?.podIPs ?? []).length === 0);
  return waiting.length === live.length
    ? `its pods have no address yet: ${few(waiting.map(({ metadata }) => metadata?.name ?? ''))}; kubectl describe pod says why`
    : `its pods have no ${family} address`;
}

function few(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 2).join(', ')} and ${String(names.length - 2)} more`;
}
