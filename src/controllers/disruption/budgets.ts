/** The PodDisruptionBudget loop: a budget or a pod that it selects changes ─> its status, which evictions go by. */
import { keyOf, keyText } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { labelSelectorMatches } from '../../api/selectors/index.ts';
import { parseKey, startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { semanticEqual } from '../equality.ts';
import { controllerOf } from '../owners.ts';
import type { LivePod } from '../pods.ts';
import { applyWrites, mergePatch } from '../writes.ts';
import { budgetStatus } from './budget-plan.ts';
import type { LiveBudget } from './budget-plan.ts';

export function runDisruptionBudgets(context: ControllerContext): void {
  const { views } = context;
  const budgets = views.of(resources.podDisruptionBudgets);
  const pods = views.of(resources.pods);
  const sets = views.of(resources.replicaSets);
  const scaled = {
    ReplicaSet: sets,
    Deployment: views.of(resources.deployments),
    StatefulSet: views.of(resources.statefulSets),
    ReplicationController: views.of(resources.replicationControllers),
  } as const;
  const writer = context.writer('controllermanager');

  /** Of each controller once; a pod without one counts for itself. */
  const wanted = (list: readonly LivePod[]): number => {
    const seen = new Map<string, number>();
    for (const pod of list) {
      const namespace = pod.metadata.namespace ?? '';
      let owner = controllerOf(pod);
      if (owner?.kind === 'ReplicaSet') owner = controllerOf(sets.get({ namespace, name: owner.name })) ?? owner;
      const view = owner === undefined ? undefined : scaled[owner.kind as keyof typeof scaled];
      const found = owner === undefined ? undefined : view?.get({ namespace, name: owner.name });
      seen.set(owner?.uid ?? pod.metadata.uid, found === undefined ? 1 : (found.spec?.replicas ?? 1));
    }
    return [...seen.values()].reduce((sum, count) => sum + count, 0);
  };

  const work = async (key: string): Promise<void> => {
    const budget = budgets.get(parseKey(key));
    if (budget === undefined) return;
    const own = [...pods.list(budget.metadata.namespace)].filter((pod) => selects(budget, pod));
    const status = budgetStatus({ budget, pods: own, wanted: wanted(own), now: Date.now() });
    if (semanticEqual(budget.status, status)) return;
    const patch = { status: { disruptedPods: null, ...status } };
    await applyWrites(writer, [mergePatch(resources.podDisruptionBudgets, keyOf(budget), patch, 'status')]);
  };
  const queue = startLoop(context, 'disruption', {
    views: [budgets, pods, ...Object.values(scaled)],
    work,
    concurrency: 2,
  });
  budgets.onChange((current) => {
    if (current !== undefined) queue.add(keyText(keyOf(current)));
  });
  pods.onChange((current, old) => {
    const namespace = (current ?? old)?.metadata.namespace;
    for (const budget of budgets.list(namespace)) {
      if ([current, old].some((pod) => pod !== undefined && selects(budget, pod))) queue.add(keyText(keyOf(budget)));
    }
  });
}

/** An empty selector selects all of the namespace, none at all nothing. */
function selects(budget: LiveBudget, pod: LivePod): boolean {
  return labelSelectorMatches(budget.spec?.selector, pod.metadata.labels);
}
