/** Validation of container ports. Upstream: validateContainerPorts, checkHostPortConflicts, validatePodHostNetworkDeps. */
import type { Container, ContainerPort, PodSpec } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, invalidField, requiredField } from '../../field-errors.ts';
import { validateEnum, whyNotPort, whyNotPortName } from '../../validation/index.ts';

export function validatePorts(ports: readonly ContainerPort[], field: string): FieldError[] {
  const names = ports.map((port) => port.name ?? '');
  return ports.flatMap((port, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    const name = names[index] ?? '';
    if (name !== '') {
      const bad = whyNotPortName(name);
      for (const why of bad) errors.push(invalidField(`${at}.name`, name, why));
      if (bad.length === 0 && names.indexOf(name) !== index) errors.push(duplicateField(`${at}.name`, name));
    }
    const { containerPort = 0, hostPort = 0 } = port;
    if (containerPort === 0) errors.push(requiredField(`${at}.containerPort`));
    else
      for (const why of whyNotPort(containerPort)) errors.push(invalidField(`${at}.containerPort`, containerPort, why));
    if (hostPort !== 0)
      for (const why of whyNotPort(hostPort)) errors.push(invalidField(`${at}.hostPort`, hostPort, why));
    return [...errors, ...validateEnum(port.protocol, `${at}.protocol`, ['SCTP', 'TCP', 'UDP'])];
  });
}

export function validateHostPorts(containers: readonly Container[], at: string): FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, container] of containers.entries()) {
    for (const [position, { hostPort = 0, protocol, hostIP = '' }] of (container.ports ?? []).entries()) {
      if (hostPort === 0) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (seen.has(key)) errors.push(duplicateField(`${at}[${index}].ports[${position}].hostPort`, key));
      seen.add(key);
    }
  }
  return errors;
}

/** In a template the host port may still be missing: the pod's default sets it. */
export function validateHostNetworkPorts(spec: PodSpec, at: string, isPod: boolean): FieldError[] {
  if (spec.hostNetwork !== true) return [];
  return (spec.containers ?? []).flatMap(({ ports = [] }, index) =>
    ports.flatMap(({ containerPort = 0, hostPort = 0 }, position) => {
      if (hostPort === containerPort || (hostPort === 0 && !isPod)) return [];
      const field = `${at}.containers[${index}].ports[${position}].hostPort`;
      return [invalidField(field, hostPort, 'must match `containerPort` when `hostNetwork` is true')];
    }),
  );
}
