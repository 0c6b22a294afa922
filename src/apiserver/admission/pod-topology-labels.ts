/**
 * PodTopologyLabels: a pod carries the zone and the region of its node, from when it is bound. Upstream:
 * plugin/pkg/admission/podtopologylabels, which writes them into the Binding.
 */
import type { Pod } from '../../api/gen/types.ts';
import { resources } from '../../api/resources.ts';
import type { AdmissionPlugin } from './request.ts';
import { bodyOf } from './request.ts';

const topology = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

export const podTopologyLabels: AdmissionPlugin = (request, view) => {
  const pod: Pod | undefined =
    bodyOf(request, resources.pods, ['create']) ?? bodyOf(request, resources.pods, ['update'], 'binding');
  const name = pod?.spec?.nodeName ?? '';
  if (pod === undefined || name === '') return;
  const labels = view.get(resources.nodes, { namespace: '', name })?.metadata.labels ?? {};
  for (const key of topology) {
    const value = labels[key];
    if (value !== undefined) pod.metadata = { ...pod.metadata, labels: { ...pod.metadata?.labels, [key]: value } };
  }
};
