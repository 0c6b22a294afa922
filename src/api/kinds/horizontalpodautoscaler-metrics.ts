/** What a HorizontalPodAutoscaler measures. Upstream: validateMetricSpec and what it calls, pkg/apis/autoscaling/validation. */
import type {
  ContainerResourceMetricSource,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
  ResourceMetricSource,
} from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../field-errors.ts';
import { parseQuantity } from '../quantity.ts';
import { whyNotDns1123Label, whyNotPathSegment } from '../validation/index.ts';
import { validateReference } from './horizontalpodautoscaler-reference.ts';
import type { WhyBadVersion } from './horizontalpodautoscaler-reference.ts';
import { validateContainerResourceName } from './resource-names.ts';

/** By type; the order in which upstream looks for them is that of `checks`. */
const sources: Readonly<Record<string, Source>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

type Source = 'object' | 'external' | 'pods' | 'resource' | 'containerResource';

export function validateMetric(metric: MetricSpec, whyBad: WhyBadVersion, at: string): FieldError[] {
  const { type } = metric;
  const known = Object.keys(sources);
  const errors: FieldError[] = [];
  const field = `${at}.type`;
  if (type === '') errors.push(requiredField(field, 'must specify a metric source type'));
  const expected = sources[type];
  if (expected === undefined) errors.push(notSupportedField(field, type, known));
  const present = order.filter((source) => metric[source] !== undefined);
  // Only the first is looked at: more than one is wrong anyway.
  errors.push(...validateFirst(metric, whyBad, at));
  if (expected === undefined) errors.push(notSupportedField(field, type, known));
  else if (metric[expected] === undefined) {
    errors.push(requiredField(`${at}.${expected}`, 'must populate information for the given metric source'));
  }
  if (present.length === 1) return errors;
  const others = present.filter((source) => source !== expected);
  const why = 'must populate the given metric source only';
  return [...errors, ...others.map((source) => forbiddenField(`${at}.${source}`, why))];
}

const order: readonly Source[] = ['object', 'external', 'pods', 'resource', 'containerResource'];

function validateFirst(metric: MetricSpec, whyBad: WhyBadVersion, at: string): FieldError[] {
  const { object, external, pods, resource, containerResource } = metric;
  if (object !== undefined) {
    const field = `${at}.object`;
    return [
      ...validateReference(object.describedObject, whyBad, `${field}.describedObject`),
      ...validateIdentifier(object.metric, field),
      ...validateTarget(object.target, field),
      ...needsValue(object.target, field, 'must set either a target value or averageValue'),
    ];
  }
  if (external !== undefined) {
    const field = `${at}.external`;
    const { value, averageValue } = external.target;
    const both = 'may not set both a target value for metric and a per-pod target';
    return [
      ...validateIdentifier(external.metric, field),
      ...validateTarget(external.target, field),
      ...needsValue(external.target, field, 'must set either a target value for metric or a per-pod target'),
      ...(value === undefined || averageValue === undefined ? [] : [forbiddenField(`${field}.target.value`, both)]),
    ];
  }
  if (pods !== undefined) {
    const field = `${at}.pods`;
    const why = 'must specify a positive target averageValue';
    return [
      ...validateIdentifier(pods.metric, field),
      ...validateTarget(pods.target, field),
      ...(pods.target.averageValue === undefined ? [requiredField(`${field}.target.averageValue`, why)] : []),
    ];
  }
  if (resource !== undefined) return [...validateResource(resource, `${at}.resource`)];
  return containerResource === undefined ? [] : validateContainer(containerResource, `${at}.containerResource`);
}

function validateIdentifier({ name = '' }: MetricIdentifier, at: string): FieldError[] {
  const field = `${at}.metric.name`;
  if (name === '') return [requiredField(field, 'must specify a metric name')];
  return whyNotPathSegment(name).map((why) => invalidField(field, name, why));
}

function validateContainer(source: ContainerResourceMetricSource, at: string): FieldError[] {
  const { name = '', container = '' } = source;
  const names = name === '' ? [] : validateContainerResourceName(name, `${at}.name`);
  const containers =
    container === ''
      ? [requiredField(`${at}.container`, 'must specify a container')]
      : whyNotDns1123Label(container).map((why) => invalidField(`${at}.container`, container, why));
  return [...names, ...containers, ...validateResource(source, at)];
}

function validateResource({ name = '', target }: ResourceMetricSource, at: string): FieldError[] {
  const errors = name === '' ? [requiredField(`${at}.name`, 'must specify a resource name')] : [];
  errors.push(...validateTarget(target, at));
  const { averageUtilization, averageValue } = target;
  if (averageUtilization === undefined && averageValue === undefined) {
    const why = 'must set either a target raw value or a target utilization';
    errors.push(requiredField(`${at}.target.averageUtilization`, why));
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    const why = 'may not set both a target raw value and a target utilization';
    errors.push(forbiddenField(`${at}.target.averageValue`, why));
  }
  return errors;
}

function needsValue({ value, averageValue }: MetricTarget, at: string, why: string): FieldError[] {
  return value === undefined && averageValue === undefined ? [requiredField(`${at}.target.averageValue`, why)] : [];
}

function validateTarget(target: MetricTarget, source: string): FieldError[] {
  const at = `${source}.target`;
  const { type = '', averageUtilization } = target;
  const errors: FieldError[] = [];
  if (type === '') errors.push(requiredField(`${at}.type`, 'must specify a metric target type'));
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.push(invalidField(`${at}.type`, type, 'must be either Utilization, Value, or AverageValue'));
  }
  for (const key of ['value', 'averageValue'] as const) {
    const text = target[key];
    if (text === undefined || (parseQuantity(text)?.nano ?? 0n) > 0n) continue;
    errors.push(invalidField(`${at}.${key}`, text, 'must be positive'));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalidField(`${at}.averageUtilization`, averageUtilization, 'must be greater than 0'));
  }
  return errors;
}
