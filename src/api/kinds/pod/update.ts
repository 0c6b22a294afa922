/** What may change in a pod that exists. Upstream: ValidatePodUpdate, ValidatePodStatusUpdate. */
import type { Container, ContainerStatus, Pod, PodSpec, Toleration } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import type { Live } from '../../object.ts';
import { whyInvalidIp } from '../../../util/ip.ts';
import { forbiddenField, invalidField } from '../../field-errors.ts';
import { validateMetadataUpdate } from '../../validation/index.ts';
import { sameValue } from '../equal.ts';
import { validateGatedUpdate, validateGatesUpdate, withoutGated } from './gated.ts';
import { validatePodAnnotationsUpdate } from './profiles.ts';
import { validatePod } from './validation.ts';

const frozen =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function validatePodUpdate(pod: Pod, old: Live<Pod>): FieldError[] {
  const errors = [
    ...validateMetadataUpdate(pod, old),
    ...validatePod(pod),
    ...validatePodAnnotationsUpdate(pod.metadata?.annotations ?? {}, old.metadata.annotations ?? {}),
  ];
  const now = pod.spec ?? { containers: [] };
  const was = old.spec ?? { containers: [] };
  for (const key of ['containers', 'initContainers'] as const) {
    if ((now[key] ?? []).length === (was[key] ?? []).length) continue;
    return [...errors, forbiddenField(`spec.${key}`, 'pod updates may not add or remove containers')];
  }
  errors.push(...validateDeadlineUpdate(now, was), ...validateTolerationUpdate(now, was));
  errors.push(...validateGatesUpdate(now, was), ...validateGatedUpdate(now, was));
  const changed = sameValue(withoutMutable(now, was), was) ? [] : changedFields(now, was);
  if (changed.length > 0) errors.push(forbiddenField('spec', `${frozen}\n${changed.join('\n')}`));
  return errors;
}

export function validatePodStatus(pod: Pod, old: Live<Pod>): FieldError[] {
  const errors = validateMetadataUpdate(pod, old);
  const [now, was] = [pod.status ?? {}, old.status ?? {}];
  for (const key of ['podIPs', 'hostIPs'] as const) {
    for (const [index, { ip }] of (now[key] ?? []).entries()) {
      const why = whyInvalidIp(ip ?? '');
      if (why !== undefined) errors.push(invalidField(`status.${key}[${index}].ip`, ip, why));
    }
  }
  if ((was.phase === 'Succeeded' || was.phase === 'Failed') && pod.spec?.restartPolicy === 'Never') {
    errors.push(...validateNoRestart(now.containerStatuses ?? [], was.containerStatuses ?? []));
  }
  return errors;
}

function validateNoRestart(now: readonly ContainerStatus[], was: readonly ContainerStatus[]): FieldError[] {
  return was.flatMap((before, index) => {
    const after = now.find((status) => status.name === before.name);
    if (before.state?.terminated === undefined || after === undefined || after.state?.terminated !== undefined)
      return [];
    return [
      forbiddenField(`status.containerStatuses[${index}].state`, 'may not be transitioned to non-terminated state'),
    ];
  });
}

/** The new spec with everything put back that an update may change: must equal the old one. */
function withoutMutable(now: PodSpec, was: PodSpec): PodSpec {
  const images = (
    containers: readonly Container[] | undefined,
    before: readonly Container[] | undefined,
  ): Container[] => (containers ?? []).map((container, index) => ({ ...container, image: before?.[index]?.image }));
  const grace = (was.terminationGracePeriodSeconds ?? 0) < 0 && now.terminationGracePeriodSeconds === 1;
  return {
    ...now,
    containers: images(now.containers, was.containers),
    initContainers: images(now.initContainers, was.initContainers),
    activeDeadlineSeconds: was.activeDeadlineSeconds,
    tolerations: was.tolerations,
    schedulingGates: was.schedulingGates,
    ...withoutGated(now, was),
    terminationGracePeriodSeconds: grace ? was.terminationGracePeriodSeconds : now.terminationGracePeriodSeconds,
  };
}

/** Upstream prints a Go diff here; the names of the fields say as much. */
function changedFields(now: PodSpec, was: PodSpec): string[] {
  const put = withoutMutable(now, was);
  const keys = [...new Set([...Object.keys(put), ...Object.keys(was)])] as (keyof PodSpec)[];
  return keys.filter((key) => !sameValue(put[key], was[key])).map((key) => `  changed: spec.${key}`);
}

function validateDeadlineUpdate(now: PodSpec, was: PodSpec): FieldError[] {
  const [after, before] = [now.activeDeadlineSeconds, was.activeDeadlineSeconds];
  if (before === undefined || after === before) return [];
  if (after === undefined) {
    return [invalidField('spec.activeDeadlineSeconds', after, 'must not update from a positive integer to nil value')];
  }
  const why = 'must be less than or equal to previous value';
  return after <= before ? [] : [invalidField('spec.activeDeadlineSeconds', after, why)];
}

function validateTolerationUpdate(now: PodSpec, was: PodSpec): FieldError[] {
  const has = (list: readonly Toleration[] | undefined, toleration: Toleration): boolean =>
    (list ?? []).some((other) =>
      sameValue({ ...other, tolerationSeconds: 0 }, { ...toleration, tolerationSeconds: 0 }),
    );
  if ((was.tolerations ?? []).every((toleration) => has(now.tolerations, toleration))) return [];
  return [forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}
