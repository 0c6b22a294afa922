/**
 * topologySpreadConstraints with DoNotSchedule: no domain may be ahead of the emptiest by more than maxSkew. Upstream:
 * podtopologyspread/filtering.go.
 */
import type { TopologySpreadConstraint } from '../../api/gen/types.ts';
import { labelSelectorMatches } from '../../api/selectors/index.ts';
import type { LivePod } from '../pods.ts';
import { matchesNodeAffinity } from './node-affinity.ts';
import type { NodeInfo, Snapshot } from './node-info.ts';

export interface Spread {
  readonly refuse: (node: NodeInfo) => string | undefined;
}

interface Counted {
  readonly constraint: TopologySpreadConstraint;
  readonly counts: ReadonlyMap<string, number>;
  readonly least: number;
  readonly self: number;
}

export function spreadConstraints(pod: LivePod, snapshot: Snapshot): Spread | undefined {
  const hard = (pod.spec?.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
  );
  if (hard.length === 0) return undefined;
  const counted = hard.map((constraint) => count(constraint, pod, snapshot));
  return {
    refuse(node) {
      for (const { constraint, counts, least, self } of counted) {
        const domain = node.node.metadata.labels?.[constraint.topologyKey];
        if (domain === undefined)
          return "node(s) didn't match pod topology spread constraints (missing required label)";
        if ((counts.get(domain) ?? 0) + self - least > constraint.maxSkew) {
          return "node(s) didn't match pod topology spread constraints";
        }
      }
      return undefined;
    },
  };
}

function count(constraint: TopologySpreadConstraint, pod: LivePod, snapshot: Snapshot): Counted {
  const { topologyKey, labelSelector, matchLabelKeys = [], nodeAffinityPolicy = 'Honor', minDomains = 1 } = constraint;
  const labels = pod.metadata.labels ?? {};
  const counts = new Map<string, number>();
  const matches = (other: LivePod): boolean =>
    other.metadata.namespace === pod.metadata.namespace &&
    other.metadata.deletionTimestamp === undefined &&
    labelSelectorMatches(labelSelector, other.metadata.labels) &&
    matchLabelKeys.every((key) => labels[key] === undefined || other.metadata.labels?.[key] === labels[key]);
  for (const info of snapshot.nodes) {
    const domain = info.node.metadata.labels?.[topologyKey];
    if (domain === undefined) continue;
    if (nodeAffinityPolicy === 'Honor' && !matchesNodeAffinity(pod, info.node)) continue;
    let here = counts.get(domain) ?? 0;
    for (const other of info.pods.values()) if (matches(other)) here += 1;
    counts.set(domain, here);
  }
  const least = counts.size < minDomains ? 0 : Math.min(...counts.values());
  return { constraint, counts, least: Number.isFinite(least) ? least : 0, self: matches(pod) ? 1 : 0 };
}
