/** Priority: the number that belongs to spec.priorityClassName. Upstream: plugin/pkg/admission/priority. */
import type { PriorityClass } from '../../api/gen/types.ts';
import type { AdmissionPlugin, AdmissionView } from './request.ts';
import { forbiddenError } from '../../api/errors.ts';
import { resources } from '../../api/resources.ts';
import { bodyOf } from './request.ts';

export const priority: AdmissionPlugin = (request, view) => {
  refuseSecondDefault(request, view);
  const pod = bodyOf(request, resources.pods, ['create']);
  if (pod?.spec === undefined) return;
  const name = pod.spec.priorityClassName ?? '';
  const found = name === '' ? globalDefault(view) : view.get(resources.priorityClasses, { namespace: '', name });
  if (name !== '' && found === undefined) {
    throw forbiddenError(resources.pods, request.name, `no PriorityClass with name ${name} was found`);
  }
  const value = found?.value ?? 0;
  if (pod.spec.priority !== undefined && pod.spec.priority !== value) {
    const why = `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
    throw forbiddenError(resources.pods, request.name, why);
  }
  const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
  if (pod.spec.preemptionPolicy !== undefined && pod.spec.preemptionPolicy !== policy) {
    const why = `the string value of PreemptionPolicy (${pod.spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`;
    throw forbiddenError(resources.pods, request.name, why);
  }
  if (found?.metadata?.name !== undefined) pod.spec.priorityClassName = found.metadata.name;
  pod.spec.priority = value;
  pod.spec.preemptionPolicy = policy;
};

/** Of several the one with the lowest value. */
function globalDefault(view: AdmissionView): PriorityClass | undefined {
  let lowest: PriorityClass | undefined;
  for (const one of view.list(resources.priorityClasses)) {
    if (one.globalDefault !== true) continue;
    if (lowest === undefined || (one.value ?? 0) < (lowest.value ?? 0)) lowest = one;
  }
  return lowest;
}

const refuseSecondDefault: AdmissionPlugin = (request, view) => {
  const body = bodyOf(request, resources.priorityClasses, ['create', 'update']);
  if (body?.globalDefault !== true) return;
  const known = globalDefault(view)?.metadata?.name;
  if (known === undefined || known === request.name) return;
  const why = `PriorityClass ${known} is already marked as default. Only one default can exist`;
  throw forbiddenError(resources.priorityClasses, request.name, why);
};
