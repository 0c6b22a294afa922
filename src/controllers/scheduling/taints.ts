/** Taints and tolerations. Upstream: k8s.io/component-helpers/scheduling/corev1, api/core/v1/toleration.go. */
import type { Node, Taint, Toleration } from '../../api/gen/types.ts';

export const notReadyTaint = 'node.kubernetes.io/not-ready';
export const unreachableTaint = 'node.kubernetes.io/unreachable';
export const unschedulableTaint = 'node.kubernetes.io/unschedulable';

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if ((toleration.effect ?? '') !== '' && toleration.effect !== taint.effect) return false;
  if ((toleration.key ?? '') !== '' && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? 'Equal') {
    case 'Exists':
      return true;
    case 'Equal':
      // An empty key with Equal tolerates nothing but an empty key.
      return toleration.key === taint.key && (toleration.value ?? '') === (taint.value ?? '');
    default:
      return false;
  }
}

export function untolerated(
  taints: readonly Taint[],
  tolerations: readonly Toleration[] | undefined,
  effects: readonly string[],
): Taint | undefined {
  return taints.find(
    (taint) =>
      effects.includes(taint.effect) && !(tolerations ?? []).some((toleration) => tolerates(toleration, taint)),
  );
}

/** A node that has never said Ready counts as tainted, also before the node lifecycle loop has said so. */
export function taintsOf(node: Node): readonly Taint[] {
  const taints = node.spec?.taints ?? [];
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  if (ready === 'True' || taints.some(({ key }) => key === notReadyTaint || key === unreachableTaint)) return taints;
  return [...taints, { key: notReadyTaint, effect: 'NoSchedule' }];
}
