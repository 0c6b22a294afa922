/**
 * The metrics of autoscaling/v2 in the words of v1's annotations, and back. Keys are in the order of upstream's Go types, because
 * the annotations are text. Upstream: pkg/apis/autoscaling/v1/conversion.go, k8s.io/api/autoscaling/v1/types.go.
 */
import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../gen/types.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Without what is not there. */
function fields(of: Json): Json {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined));
}

export function metricToV1(metric: MetricSpec): Json {
  const { type, object, pods, resource, containerResource, external } = metric;
  return fields({
    type,
    object: object && {
      target: reference(object.describedObject),
      metricName: object.metric.name,
      targetValue: object.target.value ?? '0',
      ...fields({ selector: object.metric.selector, averageValue: object.target.averageValue }),
    },
    pods: pods && {
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? '0',
      ...fields({ selector: pods.metric.selector }),
    },
    resource: resource && { name: resource.name, ...averages(resource.target) },
    containerResource: containerResource && {
      name: containerResource.name,
      ...averages(containerResource.target),
      container: containerResource.container,
    },
    external:
      external &&
      fields({
        metricName: external.metric.name,
        metricSelector: external.metric.selector,
        targetValue: external.target.value,
        targetAverageValue: external.target.averageValue,
      }),
  });
}

function averages({ averageUtilization, averageValue }: MetricTarget): Json {
  return fields({ targetAverageUtilization: averageUtilization, targetAverageValue: averageValue });
}

function reference({ kind, name, apiVersion }: { kind: string; name: string; apiVersion?: string }): Json {
  return fields({ kind, name, apiVersion });
}

export function metricFromV1(metric: Json): MetricSpec {
  const { type, object, pods, resource, containerResource, external } = metric as Partial<Record<string, Json>>;
  return fields({
    type,
    object: object && {
      describedObject: object['target'],
      metric: identifier(object['metricName'], object['selector']),
      target: objectTarget(object['targetValue'], object['averageValue']),
    },
    pods: pods && {
      metric: identifier(pods['metricName'], pods['selector']),
      target: { type: 'AverageValue', averageValue: quantity(pods['targetAverageValue']) ?? '0' },
    },
    resource: resource && { name: resource['name'], target: averageTarget(resource) },
    containerResource: containerResource && {
      name: containerResource['name'],
      container: containerResource['container'],
      target: averageTarget(containerResource),
    },
    external: external && {
      metric: identifier(external['metricName'], external['metricSelector']),
      target: fields({
        type: external['targetValue'] === undefined ? 'AverageValue' : 'Value',
        value: quantity(external['targetValue']),
        averageValue: quantity(external['targetAverageValue']),
      }),
    },
  }) as unknown as MetricSpec;
}

function identifier(name: unknown, selector: unknown): Json {
  return fields({ name, selector });
}

/** v1 cannot leave the value out, so 0 beside an average is none. */
function objectTarget(value: unknown, average: unknown): Json {
  const text = quantity(value) ?? '0';
  if (average === undefined) return { type: 'Value', value: text };
  return fields({ type: 'AverageValue', value: text === '0' ? undefined : text, averageValue: quantity(average) });
}

function averageTarget(source: Json): Json {
  const { targetAverageUtilization: percent, targetAverageValue: value } = source;
  const type = percent === undefined ? 'AverageValue' : 'Utilization';
  return fields({ type, averageValue: quantity(value), averageUtilization: percent });
}

/** Numbers are quantities too. */
function quantity(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

export function currentToV1(metric: MetricStatus): Json {
  const { type, object, pods, resource, containerResource, external } = metric;
  return fields({
    type,
    object: object && {
      target: reference(object.describedObject),
      metricName: object.metric.name,
      currentValue: object.current.value ?? '0',
      ...fields({ selector: object.metric.selector, averageValue: object.current.averageValue }),
    },
    pods: pods && {
      metricName: pods.metric.name,
      currentAverageValue: pods.current.averageValue ?? '0',
      ...fields({ selector: pods.metric.selector }),
    },
    resource: resource && { name: resource.name, ...currentAverages(resource.current) },
    containerResource: containerResource && {
      name: containerResource.name,
      ...currentAverages(containerResource.current),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      ...fields({ metricSelector: external.metric.selector }),
      currentValue: external.current.value ?? '0',
      ...fields({ currentAverageValue: external.current.averageValue }),
    },
  });
}

function currentAverages({ averageUtilization, averageValue }: MetricValueStatus): Json {
  return {
    ...fields({ currentAverageUtilization: averageUtilization }),
    currentAverageValue: averageValue ?? '0',
  };
}

export function currentFromV1(metric: Json): MetricStatus {
  const { type, object, pods, resource, containerResource, external } = metric as Partial<Record<string, Json>>;
  const average = (source: Json): Json =>
    fields({
      averageValue: quantity(source['currentAverageValue']) ?? '0',
      averageUtilization: source['currentAverageUtilization'],
    });
  return fields({
    type,
    object: object && {
      metric: identifier(object['metricName'], object['selector']),
      current: fields({
        value: quantity(object['currentValue']) ?? '0',
        averageValue: quantity(object['averageValue']),
      }),
      describedObject: object['target'],
    },
    pods: pods && {
      metric: identifier(pods['metricName'], pods['selector']),
      current: { averageValue: quantity(pods['currentAverageValue']) ?? '0' },
    },
    resource: resource && { name: resource['name'], current: average(resource) },
    containerResource: containerResource && {
      name: containerResource['name'],
      container: containerResource['container'],
      current: average(containerResource),
    },
    external: external && {
      metric: identifier(external['metricName'], external['metricSelector']),
      current: fields({
        value: quantity(external['currentValue']) ?? '0',
        averageValue: quantity(external['currentAverageValue']),
      }),
    },
  }) as unknown as MetricStatus;
}
