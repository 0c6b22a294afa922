/**
 * Pods that wait to be scheduled: gates may go, and while there are any, where the pod may run may be narrowed. Upstream:
 * validateOnlyDeletedSchedulingGates, validateNodeSelectorMutation, validateNodeAffinityMutation.
 */
import type { NodeAffinity, NodeSelectorTerm, PodSpec } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField } from '../../field-errors.ts';
import { sameValue } from '../equal.ts';

const required = 'requiredDuringSchedulingIgnoredDuringExecution';

export function validateGatesUpdate(now: PodSpec, was: PodSpec): FieldError[] {
  const known = new Set((was.schedulingGates ?? []).map(({ name }) => name));
  return (now.schedulingGates ?? []).flatMap(({ name = '' }: { name?: string }, index) => {
    if (known.has(name)) return [];
    const why = `only deletion is allowed, but found new scheduling gate '${name}'`;
    return [forbiddenField(`spec.schedulingGates[${index}].name`, why)];
  });
}

export function validateGatedUpdate(now: PodSpec, was: PodSpec): FieldError[] {
  if (!isGated(was)) return [];
  const errors: FieldError[] = [];
  const removed = Object.entries(was.nodeSelector ?? {}).some(([key, value]) => now.nodeSelector?.[key] !== value);
  if (removed) {
    const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    errors.push(invalidField('spec.nodeSelector', now.nodeSelector, why));
  }
  return [...errors, ...validateAffinity(now.affinity?.nodeAffinity, was.affinity?.nodeAffinity)];
}

/** The spec with what a gated pod may change put back. */
export function withoutGated(now: PodSpec, was: PodSpec): Pick<PodSpec, 'nodeSelector' | 'affinity'> {
  if (!isGated(was)) return { nodeSelector: now.nodeSelector, affinity: now.affinity };
  const { nodeAffinity: _now, ...others } = now.affinity ?? {};
  const nodeAffinity = was.affinity?.nodeAffinity;
  const affinity = nodeAffinity === undefined ? others : { ...others, nodeAffinity };
  const none = Object.keys(affinity).length === 0 && was.affinity === undefined;
  return { nodeSelector: was.nodeSelector, affinity: none ? undefined : affinity };
}

function isGated({ schedulingGates = [] }: PodSpec): boolean {
  return schedulingGates.length > 0;
}

/** Terms are alternatives, so none may come or go; each may ask for more. */
function validateAffinity(now: NodeAffinity | undefined, was: NodeAffinity | undefined): FieldError[] {
  const before = was?.[required]?.nodeSelectorTerms;
  if (before === undefined) return [];
  const field = `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms`;
  const after = now?.[required]?.nodeSelectorTerms;
  if ((after ?? []).length !== before.length) {
    const why = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed';
    return before.length === 0 ? [] : [invalidField(field, after, why)];
  }
  return (after ?? []).flatMap((term, index) => {
    if (onlyAdds(term, before[index] ?? {})) return [];
    const why = 'only additions are allowed (no mutations or deletions)';
    return [invalidField(`${field}[${index}]`, term, why)];
  });
}

function onlyAdds(now: NodeSelectorTerm, was: NodeSelectorTerm): boolean {
  const empty = (was.matchExpressions ?? []).length + (was.matchFields ?? []).length === 0;
  if (empty) return (now.matchExpressions ?? []).length + (now.matchFields ?? []).length === 0;
  return (['matchExpressions', 'matchFields'] as const).every((key) =>
    (was[key] ?? []).every((requirement, index) => sameValue(now[key]?.[index], requirement)),
  );
}
