/**
 * autoscaling/v1 HorizontalPodAutoscaler as another view of v2: one CPU percentage is a field, all else that v2 has is kept in
 * annotations, in the words that v1 once had for it. Upstream: pkg/apis/autoscaling/v1/conversion.go.
 *
 *   v2 metrics, status.currentMetrics, behavior, conditions  <──>  autoscaling.alpha.kubernetes.io/…
 */
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerCondition,
  HPAScalingRules,
  MetricSpec,
  MetricStatus,
  ObjectMeta,
  V1HorizontalPodAutoscaler,
} from '../gen/types.ts';
import { currentFromV1, currentToV1, metricFromV1, metricToV1 } from './horizontalpodautoscaler-v1-metrics.ts';
import type { Json } from './horizontalpodautoscaler-v1-metrics.ts';

const prefix = 'autoscaling.alpha.kubernetes.io/';
const names = {
  metrics: `${prefix}metrics`,
  current: `${prefix}current-metrics`,
  conditions: `${prefix}conditions`,
  behavior: `${prefix}behavior`,
} as const;
const all = [...Object.values(names), `${prefix}scale-down-tolerance`, `${prefix}scale-up-tolerance`];
const usualCpuPercent = 80;

export function readAsV1(stored: HorizontalPodAutoscaler): V1HorizontalPodAutoscaler {
  const { metadata, spec, status } = stored;
  const { metrics = [], behavior } = spec ?? {};
  const { currentMetrics, conditions = [], ...counts } = status ?? { desiredReplicas: 0 };
  const current = currentMetrics ?? [];
  const others = metrics.filter((metric) => cpuPercentOf(metric) === undefined);
  const annotations: Record<string, string> = { ...withoutOurs(metadata?.annotations) };
  if (others.length > 0) annotations[names.metrics] = JSON.stringify(others.map(metricToV1));
  if (current.length > 0) annotations[names.current] = JSON.stringify(current.map(currentToV1));
  if (behavior !== undefined) annotations[names.behavior] = JSON.stringify(behaviorToInternal(behavior));
  if (conditions.length > 0) annotations[names.conditions] = JSON.stringify(conditions.map(conditionOf));
  const percent = metrics.map(cpuPercentOf).find((value) => value !== undefined);
  const used = current.findLast(({ type, resource }) => type === 'Resource' && resource?.name === 'cpu');
  const usedPercent = used?.resource?.current.averageUtilization;
  return {
    ...stored,
    ...(metadata && { metadata: withAnnotations(metadata, annotations) }),
    ...(spec && {
      spec: {
        scaleTargetRef: spec.scaleTargetRef,
        ...(spec.minReplicas !== undefined && { minReplicas: spec.minReplicas }),
        maxReplicas: spec.maxReplicas,
        ...(percent !== undefined && { targetCPUUtilizationPercentage: percent }),
      },
    }),
    ...(status && {
      status: {
        ...counts,
        currentReplicas: counts.currentReplicas ?? 0,
        ...(usedPercent !== undefined && { currentCPUUtilizationPercentage: usedPercent }),
      },
    }),
  } as V1HorizontalPodAutoscaler;
}

export function writeFromV1(shown: V1HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  const { metadata, spec, status } = shown;
  const annotations = metadata?.annotations ?? {};
  const behavior = parsed(annotations[names.behavior], isMap);
  const conditions = parsed(annotations[names.conditions], isList) as HorizontalPodAutoscalerCondition[] | undefined;
  return {
    ...shown,
    ...(metadata && { metadata: withAnnotations(metadata, withoutOurs(annotations)) }),
    ...(spec && {
      spec: {
        scaleTargetRef: spec.scaleTargetRef,
        ...(spec.minReplicas !== undefined && { minReplicas: spec.minReplicas }),
        maxReplicas: spec.maxReplicas,
        metrics: metricsOf(spec.targetCPUUtilizationPercentage, annotations[names.metrics]),
        ...behaviorFromInternal(behavior),
      },
    }),
    ...(status && { status: statusOf(status, annotations[names.current], conditions) }),
  } as HorizontalPodAutoscaler;
}

function cpuPercentOf({ type, resource }: MetricSpec): number | undefined {
  return type === 'Resource' && resource?.name === 'cpu' ? resource.target.averageUtilization : undefined;
}

/** Neither is named: v1's default was the controller's, and is said here, where all metrics are known. */
function metricsOf(percent: number | undefined, text: string | undefined): MetricSpec[] {
  const others = (parsed(text, isList) ?? []).map(metricFromV1);
  if (percent === undefined && others.length > 0) return others;
  const target = { type: 'Utilization', averageUtilization: percent ?? usualCpuPercent };
  return [...others, { type: 'Resource', resource: { name: 'cpu', target } }];
}

function statusOf(
  { currentCPUUtilizationPercentage: percent, ...counts }: NonNullable<V1HorizontalPodAutoscaler['status']>,
  text: string | undefined,
  conditions: HorizontalPodAutoscalerCondition[] | undefined,
): object {
  const told = parsed(text, isList)?.map(currentFromV1);
  const own: MetricStatus[] =
    percent === undefined
      ? []
      : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: percent } } }];
  const metrics = told ?? own;
  // As v2's own status begins: null where there are none.
  return { ...counts, currentMetrics: metrics.length === 0 ? null : metrics, ...(conditions && { conditions }) };
}

/** In the order that Go writes it. */
function conditionOf({ type, status, lastTransitionTime, reason, message }: HorizontalPodAutoscalerCondition): object {
  return { type, status, lastTransitionTime: lastTransitionTime ?? null, reason, message };
}

/** Upstream writes the internal type: capitals, and null for what is not there. */
function behaviorToInternal({ scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior): object {
  const rules = (of: HPAScalingRules | undefined): object | null =>
    of === undefined
      ? null
      : {
          StabilizationWindowSeconds: of.stabilizationWindowSeconds ?? null,
          SelectPolicy: of.selectPolicy ?? null,
          Policies:
            of.policies?.map(({ type, value, periodSeconds }) => ({
              Type: type,
              Value: value,
              PeriodSeconds: periodSeconds,
            })) ?? null,
          Tolerance: of.tolerance ?? null,
        };
  return { ScaleUp: rules(scaleUp), ScaleDown: rules(scaleDown) };
}

function behaviorFromInternal(value: Json | undefined): { readonly behavior?: HorizontalPodAutoscalerBehavior } {
  if (value === undefined) return {};
  const { scaleUp, scaleDown } = lowered(value) as HorizontalPodAutoscalerBehavior;
  if (scaleUp === undefined && scaleDown === undefined) return {};
  return { behavior: { ...(scaleUp && { scaleUp }), ...(scaleDown && { scaleDown }) } };
}

function lowered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowered);
  if (!isMap(value)) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(
    entries.map(([key, field]) => [`${key.slice(0, 1).toLowerCase()}${key.slice(1)}`, lowered(field)]),
  );
}

function withoutOurs(annotations: Readonly<Record<string, string>> | undefined): Record<string, string> | undefined {
  if (annotations === undefined || !all.some((name) => name in annotations)) return annotations;
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => !all.includes(name)));
}

function withAnnotations(metadata: ObjectMeta, annotations: Record<string, string> | undefined): ObjectMeta {
  const { annotations: _before, ...rest } = metadata;
  return Object.keys(annotations ?? {}).length === 0 ? rest : { ...rest, annotations: annotations ?? {} };
}

/** What cannot be read is as if it were not there. */
function parsed<T>(text: string | undefined, is: (value: unknown) => value is T): T | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    return is(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is Json[] {
  return Array.isArray(value) && value.every(isMap);
}
