/**
 * Required affinity and anti-affinity between pods, by topology (host, zone, …). Upstream: interpodaffinity/filtering.go.
 */
import type { LabelSelector, Namespace, PodAffinityTerm } from '../../api/gen/types.ts';
import { labelSelectorMatches } from '../../api/selectors/index.ts';
import type { LivePod } from '../pods.ts';
import type { NodeInfo, Snapshot } from './node-info.ts';

export interface Neighbours {
  /** undefined: the node is fine. */
  readonly refuse: (node: NodeInfo) => string | undefined;
}

type NamespaceLabels = (namespace: string) => Namespace['metadata'] | undefined;

/** Computed once for a pod, asked for each node. undefined: nobody has a wish. */
export function neighbours(pod: LivePod, snapshot: Snapshot, labelsOf: NamespaceLabels): Neighbours | undefined {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const wanted = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const unwanted = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  if (wanted.length + unwanted.length + snapshot.antiAffinity.size === 0) return undefined;

  const near = wanted.map((term) => domainsWith(snapshot, term, (other) => selects(term, pod, other, labelsOf)));
  const far = unwanted.map((term) => domainsWith(snapshot, term, (other) => selects(term, pod, other, labelsOf)));
  const kept = keptAway(pod, snapshot, labelsOf);
  const first =
    near.every((domains) => domains.size === 0) && wanted.every((term) => selects(term, pod, pod, labelsOf));

  return {
    refuse(node) {
      if (!first && wanted.some((term, i) => near[i]?.has(domainOf(node, term.topologyKey) ?? '') !== true)) {
        return "node(s) didn't match pod affinity rules";
      }
      if (unwanted.some((term, i) => far[i]?.has(domainOf(node, term.topologyKey) ?? '') === true)) {
        return "node(s) didn't match pod anti-affinity rules";
      }
      return kept.some(({ key, domain }) => domainOf(node, key) === domain)
        ? "node(s) didn't satisfy existing pods anti-affinity rules"
        : undefined;
    },
  };
}

function keptAway(pod: LivePod, snapshot: Snapshot, labelsOf: NamespaceLabels): { key: string; domain: string }[] {
  const nodes = new Map(snapshot.nodes.map((node) => [node.name, node]));
  return [...snapshot.antiAffinity].flatMap((other) => {
    const node = nodes.get(snapshot.nodeOf(other.metadata.uid) ?? '');
    const terms = other.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    return terms.flatMap((term) => {
      const domain = node === undefined ? undefined : domainOf(node, term.topologyKey);
      return domain !== undefined && selects(term, other, pod, labelsOf) ? [{ key: term.topologyKey, domain }] : [];
    });
  });
}

function domainsWith(snapshot: Snapshot, term: PodAffinityTerm, matches: (pod: LivePod) => boolean): Set<string> {
  const domains = new Set<string>();
  for (const node of snapshot.nodes) {
    const domain = domainOf(node, term.topologyKey);
    if (domain === undefined || domains.has(domain)) continue;
    for (const pod of node.pods.values()) {
      if (!matches(pod)) continue;
      domains.add(domain);
      break;
    }
  }
  return domains;
}

function domainOf(node: NodeInfo, topologyKey: string): string | undefined {
  const value = node.node.metadata.labels?.[topologyKey];
  return value ?? (topologyKey === 'kubernetes.io/hostname' ? node.name : undefined);
}

/** `owner` has the term, `other` is looked at. */
function selects(term: PodAffinityTerm, owner: LivePod, other: LivePod, labelsOf: NamespaceLabels): boolean {
  const { namespaces = [], namespaceSelector } = term;
  const namespace = other.metadata.namespace ?? '';
  const own = namespaces.length === 0 && namespaceSelector === undefined && namespace === owner.metadata.namespace;
  const selected =
    namespaceSelector !== undefined && labelSelectorMatches(namespaceSelector, labelsOf(namespace)?.labels ?? {});
  if (!own && !selected && !namespaces.includes(namespace)) return false;
  return labelSelectorMatches(withKeys(term, owner), other.metadata.labels);
}

/** matchLabelKeys: equal to the owner's own value; mismatchLabelKeys: another one. */
function withKeys(term: PodAffinityTerm, owner: LivePod): LabelSelector | undefined {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  if (labelSelector === undefined || matchLabelKeys.length + mismatchLabelKeys.length === 0) return labelSelector;
  const labels = owner.metadata.labels ?? {};
  const more = [
    ...matchLabelKeys.map((key) => ({ key, operator: 'In' })),
    ...mismatchLabelKeys.map((key) => ({ key, operator: 'NotIn' })),
  ].flatMap(({ key, operator }) => (labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }]));
  return { ...labelSelector, matchExpressions: [...(labelSelector.matchExpressions ?? []), ...more] };
}
