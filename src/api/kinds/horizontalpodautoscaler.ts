/** HorizontalPodAutoscaler: stored as autoscaling/v2, and shown as v1 too; nothing measures pods here. Upstream: pkg/apis/autoscaling. */
import type { HorizontalPodAutoscaler, MetricSpec, V1HorizontalPodAutoscaler } from '../gen/types.ts';
import type { Live } from '../object.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import { withViews } from '../views.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { readAsV1, writeFromV1 } from './horizontalpodautoscaler-v1.ts';
import { validateAutoscaler, validateAutoscalerUpdate } from './horizontalpodautoscaler-validation.ts';
import { keepsStatus, statusOnly } from './lifecycle.ts';

const usualCpuPercent = 80;

const stored = defineKind<HorizontalPodAutoscaler>({
  resource: resources.horizontalPodAutoscalers,
  applyDefaults: setDefaults,
  ...keepsStatus<HorizontalPodAutoscaler>({ currentMetrics: null, desiredReplicas: 0 }),
  validate: validateAutoscaler,
  validateUpdate: validateAutoscalerUpdate,
  status: statusOnly<HorizontalPodAutoscaler>(),
  columns: [
    nameColumn(),
    column('Reference', 'scaleTargetRef points to the target resource to scale.', ({ spec }) =>
      spec === undefined ? '' : `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`,
    ),
    column('Targets', 'metrics contains the specifications used to calculate the desired replica count.', targetsText),
    column('MinPods', 'minReplicas is the lower limit for the number of replicas.', ({ spec }) =>
      String(spec?.minReplicas ?? '<unset>'),
    ),
    column(
      'MaxPods',
      'maxReplicas is the upper limit for the number of replicas.',
      ({ spec }) => spec?.maxReplicas ?? 0,
    ),
    column(
      'Replicas',
      'currentReplicas is current number of replicas of pods managed by this autoscaler.',
      ({ status }) => status?.currentReplicas ?? 0,
    ),
    ageColumn(),
  ],
  unconditionalUpdate: true,
});

export const [horizontalPodAutoscalerKind, v1HorizontalPodAutoscalerKind] = withViews<
  HorizontalPodAutoscaler,
  V1HorizontalPodAutoscaler
>(stored, {
  resource: resources.v1HorizontalPodAutoscalers,
  applyDefaults({ spec }) {
    if (spec !== undefined) spec.minReplicas ??= 1;
  },
  read: readAsV1,
  write: writeFromV1,
});

function setDefaults({ spec }: HorizontalPodAutoscaler): void {
  if (spec === undefined) return;
  spec.minReplicas ??= 1;
  if ((spec.metrics ?? []).length === 0) {
    const target = { type: 'Utilization', averageUtilization: usualCpuPercent };
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
  }
  if (spec.behavior === undefined) return;
  const double = { type: 'Percent', value: 100, periodSeconds: 15 };
  const usualUp = {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, double],
  };
  spec.behavior.scaleUp = { ...usualUp, ...spec.behavior.scaleUp };
  spec.behavior.scaleDown = { selectPolicy: 'Max', policies: [double], ...spec.behavior.scaleDown };
}

/** `cpu: <unknown>/80%`: nothing is measured, so the current value is always unknown. */
function targetsText({ spec }: Live<HorizontalPodAutoscaler>): string {
  const metrics = spec?.metrics ?? [];
  if (metrics.length === 0) return '<none>';
  const shown = metrics.slice(0, 2).map(targetText).join(', ');
  return metrics.length > 2 ? `${shown} + ${metrics.length - 2} more...` : shown;
}

function targetText(metric: MetricSpec): string {
  const unknown = '<unknown>';
  const { resource, containerResource, pods, object, external } = metric;
  const named = resource ?? containerResource;
  if (named !== undefined) {
    const { averageValue, averageUtilization } = named.target;
    const percent = averageUtilization === undefined ? '<auto>' : `${averageUtilization}%`;
    return `${named.name}: ${unknown}/${averageValue ?? percent}`;
  }
  if (pods !== undefined) return `${unknown}/${pods.target.averageValue ?? '0'}`;
  const { averageValue, value } = (object ?? external)?.target ?? {};
  return averageValue === undefined ? `${unknown}/${value ?? '0'}` : `${unknown}/${averageValue} (avg)`;
}
