/**
 * pods/resize: cpu and memory of containers, and nothing else. Nodes that cannot do it are known by their statuses, which do not say
 * what containers have. Upstream: podResizeStrategy in pkg/registry/core/pod/strategy.go, ValidatePodResize.
 */
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField } from '../../field-errors.ts';
import type { StatusStrategy } from '../../kind.ts';
import type { Live } from '../../object.ts';
import { validateMetadataUpdate } from '../../validation/index.ts';
import { clone } from '../../clone.ts';
import { sameValue } from '../equal.ts';
import { qosClass } from './qos.ts';
import { validatePod } from './validation.ts';

const lists = ['containers', 'initContainers'] as const;

export const podResize: StatusStrategy<Pod> = {
  prepareForUpdate(pod, old) {
    const now = pod.spec ?? { containers: [] };
    const was = clone(old.spec ?? { containers: [] });
    const { resourceVersion } = pod.metadata ?? {};
    pod.status = clone(old.status ?? {});
    // Containers in another order, or others, are validation's to refuse.
    if (lists.every((list) => sameNames(now[list], was[list]))) {
      for (const list of lists) {
        for (const [index, container] of (was[list] ?? []).entries()) take(container, now[list]?.[index]);
      }
      if (now.resources === undefined) delete was.resources;
      else was.resources = now.resources;
      pod.spec = was;
    }
    const before = old.metadata.generation ?? 1;
    const generation = sameValue(pod.spec, old.spec) ? before : before + 1;
    pod.metadata = { ...clone(old.metadata), resourceVersion, generation };
  },
  validateUpdate(pod, old) {
    const now = pod.spec ?? { containers: [] };
    const was = old.spec ?? { containers: [] };
    if (old.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined)
      return [forbiddenField('', 'static pods cannot be resized')];
    if (was.os?.name === 'windows') return [forbiddenField('', 'windows pods cannot be resized')];
    const errors = [...validateMetadataUpdate(pod, old), ...validatePod(pod)];
    const before = old.status?.qosClass ?? qosClass(was);
    if (qosClass(now) !== before) {
      errors.push(invalidField('spec', before, 'Pod QOS Class may not change as a result of resizing'));
    }
    if (!isSupported(old)) errors.push(forbiddenField('spec', 'Pod running on node without support for resize'));
    const order = validateOrder(now, was);
    if (order.length > 0) return [...errors, ...order];
    errors.push(...[...lists].reverse().flatMap((list) => validateRequirements(list, now[list], was[list])));
    if (!sameValue(withoutComputing(now), withoutComputing(was))) {
      errors.push(forbiddenField('spec', 'only cpu and memory resources are mutable'));
    }
    return errors;
  },
};

function sameNames(now: readonly Container[] = [], was: readonly Container[] = []): boolean {
  return now.length === was.length && now.every(({ name }, index) => name === was[index]?.name);
}

function take(container: Container, from: Container | undefined): void {
  for (const key of ['resources', 'resizePolicy'] as const) {
    if (from?.[key] === undefined) Reflect.deleteProperty(container, key);
    else Object.assign(container, { [key]: from[key] });
  }
}

function isSupported({ status }: Live<Pod>): boolean {
  const running = (status?.containerStatuses ?? []).find(({ state }) => state?.running !== undefined);
  return running === undefined || running.resources !== undefined;
}

function validateOrder(now: PodSpec, was: PodSpec): FieldError[] {
  return lists.flatMap((list) => {
    const [after, before] = [now[list] ?? [], was[list] ?? []];
    if (after.length !== before.length) {
      return [forbiddenField(`spec.${list}`, `${list} may not be added or removed on resize`)];
    }
    return before.flatMap(({ name }, index) =>
      after[index]?.name === name
        ? []
        : [forbiddenField(`spec.${list}[${index}].name`, `${list} may not be renamed or reordered on resize`)],
    );
  });
}

function validateRequirements(
  list: string,
  now: readonly Container[] = [],
  was: readonly Container[] = [],
): FieldError[] {
  return was.flatMap(({ resources }, index) =>
    (['requests', 'limits'] as const).flatMap((key) => {
      const after = now[index]?.resources?.[key] ?? {};
      const removed = Object.keys(resources?.[key] ?? {}).some((name) => !(name in after));
      const field = `spec.${list}[${index}].resources.${key}`;
      return removed ? [forbiddenField(field, `resource ${key} cannot be removed`)] : [];
    }),
  );
}

function withoutComputing(spec: PodSpec): PodSpec {
  const strip = (containers: readonly Container[] | undefined): Container[] =>
    (containers ?? []).map(({ resources, resizePolicy: _policy, ...container }) => ({
      ...container,
      resources: requirementsWithout(resources),
    }));
  const { resources: _resources, ...rest } = spec;
  return { ...rest, containers: strip(spec.containers), initContainers: strip(spec.initContainers) };
}

function requirementsWithout({ requests, limits, ...rest }: ResourceRequirements = {}): ResourceRequirements {
  const others = (list: Readonly<Record<string, string>> = {}): Record<string, string> =>
    Object.fromEntries(Object.entries(list).filter(([name]) => name !== 'cpu' && name !== 'memory'));
  return { ...rest, requests: others(requests), limits: others(limits) };
}
