/**
 * RuntimeClass: a pod that names one takes its overhead and where it may run. Upstream: plugin/pkg/admission/runtimeclass.
 */
import type { Pod, RuntimeClass, Toleration } from '../../api/gen/types.ts';
import { clone } from '../../api/clone.ts';
import { forbiddenError } from '../../api/errors.ts';
import { sameValue } from '../../api/kinds/equal.ts';
import { resources } from '../../api/resources.ts';
import { bodyOf } from './request.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './request.ts';

export const runtimeClass: AdmissionPlugin = (request, view) => {
  const pod = bodyOf(request, resources.pods, ['create']);
  const found = classOf(request, pod, view);
  if (pod?.spec === undefined || found === undefined) return;
  const { overhead, scheduling } = found;
  if (overhead !== undefined) {
    const given = Object.keys(pod.spec.overhead ?? {}).length > 0;
    if (given && !sameValue(pod.spec.overhead, overhead.podFixed)) throw mismatch(request);
    if (overhead.podFixed !== undefined) pod.spec.overhead = clone(overhead.podFixed);
  }
  if (scheduling === undefined) return;
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = pod.spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`;
      throw forbiddenError(resources.pods, request.name, why);
    }
    (pod.spec.nodeSelector ??= {})[key] = value;
  }
  const tolerations = merged(pod.spec.tolerations ?? [], scheduling.tolerations ?? []);
  if (tolerations.length > 0) pod.spec.tolerations = tolerations;
};

/** What webhooks made of it still fits. */
export const confirmOverhead: AdmissionPlugin = (request, view) => {
  const pod = bodyOf(request, resources.pods, ['create']);
  const overhead = classOf(request, pod, view)?.overhead;
  if (pod === undefined) return;
  if (overhead !== undefined && !sameValue(overhead.podFixed, pod.spec?.overhead)) throw mismatch(request);
  if (overhead === undefined && pod.spec?.overhead !== undefined) {
    const why = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead';
    throw forbiddenError(resources.pods, request.name, why);
  }
};

function classOf({ name }: AdmissionRequest, pod: Pod | undefined, view: AdmissionView): RuntimeClass | undefined {
  const wanted = pod?.spec?.runtimeClassName;
  if (wanted === undefined) return undefined;
  const found = view.get(resources.runtimeClasses, { namespace: '', name: wanted });
  if (found !== undefined) return found;
  throw forbiddenError(resources.pods, name, `pod rejected: RuntimeClass ${JSON.stringify(wanted)} not found`);
}

function mismatch({ name }: AdmissionRequest): Error {
  const why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
  return forbiddenError(resources.pods, name, why);
}

function merged(own: readonly Toleration[], more: readonly Toleration[]): Toleration[] {
  return [...own, ...more.filter((one) => !own.some((known) => sameValue(known, one))).map((one) => clone(one))];
}
