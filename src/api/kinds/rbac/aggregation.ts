/**
 * Aggregated cluster roles: the rules of all roles that the selectors choose, in the order of their names, each rule once.
 * Upstream: pkg/controller/clusterroleaggregation.
 */
import type { ClusterRole, PolicyRule } from '../../gen/types.ts';
import { labelSelectorMatches } from '../../selectors/index.ts';
import { sameValue } from '../equal.ts';

/** undefined: the role is not an aggregated one. */
export function aggregatedRules(role: ClusterRole, all: Iterable<ClusterRole>): PolicyRule[] | undefined {
  const selectors = role.aggregationRule?.clusterRoleSelectors;
  if (selectors === undefined) return undefined;
  const others = [...all].filter((other) => other.metadata?.name !== role.metadata?.name).sort(byName);
  const rules: PolicyRule[] = [];
  for (const selector of selectors) {
    for (const other of others) {
      if (!labelSelectorMatches(selector, other.metadata?.labels)) continue;
      for (const rule of other.rules ?? []) {
        if (!rules.some((known) => sameValue(known, rule))) rules.push(rule);
      }
    }
  }
  return rules;
}

export function sameRules(a: readonly PolicyRule[], b: readonly PolicyRule[]): boolean {
  return sameValue(a, b);
}

function byName(a: ClusterRole, b: ClusterRole): number {
  return (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;
}
