/**
 * What may change in the template of a suspended Job: where its pods may run, and what they ask for. Upstream:
 * validatePodTemplateUpdate, shouldAllowMutablePodTemplate (MutablePodResourcesForSuspendedJobs and
 * MutableSchedulingDirectivesForSuspendedJobs, on since 1.36).
 */
import type { Affinity, Container, Job, PodSpec, PodTemplateSpec } from '../gen/types.ts';
import type { FieldError } from '../field-errors.ts';
import type { Live } from '../object.ts';
import { clone } from '../clone.ts';
import { validateImmutable } from './lifecycle.ts';

export function validateTemplateUpdate(template: PodTemplateSpec | undefined, old: Live<Job>): FieldError[] {
  const was = old.spec?.template;
  const field = 'spec.template';
  if (!isMutable(old) || template === undefined || was === undefined) return validateImmutable(template, was, field);
  const allowed = clone<PodTemplateSpec>(was);
  allowed.metadata = withParts(allowed.metadata ?? {}, template.metadata ?? {}, ['annotations', 'labels']);
  const scheduling = ['nodeSelector', 'tolerations', 'schedulingGates'] as const;
  const spec = withParts(allowed.spec ?? { containers: [] }, template.spec ?? { containers: [] }, scheduling);
  const affinity = withNodeAffinity(spec.affinity, template.spec?.affinity);
  if (affinity === undefined) delete spec.affinity;
  else spec.affinity = affinity;
  takeResources(spec, template.spec);
  return validateImmutable(template.spec, spec, 'spec.template.spec');
}

/** Suspended, and none of its pods can be there any more. */
function isMutable({ spec, status }: Live<Job>): boolean {
  if (spec?.suspend !== true || (status?.active ?? 0) > 0) return false;
  const isSuspended =
    status?.conditions?.some(({ type, status: is }) => type === 'Suspended' && is === 'True') === true;
  return isSuspended || (status?.startTime ?? '') === '';
}

function withParts<T extends object>(base: T, from: T, keys: readonly (keyof T)[]): T {
  const next = { ...base };
  for (const key of keys) {
    if (from[key] === undefined) delete next[key];
    else next[key] = from[key];
  }
  return next;
}

function withNodeAffinity(base: Affinity | undefined, from: Affinity | undefined): Affinity | undefined {
  if (base === undefined && from === undefined) return undefined;
  const next = withParts(base ?? {}, from ?? {}, ['nodeAffinity']);
  return from === undefined && Object.keys(next).length === 0 ? undefined : next;
}

function takeResources(spec: PodSpec, from: PodSpec | undefined): void {
  for (const key of ['containers', 'initContainers'] as const) {
    const [base, wanted] = [spec[key], from?.[key]];
    if (base === undefined || base.length !== wanted?.length) continue;
    spec[key] = base.map((container, index) => {
      const other = wanted[index];
      return container.name === other?.name ? withParts<Container>(container, other, ['resources']) : container;
    });
  }
}
