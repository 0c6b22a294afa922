/** Priority: the number that belongs to spec.priorityClassName. Upstream: plugin/pkg/admission/priority. */
import type { AdmissionPlugin } from './request.ts';
import { forbiddenError } from '../../api/errors.ts';
import { resources } from '../../api/resources.ts';
import { bodyOf } from './request.ts';

/** There are no PriorityClass objects yet: upstream's two built-in ones. */
const builtIn: ReadonlyMap<string, number> = new Map([
  ['', 0],
  ['system-cluster-critical', 2_000_000_000],
  ['system-node-critical', 2_000_001_000],
]);

export const priority: AdmissionPlugin = (request) => {
  const pod = bodyOf(request, resources.pods, ['create']);
  if (pod?.spec === undefined) return;
  const name = pod.spec.priorityClassName ?? '';
  const value = builtIn.get(name);
  if (value === undefined) {
    throw forbiddenError(resources.pods, request.name, `no PriorityClass with name ${name} was found`);
  }
  if (pod.spec.priority !== undefined && pod.spec.priority !== value) {
    const why = `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
    throw forbiddenError(resources.pods, request.name, why);
  }
  pod.spec.priority = value;
  pod.spec.preemptionPolicy ??= 'PreemptLowerPriority';
};
