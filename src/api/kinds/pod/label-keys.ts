/**
 * matchLabelKeys and mismatchLabelKeys of a new pod become part of the selector beside them, with the pod's own values. Upstream:
 * applyMatchLabelKeysAndMismatchLabelKeys, applyMatchLabelKeys in pkg/registry/core/pod/strategy.go.
 */
import type { LabelSelector, Pod } from '../../gen/types.ts';

interface Keyed {
  readonly labelSelector?: LabelSelector;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

export function applyLabelKeys(pod: Pod): void {
  const labels = pod.metadata?.labels ?? {};
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  for (const affinity of [podAffinity, podAntiAffinity]) {
    for (const { podAffinityTerm } of affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
      apply(podAffinityTerm, labels);
    }
    for (const term of affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) apply(term, labels);
  }
  for (const constraint of pod.spec?.topologySpreadConstraints ?? []) apply(constraint, labels);
}

/** Keys that the pod has no label of are left out. */
function apply(keyed: Keyed | undefined, labels: Readonly<Record<string, string>>): void {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = keyed ?? {};
  if (labelSelector === undefined) return;
  const terms = (keys: readonly string[], operator: string) =>
    keys.flatMap((key) => (labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }]));
  const added = [...terms(matchLabelKeys, 'In'), ...terms(mismatchLabelKeys, 'NotIn')];
  if (added.length > 0) labelSelector.matchExpressions = [...(labelSelector.matchExpressions ?? []), ...added];
}
