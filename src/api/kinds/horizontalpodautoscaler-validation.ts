/** Whether a HorizontalPodAutoscaler says something that can be done. Upstream: pkg/apis/autoscaling/validation/validation.go. */
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HPAScalingPolicy,
  HPAScalingRules,
} from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { parseQuantity } from '../quantity.ts';
import { dns1123SubdomainName, validateMetadata, validateMetadataUpdate } from '../validation/index.ts';
import { validateMetric } from './horizontalpodautoscaler-metrics.ts';
import { anyVersion, validateReference, whyBadVersion, whyNoGroup } from './horizontalpodautoscaler-reference.ts';
import type { WhyBadVersion } from './horizontalpodautoscaler-reference.ts';

const longest = { window: 3600, period: 1800 };

/** How an apiVersion is checked, for the target and for the objects of metrics. */
interface VersionRules {
  readonly target: WhyBadVersion;
  readonly metrics: WhyBadVersion;
  readonly fewest: number;
}

export function validateAutoscaler(autoscaler: HorizontalPodAutoscaler): FieldError[] {
  const { spec } = autoscaler;
  return [
    ...validateMetadata(autoscaler, true, dns1123SubdomainName),
    ...(spec === undefined ? [] : validateSpec(spec, rulesFor(spec, undefined))),
  ];
}

export function validateAutoscalerUpdate(
  autoscaler: HorizontalPodAutoscaler,
  old: Live<HorizontalPodAutoscaler>,
): FieldError[] {
  const { spec } = autoscaler;
  return [
    ...validateMetadataUpdate(autoscaler, old),
    ...(spec === undefined ? [] : validateSpec(spec, rulesFor(spec, old.spec))),
  ];
}

/** What was stored before these rules may stay. */
function rulesFor(spec: HorizontalPodAutoscalerSpec, old: HorizontalPodAutoscalerSpec | undefined): VersionRules {
  const [now, was] = [spec.scaleTargetRef, old?.scaleTargetRef];
  const kept = was !== undefined && was.apiVersion === now.apiVersion && was.kind === now.kind;
  const target = kept ? anyVersion : now.kind === 'ReplicationController' ? whyBadVersion : whyNoGroup;
  const wasBad = (old?.metrics ?? []).some(
    ({ type, object }) =>
      type === 'Object' && object !== undefined && whyBadVersion(object.describedObject.apiVersion ?? '') !== undefined,
  );
  return { target, metrics: wasBad ? anyVersion : whyBadVersion, fewest: old?.minReplicas === 0 ? 0 : 1 };
}

function validateSpec(
  spec: HorizontalPodAutoscalerSpec,
  { target, metrics: whyBad, fewest }: VersionRules,
): FieldError[] {
  const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics = [], behavior } = spec;
  const errors: FieldError[] = [];
  const invalid = (field: string, value: number, why: string): number =>
    errors.push(invalidField(`spec.${field}`, value, why));
  if (minReplicas !== undefined && minReplicas < fewest) {
    invalid('minReplicas', minReplicas, `must be greater than or equal to ${String(fewest)}`);
  }
  if (maxReplicas === 0) errors.push(requiredField('spec.maxReplicas', 'must be set and greater than 0'));
  else if (maxReplicas < 0) invalid('maxReplicas', maxReplicas, 'must be greater than or equal to 1');
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    invalid('maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`');
  }
  errors.push(...validateReference(scaleTargetRef, target, 'spec.scaleTargetRef'));
  errors.push(...metrics.flatMap((metric, index) => validateMetric(metric, whyBad, `spec.metrics[${String(index)}]`)));
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    const why = 'must specify at least one Object or External metric to support scaling to zero replicas';
    errors.push(forbiddenField('spec.metrics', why));
  }
  for (const key of ['scaleUp', 'scaleDown'] as const) {
    const rules = behavior?.[key];
    if (rules !== undefined) errors.push(...validateRules(rules, `spec.behavior.${key}`));
  }
  return errors;
}

function validateRules(rules: HPAScalingRules, at: string): FieldError[] {
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  const errors: FieldError[] = [];
  const field = `${at}.stabilizationWindowSeconds`;
  if (window !== undefined && window < 0) {
    errors.push(invalidField(field, window, 'must be greater than or equal to zero'));
  }
  if (window !== undefined && window > longest.window) {
    errors.push(invalidField(field, window, `must be less than or equal to ${String(longest.window)}`));
  }
  const selections = ['Disabled', 'Max', 'Min'];
  if (selectPolicy !== undefined && !selections.includes(selectPolicy)) {
    errors.push(notSupportedField(`${at}.selectPolicy`, selectPolicy, selections));
  }
  if (policies.length === 0) errors.push(requiredField(`${at}.policies`, 'must specify at least one Policy'));
  errors.push(...policies.flatMap((policy, index) => validatePolicy(policy, `${at}.policies[${String(index)}]`)));
  if (tolerance !== undefined && (parseQuantity(tolerance)?.nano ?? 0n) < 0n) {
    errors.push(invalidField(`${at}.tolerance`, tolerance, 'must be greater than or equal to 0'));
  }
  return errors;
}

function validatePolicy({ type, value, periodSeconds }: HPAScalingPolicy, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (type !== 'Pods' && type !== 'Percent') errors.push(notSupportedField(`${at}.type`, type, ['Percent', 'Pods']));
  if (value <= 0) errors.push(invalidField(`${at}.value`, value, 'must be greater than zero'));
  if (periodSeconds <= 0) errors.push(invalidField(`${at}.periodSeconds`, periodSeconds, 'must be greater than zero'));
  if (periodSeconds > longest.period) {
    const why = `must be less than or equal to ${String(longest.period)}`;
    errors.push(invalidField(`${at}.periodSeconds`, periodSeconds, why));
  }
  return errors;
}
