/** `kubectl get services`: NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE, wide: SELECTOR. Upstream: printService. */
import type { Service, ServicePort } from '../../gen/types.ts';
import type { Column } from '../../kind.ts';
import type { Live } from '../../object.ts';
import { formatLabels } from '../../selectors/index.ts';
import { ageColumn, column, nameColumn, wideColumn } from '../columns.ts';
import { portsOf, specOf } from './spec.ts';

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn(),
  column('Type', 'type determines how the Service is exposed.', (service) => service.spec?.type ?? ''),
  column(
    'Cluster-IP',
    'IP addresses assigned to this service.',
    (service) => service.spec?.clusterIPs?.[0] ?? '<none>',
  ),
  column('External-IP', 'External addresses of the service.', externalIP),
  column('Port(s)', 'The list of ports that are exposed by this service.', (service) => portText(portsOf(service))),
  ageColumn(),
  wideColumn(
    'Selector',
    'Route service traffic to pods with label keys and values matching this selector.',
    (service) => formatLabels(service.spec?.selector),
  ),
];

function externalIP(service: Live<Service>): string {
  const spec = specOf(service);
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external.length > 0 ? external.join(',') : '<none>';
    case 'LoadBalancer': {
      const all = [...balancerAddresses(service), ...external];
      return all.length > 0 ? all.join(',') : '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

function balancerAddresses(service: Live<Service>): string[] {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  const texts = ingress.map((entry) => ((entry.ip ?? '') === '' ? (entry.hostname ?? '') : (entry.ip ?? '')));
  return [...new Set(texts.filter((text) => text !== ''))].sort();
}

function portText(ports: readonly ServicePort[]): string {
  if (ports.length === 0) return '<none>';
  return ports
    .map(({ port, nodePort = 0, protocol }) =>
      nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
    )
    .join(',');
}
