/** pods/ephemeralcontainers (`kubectl debug`). Upstream: podEphemeralContainersStrategy, ValidatePodEphemeralContainersUpdate. */
import type { EphemeralContainer, Pod } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, forbiddenField, notFoundField } from '../../field-errors.ts';
import type { StatusStrategy } from '../../kind.ts';
import type { Live } from '../../object.ts';
import { validateMetadataUpdate } from '../../validation/index.ts';
import { sameValue } from '../equal.ts';
import { validateContainers } from './containers.ts';

const at = 'spec.ephemeralContainers';
/** What promises something for longer than a look lasts. */
const refusedFields = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const;

export const ephemeralContainers: StatusStrategy<Pod> = {
  /** Only they come from the request, everything else stays as it is. */
  prepareForUpdate(pod, old) {
    const wanted = pod.spec?.ephemeralContainers;
    const spec = { ...structuredClone(old.spec ?? { containers: [] }), ephemeralContainers: wanted };
    if (wanted === undefined) delete spec.ephemeralContainers;
    const before = old.metadata.generation ?? 1;
    const generation = sameValue(spec, old.spec) ? before : before + 1;
    const { resourceVersion } = pod.metadata ?? {};
    pod.metadata = { ...structuredClone(old.metadata), resourceVersion, generation };
    pod.spec = spec;
    pod.status = structuredClone(old.status ?? {});
  },
  validateUpdate(pod, old) {
    return [...validateMetadataUpdate(pod, old), ...validateEphemeral(pod), ...validateKept(pod, old)];
  },
};

function validateEphemeral(pod: Pod): FieldError[] {
  const { spec } = pod;
  const list = spec?.ephemeralContainers ?? [];
  const others = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(({ name }) => name);
  const volumes = new Set((spec?.volumes ?? []).map(({ name }) => name));
  const context = { at, volumes, hostNetwork: spec?.hostNetwork === true, init: true };
  const own = list.flatMap((container, index) => [
    ...(others.includes(container.name) ? [duplicateField(`${at}[${String(index)}].name`, container.name)] : []),
    ...validateOne(container, `${at}[${String(index)}]`, others),
  ]);
  return [...own, ...validateContainers(list.map(plain), context)];
}

function validateOne(
  container: EphemeralContainer,
  path: string,
  others: readonly (string | undefined)[],
): FieldError[] {
  const why = 'cannot be set for an Ephemeral Container';
  const target = container.targetContainerName ?? '';
  const errors: FieldError[] = [];
  if (target !== '' && !others.includes(target)) errors.push(notFoundField(`${path}.targetContainerName`, target));
  for (const field of refusedFields) {
    const value = container[field];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0))
      errors.push(forbiddenField(`${path}.${field}`, why));
  }
  if (Object.keys(container.resources ?? {}).length > 0) errors.push(forbiddenField(`${path}.resources`, why));
  (container.volumeMounts ?? []).forEach((mount, index) => {
    const place = `${path}.volumeMounts[${String(index)}]`;
    if ((mount.subPath ?? '') !== '') errors.push(forbiddenField(`${place}.subPath`, why));
    if ((mount.subPathExpr ?? '') !== '') errors.push(forbiddenField(`${place}.subPathExpr`, why));
  });
  return errors;
}

/** What is refused by name is not checked a second time. */
function plain({ targetContainerName: _target, ...container }: EphemeralContainer): EphemeralContainer {
  const copy = { ...container };
  for (const field of refusedFields) delete copy[field];
  return copy;
}

function validateKept(pod: Pod, old: Live<Pod>): FieldError[] {
  return (old.spec?.ephemeralContainers ?? []).flatMap((before) => {
    const after = (pod.spec?.ephemeralContainers ?? []).find(({ name }) => name === before.name);
    const what = `existing ephemeral containers ${JSON.stringify(before.name)} may not be`;
    if (after === undefined) return [forbiddenField(at, `${what} removed\n`)];
    return sameValue(after, before) ? [] : [forbiddenField(at, `${what} changed\n`)];
  });
}
