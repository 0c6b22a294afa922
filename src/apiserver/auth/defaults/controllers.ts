/**
 * The roles of upstream's controllers, one for each, bound to the ServiceAccount of that name in kube-system: with
 * `--use-service-account-credentials` a kube-controller-manager works with each controller's own. Ours are one process with one
 * user (own-parts.ts) and need none of these.
 * Upstream: bootstrappolicy/controller_policy.go, 1.36.
 */
import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '../../../api/gen/types.ts';
import { account, binding, events, on, read, role } from './rule.ts';

const rulesOf: Readonly<Record<string, readonly PolicyRule[]>> = {
  'attachdetach-controller': [
    on('', 'persistentvolumeclaims persistentvolumes').may('list watch'),
    on('', 'nodes').may(read),
    on('', 'nodes/status').may('patch update'),
    on('', 'pods').may('list watch'),
    events,
    on('storage.k8s.io', 'volumeattachments').may('create delete get list watch'),
    on('storage.k8s.io', 'csidrivers').may(read),
    on('storage.k8s.io', 'csinodes').may(read),
  ],
  'certificate-controller': [
    on('certificates.k8s.io', 'certificatesigningrequests').may('delete get list watch'),
    on('certificates.k8s.io', 'certificatesigningrequests/approval certificatesigningrequests/status').may('update'),
    on('certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client-kubelet').may('approve'),
    on(
      'certificates.k8s.io',
      'signers',
      'kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown',
    ).may('sign'),
    on('authorization.k8s.io', 'subjectaccessreviews').may('create'),
    events,
  ],
  'clusterrole-aggregation-controller': [
    on('rbac.authorization.k8s.io', 'clusterroles').may('escalate get list patch update watch'),
  ],
  'cronjob-controller': [
    on('batch', 'cronjobs').may('get list update watch'),
    on('batch', 'jobs').may('create delete get list patch update watch'),
    on('batch', 'cronjobs/status').may('update'),
    on('batch', 'cronjobs/finalizers').may('update'),
    on('', 'pods').may('delete list watch'),
    events,
  ],
  'daemon-set-controller': [
    on('apps,extensions', 'daemonsets').may(read),
    on('apps,extensions', 'daemonsets/status').may('update'),
    on('apps,extensions', 'daemonsets/finalizers').may('update'),
    on('', 'nodes').may('list watch'),
    on('', 'pods').may('create delete list patch watch'),
    on('', 'pods/binding').may('create'),
    on('apps', 'controllerrevisions').may('create delete get list patch update watch'),
    events,
  ],
  'deployment-controller': [
    on('apps,extensions', 'deployments').may('get list update watch'),
    on('apps,extensions', 'deployments/status').may('update'),
    on('apps,extensions', 'deployments/finalizers').may('update'),
    on('apps,extensions', 'replicasets').may('create delete get list patch update watch'),
    on('', 'pods').may('get list update watch'),
    events,
  ],
  'device-taint-eviction-controller': [
    on('', 'pods').may('delete get list watch'),
    on('', 'pods/status').may('patch update'),
    on('resource.k8s.io', 'resourceclaims').may(read),
    on('resource.k8s.io', 'resourceslices').may(read),
    on('resource.k8s.io', 'deviceclasses').may(read),
    events,
  ],
  'disruption-controller': [
    on('apps,extensions', 'deployments').may(read),
    on('apps,extensions', 'replicasets').may(read),
    on('', 'replicationcontrollers').may(read),
    on('policy', 'poddisruptionbudgets').may(read),
    on('apps', 'statefulsets').may(read),
    on('policy', 'poddisruptionbudgets/status').may('update'),
    on('', 'pods/status').may('patch update'),
    on('*', '*/scale').may('get'),
    events,
  ],
  'endpoint-controller': [
    on('', 'pods services').may(read),
    on('', 'endpoints').may('create delete get list update watch'),
    on('', 'endpoints/restricted').may('create'),
    events,
  ],
  'endpointslice-controller': [
    on('', 'nodes pods services').may(read),
    on('', 'services/finalizers').may('update'),
    on('discovery.k8s.io', 'endpointslices').may('create delete get list update watch'),
    events,
  ],
  'endpointslicemirroring-controller': [
    on('', 'endpoints services').may(read),
    on('', 'services/finalizers').may('update'),
    on('', 'endpoints/finalizers').may('update'),
    on('discovery.k8s.io', 'endpointslices').may('create delete get list update watch'),
    events,
  ],
  'ephemeral-volume-controller': [
    on('', 'pods').may(read),
    on('', 'pods/finalizers').may('update'),
    on('', 'persistentvolumeclaims').may('create get list watch'),
    events,
  ],
  'expand-controller': [
    on('', 'persistentvolumes').may('get list patch update watch'),
    on('', 'persistentvolumeclaims/status').may('patch update'),
    on('', 'persistentvolumeclaims').may(read),
    events,
  ],
  'generic-garbage-collector': [on('*', '*').may('delete get list patch update watch'), events],
  'horizontal-pod-autoscaler': [
    on('autoscaling', 'horizontalpodautoscalers').may(read),
    on('autoscaling', 'horizontalpodautoscalers/status').may('update'),
    on('*', '*/scale').may('get update'),
    on('', 'pods').may('list watch'),
    on('metrics.k8s.io', 'pods').may('list watch'),
    on('custom.metrics.k8s.io', '*').may(read),
    on('external.metrics.k8s.io', '*').may(read),
    events,
  ],
  'job-controller': [
    on('batch', 'jobs').may('get list patch update watch'),
    on('batch', 'jobs/status').may('update'),
    on('batch', 'jobs/finalizers').may('update'),
    on('', 'pods').may('create delete list patch watch'),
    events,
  ],
  'legacy-service-account-token-cleaner': [
    on('', 'configmaps', 'kube-apiserver-legacy-service-account-token-tracking').may('get'),
    on('', 'secrets').may('delete patch'),
  ],
  'namespace-controller': [
    on('', 'namespaces').may('delete get list watch'),
    on('', 'namespaces/finalize namespaces/status').may('update'),
    on('*', '*').may('delete deletecollection get list watch'),
  ],
  'node-controller': [
    on('', 'nodes').may('delete get list patch update watch'),
    on('', 'nodes/status').may('patch update'),
    on('', 'pods/status').may('patch update'),
    on('', 'pods').may('delete get list watch'),
    events,
  ],
  'persistent-volume-binder': [
    on('', 'persistentvolumes').may('create delete get list update watch'),
    on('', 'persistentvolumes/status').may('update'),
    on('', 'persistentvolumeclaims').may('get list update watch'),
    on('', 'persistentvolumeclaims/status').may('update'),
    on('', 'pods').may('create delete get list watch'),
    on('storage.k8s.io', 'storageclasses').may(read),
    on('', 'nodes').may('list watch'),
    events,
    on('', 'events').may('watch'),
  ],
  'pod-garbage-collector': [
    on('', 'pods').may('delete list watch'),
    on('', 'nodes').may(read),
    on('', 'pods/status').may('patch'),
  ],
  'pv-protection-controller': [on('', 'persistentvolumes').may('get list update watch'), events],
  'pvc-protection-controller': [
    on('', 'persistentvolumeclaims').may('get list update watch'),
    on('', 'persistentvolumeclaims/status').may('update'),
    on('', 'pods').may(read),
    events,
  ],
  'replicaset-controller': [
    on('apps,extensions', 'replicasets').may('get list update watch'),
    on('apps,extensions', 'replicasets/status').may('update'),
    on('apps,extensions', 'replicasets/finalizers').may('update'),
    on('', 'pods').may('create delete list patch watch'),
    events,
  ],
  'replication-controller': [
    on('', 'replicationcontrollers').may('get list update watch'),
    on('', 'replicationcontrollers/status').may('update'),
    on('', 'replicationcontrollers/finalizers').may('update'),
    on('', 'pods').may('create delete list patch watch'),
    events,
  ],
  'resource-claim-controller': [
    on('', 'pods').may(read),
    on('', 'pods/finalizers').may('update'),
    on('resource.k8s.io', 'resourceclaims').may('create delete get list watch'),
    on('resource.k8s.io', 'resourceclaims resourceclaims/status').may('patch update'),
    on('', 'pods/status').may('patch update'),
    events,
    on('resource.k8s.io', 'resourceclaims/binding').may('patch update'),
  ],
  'resourcequota-controller': [on('*', '*').may('list watch'), on('', 'resourcequotas/status').may('update'), events],
  'root-ca-cert-publisher': [on('', 'configmaps').may('create update'), events],
  'route-controller': [on('', 'nodes').may('list watch'), on('', 'nodes/status').may('patch'), events],
  'selinux-warning-controller': [
    events,
    on('', 'persistentvolumes').may(read),
    on('', 'persistentvolumeclaims').may(read),
    on('', 'pods').may(read),
    on('storage.k8s.io', 'csidrivers').may(read),
  ],
  'service-account-controller': [on('', 'serviceaccounts').may('create'), events],
  'service-cidrs-controller': [
    on('networking.k8s.io', 'servicecidrs').may('get list patch update watch'),
    on('networking.k8s.io', 'servicecidrs/finalizers').may('patch update'),
    on('networking.k8s.io', 'servicecidrs/status').may('patch update'),
    on('networking.k8s.io', 'ipaddresses').may(read),
    events,
  ],
  'service-controller': [
    on('', 'services').may(read),
    on('', 'services/status').may('patch update'),
    on('', 'nodes').may('list watch'),
    events,
  ],
  'statefulset-controller': [
    on('', 'pods').may('list watch'),
    on('apps', 'statefulsets').may(read),
    on('apps', 'statefulsets/status').may('update'),
    on('apps', 'statefulsets/finalizers').may('update'),
    on('', 'pods').may('create delete get patch update'),
    on('apps', 'controllerrevisions').may('create delete get list patch update watch'),
    on('', 'persistentvolumeclaims').may('create get list watch'),
    on('', 'persistentvolumeclaims').may('delete update'),
    on('', 'pods/finalizers').may('update'),
    events,
  ],
  'ttl-after-finished-controller': [on('batch', 'jobs').may('delete get list watch'), events],
  'ttl-controller': [on('', 'nodes').may('list patch update watch'), events],
  'validatingadmissionpolicy-status-controller': [
    on('admissionregistration.k8s.io', 'validatingadmissionpolicies').may(read),
    on('admissionregistration.k8s.io', 'validatingadmissionpolicies/status').may('get patch update'),
    events,
  ],
  'volumeattributesclass-protection-controller': [
    on('', 'persistentvolumeclaims').may(read),
    on('', 'persistentvolumes').may(read),
    on('storage.k8s.io', 'volumeattributesclasses').may('get list update watch'),
    events,
  ],
};

const nameOf = (controller: string): string => `system:controller:${controller}`;

export const controllerRoles: readonly ClusterRole[] = Object.entries(rulesOf).map(([controller, rules]) =>
  role(nameOf(controller), ...rules),
);

export const controllerBindings: readonly ClusterRoleBinding[] = Object.keys(rulesOf).map((controller) =>
  binding(nameOf(controller), [account('kube-system', controller)]),
);
