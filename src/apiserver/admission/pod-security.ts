/**
 * PodSecurity: pods keep to the level that their namespace's labels name, and so, as a warning, do templates of pods.
 *
 *   pod         enforce: refused    audit: counted    warn: a Warning header
 *   template                        audit             warn
 *   namespace   labels that mean something; a stricter `enforce` warns of the pods that are there already
 *
 * A namespace without such labels is privileged: the checks are loaded where the first label is. Upstream:
 * plugin/pkg/admission/security/podsecurity, k8s.io/pod-security-admission/admission.
 */
import { asksForPodSecurity } from '../../api/pod-security/policy.ts';
import { groupResourceOf, resources } from '../../api/resources.ts';
import { lazy } from '../../util/lazy.ts';
import type { AdmissionPlugin } from './request.ts';

const review = lazy(() => import('./pod-security-review.ts'));

const subjects: ReadonlyMap<string, 'namespace' | 'pod' | 'controller'> = new Map([
  ['namespaces', 'namespace'],
  ['pods', 'pod'],
  ...[
    resources.replicationControllers,
    resources.podTemplates,
    resources.replicaSets,
    resources.deployments,
    resources.statefulSets,
    resources.daemonSets,
    resources.jobs,
    resources.cronJobs,
  ].map((resource) => [groupResourceOf(resource), 'controller'] as const),
]);

/** Of pods; whatever else there is may change the spec. */
const ignored: ReadonlySet<string> = new Set(['binding', 'eviction', 'status']);

export const podSecurity: AdmissionPlugin = (request, view) => {
  const { object, old, verb, subresource } = request;
  const subject = subjects.get(groupResourceOf(request.resource));
  if (subject === undefined || object === undefined || (verb !== 'create' && verb !== 'update')) return;
  if (subject === 'pod' ? ignored.has(subresource) : subresource !== '') return;
  if (subject === 'namespace') {
    const asks = asksForPodSecurity(object.metadata?.labels) || asksForPodSecurity(old?.metadata.labels);
    if (asks) review().reviewNamespace(request, object, old, view);
    return;
  }
  const labels = view.get(resources.namespaces, { namespace: '', name: request.namespace })?.metadata.labels;
  if (asksForPodSecurity(labels)) review().reviewPod(request, object, labels ?? {}, subject);
  else if (subject === 'pod') {
    request.by?.server.metrics.podSecurity.add(`allow privileged latest enforce ${verb} pod ${subresource}`);
  }
};
