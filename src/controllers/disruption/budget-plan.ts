/** A PodDisruptionBudget and its pods → its status. Pure. Upstream: pkg/controller/disruption. */
import type { Condition, PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { isReady, isTerminal } from '../pods.ts';
import type { LivePod } from '../pods.ts';
import { resolveShare } from '../workloads/share.ts';

export type LiveBudget = Live<PodDisruptionBudget>;

/** An eviction that did not end in a deletion after so long counts no more. Upstream: DeletionTimeout. */
const deletionTimeoutMs = 120_000;

export interface BudgetInput {
  readonly budget: LiveBudget;
  readonly pods: readonly LivePod[];
  /** How many replicas the controllers of these pods want together. */
  readonly wanted: number;
  readonly now: number;
}

export function budgetStatus({ budget, pods, wanted, now }: BudgetInput): PodDisruptionBudgetStatus {
  const { spec, status: old } = budget;
  const disrupted = stillDisrupted(budget, pods, now);
  const healthy = pods.filter(
    (pod) =>
      isReady(pod) &&
      !isTerminal(pod) &&
      pod.metadata.deletionTimestamp === undefined &&
      disrupted[pod.metadata.name] === undefined,
  ).length;
  const { minAvailable, maxUnavailable } = spec ?? {};
  let expected = pods.length;
  let desired = 0;
  if (maxUnavailable !== undefined) {
    expected = wanted;
    desired = Math.max(0, expected - resolveShare(maxUnavailable, expected, 'up'));
  } else if (typeof minAvailable === 'string') {
    expected = wanted;
    desired = resolveShare(minAvailable, expected, 'up');
  } else desired = minAvailable ?? 0;
  const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0;
  return {
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    disruptionsAllowed: allowed,
    observedGeneration: budget.metadata.generation ?? 0,
    ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
    conditions: [disruptionAllowed(old?.conditions ?? [], allowed, budget.metadata.generation, now)],
  };
}

function stillDisrupted({ status }: LiveBudget, pods: readonly LivePod[], now: number): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, time] of Object.entries(status?.disruptedPods ?? {})) {
    const pod = pods.find(({ metadata }) => metadata.name === name);
    const waits = pod !== undefined && pod.metadata.deletionTimestamp === undefined;
    if (waits && Date.parse(time) + deletionTimeoutMs > now) kept[name] = time;
  }
  return kept;
}

function disruptionAllowed(
  known: readonly Condition[],
  allowed: number,
  generation: number | undefined,
  now: number,
): Condition {
  const type = 'DisruptionAllowed';
  const [status, reason] = allowed > 0 ? ['True', 'SufficientPods'] : ['False', 'InsufficientPods'];
  const before = known.find((condition) => condition.type === type);
  const same = before?.status === status;
  const lastTransitionTime = same ? before.lastTransitionTime : `${new Date(now).toISOString().slice(0, 19)}Z`;
  const observedGeneration = generation === undefined ? {} : { observedGeneration: generation };
  return { type, status, reason, message: '', lastTransitionTime, ...observedGeneration };
}
