/** pods/ephemeralcontainers (`kubectl debug`). Upstream: podEphemeralContainersStrategy, ValidatePodEphemeralContainersUpdate. */
import type { Pod } from '../../gen/types.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField } from '../../field-errors.ts';
import type { StatusStrategy } from '../../kind.ts';
import type { Live } from '../../object.ts';
import { validateMetadataUpdate } from '../../validation/index.ts';
import { sameValue } from '../equal.ts';
import { validatePod } from './validation.ts';

const at = 'spec.ephemeralContainers';

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
    return [...validateMetadataUpdate(pod, old), ...validatePod(pod), ...validateKept(pod, old)];
  },
};

function validateKept(pod: Pod, old: Live<Pod>): FieldError[] {
  return (old.spec?.ephemeralContainers ?? []).flatMap((before) => {
    const after = (pod.spec?.ephemeralContainers ?? []).find(({ name }) => name === before.name);
    const what = `existing ephemeral containers ${JSON.stringify(before.name)} may not be`;
    if (after === undefined) return [forbiddenField(at, `${what} removed\n`)];
    return sameValue(after, before) ? [] : [forbiddenField(at, `${what} changed\n`)];
  });
}
