/**
 * Which ports a service has on one pod: names are resolved by the pod's containers, so they may differ from pod to pod.
 * Upstream: FindPort in k8s.io/endpointslice/util and pkg/api/v1/pod.
 */
import type { Container, EndpointPort, Pod, Service, ServicePort } from '../../api/gen/types.ts';

/** A port that no container names is left out, as upstream does. */
export function endpointPorts(service: Service, pod: Pod): EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const port of service.spec?.ports ?? []) {
    const number = findPort(pod, port);
    if (number === undefined) continue;
    ports.push({
      name: port.name ?? '',
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    });
  }
  return ports;
}

export function findPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  const protocol = port.protocol ?? 'TCP';
  for (const container of portOwners(pod)) {
    for (const { name, containerPort, protocol: own = 'TCP' } of container.ports ?? []) {
      if (name === target && own === protocol) return containerPort;
    }
  }
  return undefined;
}

/** Containers, then sidecars: init containers that keep running (KEP-753). */
function* portOwners(pod: Pod): Generator<Container> {
  yield* pod.spec?.containers ?? [];
  for (const container of pod.spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') yield container;
  }
}

/** Two endpoints may share a slice only when these are equal. */
export function portsKey(ports: readonly EndpointPort[] | undefined): string {
  return (ports ?? [])
    .map(({ name = '', port, protocol = 'TCP', appProtocol = '' }) => `${name}|${port}|${protocol}|${appProtocol}`)
    .sort()
    .join(',');
}
