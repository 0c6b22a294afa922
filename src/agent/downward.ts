/**
 * The downward API: what a pod may read about itself, as environment variables or files.
 * Upstream: pkg/fieldpath/fieldpath.go, pkg/api/v1/resource/helpers.go (ExtractContainerResourceValue).
 */
import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '../api/gen/types.ts';
import { parseQuantity } from './quantity.ts';

export interface NodeFacts {
  readonly name: string;
  readonly ips: readonly string[];
  readonly cpus: number;
  readonly memoryBytes: number;
}

export function fieldValue(
  pod: Pod,
  selector: ObjectFieldSelector,
  podIps: readonly string[],
  node: NodeFacts,
): string {
  const path = selector.fieldPath;
  const part = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (part !== null) return pod.metadata?.[part[1] as 'labels' | 'annotations']?.[part[2] ?? ''] ?? '';
  switch (path) {
    case 'metadata.name':
      return pod.metadata?.name ?? '';
    case 'metadata.namespace':
      return pod.metadata?.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata?.uid ?? '';
    case 'metadata.labels':
      return formatMap(pod.metadata?.labels ?? {});
    case 'metadata.annotations':
      return formatMap(pod.metadata?.annotations ?? {});
    case 'spec.nodeName':
      return node.name;
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.hostIP':
      return node.ips[0] ?? '';
    case 'status.hostIPs':
      return node.ips.join(',');
    case 'status.podIP':
      return podIps[0] ?? '';
    case 'status.podIPs':
      return podIps.join(',');
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** Lines `key="value"`, sorted, value in Go's %q form. */
function formatMap(map: Readonly<Record<string, string>>): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n');
}

export function resourceValue(pod: Pod, own: Container, selector: ResourceFieldSelector, node: NodeFacts): string {
  const name = selector.containerName ?? '';
  const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const container = name === '' ? own : all.find((candidate) => candidate.name === name);
  if (container === undefined) throw new Error(`container ${name} not found`);
  const [kind = '', resource = ''] = selector.resource.split('.', 2);
  const table = kind === 'limits' ? container.resources?.limits : container.resources?.requests;
  const given = parseQuantity(table?.[resource]);
  // A limit that is not set is what the node has to give (upstream's MergeContainerResourceLimits).
  const fallback =
    kind !== 'limits' ? 0 : resource === 'cpu' ? node.cpus : resource === 'memory' ? node.memoryBytes : 0;
  const divisor = parseQuantity(selector.divisor) ?? 1;
  return String(Math.ceil((given ?? fallback) / (divisor === 0 ? 1 : divisor)));
}
