/** core/v1 Pod. Upstream: pkg/registry/core/pod/strategy.go. */
import type { Pod, PodCondition, PodStatus } from '../../gen/types.ts';
import { defineKind } from '../../kind.ts';
import { resources } from '../../resources.ts';
import { timeText } from '../../time.ts';
import { sameValue } from '../equal.ts';
import { podColumns } from './columns.ts';
import { setPodDefaults } from './defaults.ts';
import { ephemeralContainers } from './ephemeral.ts';
import { applyLabelKeys } from './label-keys.ts';
import { qosClass } from './qos.ts';
import { podResize } from './resize.ts';
import { validatePodStatus, validatePodUpdate } from './update.ts';
import { validatePodCreate } from './validation.ts';
import { takeAppArmorAnnotations } from './app-armor.ts';
import { podWarnings } from './warnings.ts';
import { clone } from '../../clone.ts';

export { setPodSpecDefaults } from './defaults.ts';
export { validatePodTemplate } from './validation.ts';
export { validateHostPath } from './volumes.ts';
export { podTemplateWarnings } from './warnings.ts';

export const podKind = defineKind<Pod>({
  resource: resources.pods,
  returnsDeleted: true,
  applyDefaults: setPodDefaults,
  prepareForCreate(pod, warnings = []) {
    pod.metadata = { ...pod.metadata, generation: 1 };
    pod.status = { phase: 'Pending', qosClass: qosClass(pod.spec ?? { containers: [] }), ...gatedStatus(pod) };
    applyLabelKeys(pod);
    takeAppArmorAnnotations(pod, warnings);
  },
  prepareForUpdate(pod, old) {
    pod.status = clone(old.status ?? {});
    const before = old.metadata.generation ?? 1;
    const generation = sameValue(pod.spec, old.spec) ? before : before + 1;
    pod.metadata = { ...pod.metadata, generation };
  },
  validate: validatePodCreate,
  warnings: (pod, old) => (old === undefined ? podWarnings(pod) : []),
  validateUpdate: validatePodUpdate,
  status: {
    prepareForUpdate(pod, old) {
      pod.spec = clone(old.spec ?? { containers: [] });
      pod.metadata = { ...pod.metadata, generation: old.metadata.generation };
      // Fixed at creation.
      pod.status = { ...pod.status, qosClass: old.status?.qosClass };
    },
    validateUpdate: validatePodStatus,
  },
  ephemeralcontainers: ephemeralContainers,
  resize: podResize,
  columns: podColumns,
  fieldSelectors: {
    'spec.nodeName': (pod) => pod.spec?.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec?.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIP ?? '',
    'status.podIPs': (pod) => pod.status?.podIP ?? '',
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  graceSeconds(pod) {
    // Nobody runs it (yet, or any more): gone at once.
    const { phase } = pod.status ?? {};
    if ((pod.spec?.nodeName ?? '') === '' || phase === 'Succeeded' || phase === 'Failed') return undefined;
    const seconds = pod.spec?.terminationGracePeriodSeconds ?? 30;
    return seconds < 0 ? 1 : seconds;
  },
  unconditionalUpdate: true,
});

/** Upstream: applySchedulingGatedCondition. */
function gatedStatus({ spec }: Pod): Pick<PodStatus, 'conditions'> {
  if ((spec?.schedulingGates ?? []).length === 0) return {};
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    lastTransitionTime: timeText(Date.now()),
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
  };
  return { conditions: [condition] };
}
