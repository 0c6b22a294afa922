/** nodeSelector and node affinity terms. Upstream: k8s.io/component-helpers/scheduling/corev1/nodeaffinity. */
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from '../../api/gen/types.ts';
import { labelsMatch } from '../../api/selectors/index.ts';

export function matchesNodeAffinity({ spec }: Pod, node: Node): boolean {
  if (!labelsMatch(spec?.nodeSelector, node.metadata?.labels)) return false;
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** Sum of the weights of the preferences that hold. */
export function nodePreference({ spec }: Pod, node: Node): number {
  const preferred = spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0);
}

/** An empty term matches nothing. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const { labels = {}, name = '' } = node.metadata ?? {};
  return (
    matchExpressions.every((requirement) => holds(requirement, labels[requirement.key])) &&
    matchFields.every((requirement) => requirement.key === 'metadata.name' && holds(requirement, name))
  );
}

function holds({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt':
      return compares(operator, value, values[0]);
    default:
      return false;
  }
}

function compares(operator: 'Gt' | 'Lt', value: string | undefined, bound: string | undefined): boolean {
  if (!/^-?\d+$/.test(value ?? '') || !/^-?\d+$/.test(bound ?? '')) return false;
  return operator === 'Gt' ? BigInt(value ?? 0) > BigInt(bound ?? 0) : BigInt(value ?? 0) < BigInt(bound ?? 0);
}
