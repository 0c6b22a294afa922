/** Warnings of ports that say the same twice. Upstream: pkg/api/pod/warnings.go. */
import type { ContainerPort } from '../../gen/types.ts';
import type { PlacedContainer } from './warnings.ts';

interface PlacedPort {
  readonly path: string;
  readonly port: ContainerPort;
}

export function portWarnings(containers: readonly PlacedContainer[]): string[] {
  const ports = containers.flatMap(({ container, path }) =>
    (container.ports ?? []).map((port, index) => ({ path: `${path}.ports[${index}]`, port })),
  );
  return [...ports.flatMap((port, index) => clashes(port, ports.slice(0, index))), ...repeatedNames(ports)];
}

function clashes({ path, port }: PlacedPort, before: readonly PlacedPort[]): string[] {
  const { hostIP = '', hostPort = 0, containerPort, protocol = '', name = '' } = port;
  const shown = `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
  const warnings = hostIP !== '' && hostPort === 0 ? [`${path}: hostIP set without hostPort: ${shown}`] : [];
  for (const { path: other, port: earlier } of before) {
    if (earlier.containerPort !== containerPort || (earlier.protocol ?? '') !== protocol) continue;
    const { hostIP: otherIp = '', hostPort: otherPort = 0 } = earlier;
    if (hostIP === otherIp && hostPort === otherPort) warnings.push(`${path}: duplicate port definition with ${other}`);
    else if (hostPort === 0 || otherPort === 0) warnings.push(`${path}: overlapping port definition with ${other}`);
    else if (hostPort === otherPort && (hostIP === '') !== (otherIp === '')) {
      warnings.push(`${path}: dangerously ambiguous port definition with ${other}`);
    }
  }
  return warnings;
}

function repeatedNames(ports: readonly PlacedPort[]): string[] {
  return ports.flatMap(({ path, port: { name = '' } }) => {
    const first = ports.find(({ port }) => port.name === name);
    if (name === '' || first === undefined || first.path === path) return [];
    const use = `services and probes that select ports by name will use ${first.path}`;
    return [`${path}: duplicate port name ${JSON.stringify(name)} with ${first.path}, ${use}`];
  });
}
