/**
 * Cluster roles with an aggregationRule have the rules of those that it selects. Upstream: pkg/controller/clusterroleaggregation.
 */
import { aggregatedRules, sameRules } from '../../api/kinds/rbac/aggregation.ts';
import { resources } from '../../api/resources.ts';
import { startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites, mergePatch } from '../writes.ts';

export function runRoleAggregation(context: ControllerContext): void {
  const roles = context.views.of(resources.clusterRoles);
  const writer = context.writer('clusterrole-aggregation-controller');

  const work = async (name: string): Promise<void> => {
    const role = roles.get({ namespace: '', name });
    const rules = role === undefined ? undefined : aggregatedRules(role, roles.list());
    if (role === undefined || rules === undefined || sameRules(rules, role.rules ?? [])) return;
    await applyWrites(writer, [mergePatch(resources.clusterRoles, { namespace: '', name }, { rules })]);
  };
  const queue = startLoop(context, 'clusterrole-aggregation', { views: [roles], work });
  // Whatever changes may be a piece of any of them, or a piece no longer.
  roles.onChange(() => {
    for (const role of roles.list()) if (role.aggregationRule !== undefined) queue.add(role.metadata.name);
  });
}
