/** HorizontalPodAutoscaler: stored as autoscaling/v2, and shown as v1 too; nothing measures pods here. Upstream: pkg/apis/autoscaling. */
import type {
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricSpec,
  MetricTarget,
  V1HorizontalPodAutoscaler,
} from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { resources } from '../resources.ts';
import {
  dns1123SubdomainName,
  validateMetadata,
  validateMetadataUpdate,
  whyNotPathSegment,
} from '../validation/index.ts';
import { withViews } from '../views.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { readAsV1, writeFromV1 } from './horizontalpodautoscaler-v1.ts';
import { keepsStatus, statusOnly } from './lifecycle.ts';

const usualCpuPercent = 80;

const stored = defineKind<HorizontalPodAutoscaler>({
  resource: resources.horizontalPodAutoscalers,
  applyDefaults: setDefaults,
  ...keepsStatus<HorizontalPodAutoscaler>({ currentMetrics: null, desiredReplicas: 0 }),
  validate,
  validateUpdate: (now, old) => [...validateMetadataUpdate(now, old), ...validate(now)],
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

function validate(autoscaler: HorizontalPodAutoscaler): FieldError[] {
  const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics = [], behavior } = autoscaler.spec ?? {};
  const errors = validateMetadata(autoscaler, true, dns1123SubdomainName);
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(invalidField('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  }
  if (maxReplicas === 0) errors.push(requiredField('spec.maxReplicas', 'must be set and greater than 0'));
  else if (maxReplicas < 0) {
    errors.push(invalidField('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1'));
  }
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalidField('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  for (const key of ['kind', 'name'] as const) {
    const text = scaleTargetRef?.[key] ?? '';
    const field = `spec.scaleTargetRef.${key}`;
    if (text === '') errors.push(requiredField(field));
    else for (const why of whyNotPathSegment(text)) errors.push(invalidField(field, text, why));
  }
  errors.push(...metrics.flatMap((metric, index) => validateMetric(metric, `spec.metrics[${index}]`)));
  for (const key of ['scaleUp', 'scaleDown'] as const) {
    const rules = behavior?.[key];
    if (rules !== undefined) errors.push(...validateRules(rules, `spec.behavior.${key}`));
  }
  return errors;
}

const sources = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
} as const;

function validateMetric(metric: MetricSpec, at: string): FieldError[] {
  const expected = Object.entries(sources).find(([type]) => type === metric.type)?.[1];
  if (expected === undefined) return [notSupportedField(`${at}.type`, metric.type, Object.keys(sources))];
  const errors: FieldError[] = [];
  const source = metric[expected];
  if (source === undefined) {
    errors.push(requiredField(`${at}.${expected}`, 'must populate information for the given metric source'));
  } else errors.push(...validateTarget(source.target, expected, `${at}.${expected}`));
  for (const other of Object.values(sources)) {
    if (other === expected || metric[other] === undefined) continue;
    errors.push(forbiddenField(`${at}.${other}`, 'must populate the given metric source only'));
  }
  return errors;
}

function validateTarget(target: MetricTarget, source: string, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const { type = '', averageUtilization, averageValue } = target ?? {};
  if (type === '') errors.push(requiredField(`${at}.target.type`, 'must specify a metric target type'));
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.push(invalidField(`${at}.target.type`, type, 'must be either Utilization, Value, or AverageValue'));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalidField(`${at}.target.averageUtilization`, averageUtilization, 'must be greater than 0'));
  }
  if (source !== 'resource' && source !== 'containerResource') return errors;
  if (averageUtilization === undefined && averageValue === undefined) {
    const why = 'must set either a target raw value or a target utilization';
    errors.push(requiredField(`${at}.target.averageUtilization`, why));
  } else if (averageUtilization !== undefined && averageValue !== undefined) {
    const why = 'may not set both a target raw value and a target utilization';
    errors.push(forbiddenField(`${at}.target.averageValue`, why));
  }
  return errors;
}

function validateRules(rules: HPAScalingRules, at: string): FieldError[] {
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [] } = rules;
  const errors: FieldError[] = [];
  if (window !== undefined && window < 0) {
    errors.push(invalidField(`${at}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero'));
  }
  if (window !== undefined && window > 3600) {
    errors.push(invalidField(`${at}.stabilizationWindowSeconds`, window, 'must be less than or equal to 3600'));
  }
  const selections = ['Disabled', 'Max', 'Min'];
  if (selectPolicy !== undefined && !selections.includes(selectPolicy)) {
    errors.push(notSupportedField(`${at}.selectPolicy`, selectPolicy, selections));
  }
  if (policies.length === 0) errors.push(requiredField(`${at}.policies`, 'must specify at least one Policy'));
  for (const [index, { type, value, periodSeconds }] of policies.entries()) {
    const field = `${at}.policies[${index}]`;
    if (type !== 'Pods' && type !== 'Percent')
      errors.push(notSupportedField(`${field}.type`, type, ['Percent', 'Pods']));
    if (value <= 0) errors.push(invalidField(`${field}.value`, value, 'must be greater than zero'));
    if (periodSeconds <= 0) {
      errors.push(invalidField(`${field}.periodSeconds`, periodSeconds, 'must be greater than zero'));
    } else if (periodSeconds > 1800) {
      errors.push(invalidField(`${field}.periodSeconds`, periodSeconds, 'must be less than or equal to 1800'));
    }
  }
  return errors;
}
