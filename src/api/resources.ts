/**
 * The names of every kind that we serve or speak to: group, version, plural, kind. Nothing of their behaviour is here, so
 * that a part which only needs to watch Services (proxy, dns, lb) loads this file and no validation code.
 *
 *   resources.services ──> client.list(resources.services)            a part: typed by T
 *           └────────────> defineKind(resources.services, {...})      the API server: defaults, validation, columns (src/api/kinds)
 */
import type * as k from './gen/types.ts';
import type { KubeObject } from './object.ts';

export interface Resource<T extends KubeObject = KubeObject> {
  /** '' is the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower-case plural, as in the URL. */
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  /** Where it is not the kind with `List`. */
  readonly listKind?: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Name of the type in gen/schema.json. */
  readonly schema: string;
  /** Phantom: carries T, never set. */
  readonly object?: T;
}

interface Names {
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly schema?: string;
}

function resource<T extends KubeObject>(
  groupVersion: string,
  kind: string,
  plural: string,
  scope: 'Namespaced' | 'Cluster',
  names: Names = {},
): Resource<T> {
  const slash = groupVersion.indexOf('/');
  return {
    group: slash < 0 ? '' : groupVersion.slice(0, slash),
    version: groupVersion.slice(slash + 1),
    plural,
    singular: kind.toLowerCase(),
    kind,
    namespaced: scope === 'Namespaced',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    schema: names.schema ?? kind,
  };
}

/** `apps/v1`, or `v1` for the core group. */
export function groupVersionOf(of: Pick<Resource, 'group' | 'version'>): string {
  return of.group === '' ? of.version : `${of.group}/${of.version}`;
}

/** `services`, `deployments.apps`: how upstream's error texts name a resource. */
export function groupResourceOf(of: Pick<Resource, 'group' | 'plural'>): string {
  return of.group === '' ? of.plural : `${of.plural}.${of.group}`;
}

const all = ['all'];

export const resources = {
  namespaces: resource<k.Namespace>('v1', 'Namespace', 'namespaces', 'Cluster', { shortNames: ['ns'] }),
  nodes: resource<k.Node>('v1', 'Node', 'nodes', 'Cluster', { shortNames: ['no'] }),
  pods: resource<k.Pod>('v1', 'Pod', 'pods', 'Namespaced', { shortNames: ['po'], categories: all }),
  services: resource<k.Service>('v1', 'Service', 'services', 'Namespaced', { shortNames: ['svc'], categories: all }),
  bindings: resource<k.Binding>('v1', 'Binding', 'bindings', 'Namespaced'),
  componentStatuses: resource<k.ComponentStatus>('v1', 'ComponentStatus', 'componentstatuses', 'Cluster', {
    shortNames: ['cs'],
  }),
  endpoints: resource<k.Endpoints>('v1', 'Endpoints', 'endpoints', 'Namespaced', { shortNames: ['ep'] }),
  endpointSlices: resource<k.EndpointSlice>('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', 'Namespaced'),
  configMaps: resource<k.ConfigMap>('v1', 'ConfigMap', 'configmaps', 'Namespaced', { shortNames: ['cm'] }),
  secrets: resource<k.Secret>('v1', 'Secret', 'secrets', 'Namespaced'),
  serviceAccounts: resource<k.ServiceAccount>('v1', 'ServiceAccount', 'serviceaccounts', 'Namespaced', {
    shortNames: ['sa'],
  }),
  events: resource<k.Event>('v1', 'Event', 'events', 'Namespaced', { shortNames: ['ev'] }),
  eventsEvents: resource<k.EventsEvent>('events.k8s.io/v1', 'Event', 'events', 'Namespaced', {
    shortNames: ['ev'],
    schema: 'EventsEvent',
  }),
  leases: resource<k.Lease>('coordination.k8s.io/v1', 'Lease', 'leases', 'Namespaced'),
  deployments: resource<k.Deployment>('apps/v1', 'Deployment', 'deployments', 'Namespaced', {
    shortNames: ['deploy'],
    categories: all,
  }),
  replicaSets: resource<k.ReplicaSet>('apps/v1', 'ReplicaSet', 'replicasets', 'Namespaced', {
    shortNames: ['rs'],
    categories: all,
  }),
  clusterRoleBindings: resource<k.ClusterRoleBinding>(
    'rbac.authorization.k8s.io/v1',
    'ClusterRoleBinding',
    'clusterrolebindings',
    'Cluster',
  ),
  clusterRoles: resource<k.ClusterRole>('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', 'Cluster'),
  roleBindings: resource<k.RoleBinding>('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings', 'Namespaced'),
  roles: resource<k.Role>('rbac.authorization.k8s.io/v1', 'Role', 'roles', 'Namespaced'),
  certificateSigningRequests: resource<k.CertificateSigningRequest>(
    'certificates.k8s.io/v1',
    'CertificateSigningRequest',
    'certificatesigningrequests',
    'Cluster',
    { shortNames: ['csr'] },
  ),
  replicationControllers: resource<k.ReplicationController>(
    'v1',
    'ReplicationController',
    'replicationcontrollers',
    'Namespaced',
    { shortNames: ['rc'], categories: all },
  ),
  podTemplates: resource<k.PodTemplate>('v1', 'PodTemplate', 'podtemplates', 'Namespaced'),
  limitRanges: resource<k.LimitRange>('v1', 'LimitRange', 'limitranges', 'Namespaced', { shortNames: ['limits'] }),
  resourceQuotas: resource<k.ResourceQuota>('v1', 'ResourceQuota', 'resourcequotas', 'Namespaced', {
    shortNames: ['quota'],
  }),
  persistentVolumes: resource<k.PersistentVolume>('v1', 'PersistentVolume', 'persistentvolumes', 'Cluster', {
    shortNames: ['pv'],
  }),
  persistentVolumeClaims: resource<k.PersistentVolumeClaim>(
    'v1',
    'PersistentVolumeClaim',
    'persistentvolumeclaims',
    'Namespaced',
    { shortNames: ['pvc'] },
  ),
  daemonSets: resource<k.DaemonSet>('apps/v1', 'DaemonSet', 'daemonsets', 'Namespaced', {
    shortNames: ['ds'],
    categories: all,
  }),
  statefulSets: resource<k.StatefulSet>('apps/v1', 'StatefulSet', 'statefulsets', 'Namespaced', {
    shortNames: ['sts'],
    categories: all,
  }),
  controllerRevisions: resource<k.ControllerRevision>(
    'apps/v1',
    'ControllerRevision',
    'controllerrevisions',
    'Namespaced',
  ),
  jobs: resource<k.Job>('batch/v1', 'Job', 'jobs', 'Namespaced', { categories: all }),
  cronJobs: resource<k.CronJob>('batch/v1', 'CronJob', 'cronjobs', 'Namespaced', {
    shortNames: ['cj'],
    categories: all,
  }),
  horizontalPodAutoscalers: resource<k.HorizontalPodAutoscaler>(
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    'horizontalpodautoscalers',
    'Namespaced',
    { shortNames: ['hpa'], categories: all },
  ),
  v1HorizontalPodAutoscalers: resource<k.V1HorizontalPodAutoscaler>(
    'autoscaling/v1',
    'HorizontalPodAutoscaler',
    'horizontalpodautoscalers',
    'Namespaced',
    { shortNames: ['hpa'], categories: all, schema: 'V1HorizontalPodAutoscaler' },
  ),
  ingresses: resource<k.Ingress>('networking.k8s.io/v1', 'Ingress', 'ingresses', 'Namespaced', { shortNames: ['ing'] }),
  ingressClasses: resource<k.IngressClass>('networking.k8s.io/v1', 'IngressClass', 'ingressclasses', 'Cluster'),
  networkPolicies: resource<k.NetworkPolicy>('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', 'Namespaced', {
    shortNames: ['netpol'],
  }),
  serviceCIDRs: resource<k.ServiceCIDR>('networking.k8s.io/v1', 'ServiceCIDR', 'servicecidrs', 'Cluster'),
  ipAddresses: resource<k.IPAddress>('networking.k8s.io/v1', 'IPAddress', 'ipaddresses', 'Cluster', {
    shortNames: ['ip'],
  }),
  podDisruptionBudgets: resource<k.PodDisruptionBudget>(
    'policy/v1',
    'PodDisruptionBudget',
    'poddisruptionbudgets',
    'Namespaced',
    { shortNames: ['pdb'] },
  ),
  priorityClasses: resource<k.PriorityClass>('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', 'Cluster', {
    shortNames: ['pc'],
  }),
  runtimeClasses: resource<k.RuntimeClass>('node.k8s.io/v1', 'RuntimeClass', 'runtimeclasses', 'Cluster'),
  storageClasses: resource<k.StorageClass>('storage.k8s.io/v1', 'StorageClass', 'storageclasses', 'Cluster', {
    shortNames: ['sc'],
  }),
  csiDrivers: resource<k.CSIDriver>('storage.k8s.io/v1', 'CSIDriver', 'csidrivers', 'Cluster'),
  csiNodes: resource<k.CSINode>('storage.k8s.io/v1', 'CSINode', 'csinodes', 'Cluster'),
  csiStorageCapacities: resource<k.CSIStorageCapacity>(
    'storage.k8s.io/v1',
    'CSIStorageCapacity',
    'csistoragecapacities',
    'Namespaced',
  ),
  volumeAttachments: resource<k.VolumeAttachment>(
    'storage.k8s.io/v1',
    'VolumeAttachment',
    'volumeattachments',
    'Cluster',
  ),
  volumeAttributesClasses: resource<k.VolumeAttributesClass>(
    'storage.k8s.io/v1',
    'VolumeAttributesClass',
    'volumeattributesclasses',
    'Cluster',
    { shortNames: ['vac'] },
  ),
  flowSchemas: resource<k.FlowSchema>('flowcontrol.apiserver.k8s.io/v1', 'FlowSchema', 'flowschemas', 'Cluster'),
  priorityLevelConfigurations: resource<k.PriorityLevelConfiguration>(
    'flowcontrol.apiserver.k8s.io/v1',
    'PriorityLevelConfiguration',
    'prioritylevelconfigurations',
    'Cluster',
  ),
  deviceClasses: resource<k.DeviceClass>('resource.k8s.io/v1', 'DeviceClass', 'deviceclasses', 'Cluster'),
  resourceClaims: resource<k.ResourceClaim>('resource.k8s.io/v1', 'ResourceClaim', 'resourceclaims', 'Namespaced'),
  resourceClaimTemplates: resource<k.ResourceClaimTemplate>(
    'resource.k8s.io/v1',
    'ResourceClaimTemplate',
    'resourceclaimtemplates',
    'Namespaced',
  ),
  resourceSlices: resource<k.ResourceSlice>('resource.k8s.io/v1', 'ResourceSlice', 'resourceslices', 'Cluster'),
  apiServices: resource<k.APIService>('apiregistration.k8s.io/v1', 'APIService', 'apiservices', 'Cluster', {
    categories: ['api-extensions'],
  }),
  customResourceDefinitions: resource<k.CustomResourceDefinition>(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    'customresourcedefinitions',
    'Cluster',
    { shortNames: ['crd', 'crds'], categories: ['api-extensions'] },
  ),
  mutatingWebhookConfigurations: resource<k.MutatingWebhookConfiguration>(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
    'Cluster',
    { categories: ['api-extensions'] },
  ),
  validatingWebhookConfigurations: resource<k.ValidatingWebhookConfiguration>(
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    'validatingwebhookconfigurations',
    'Cluster',
    { categories: ['api-extensions'] },
  ),
  validatingAdmissionPolicies: resource<k.ValidatingAdmissionPolicy>(
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicy',
    'validatingadmissionpolicies',
    'Cluster',
    { categories: ['api-extensions'] },
  ),
  validatingAdmissionPolicyBindings: resource<k.ValidatingAdmissionPolicyBinding>(
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicyBinding',
    'validatingadmissionpolicybindings',
    'Cluster',
    { categories: ['api-extensions'] },
  ),
  mutatingAdmissionPolicies: resource<k.MutatingAdmissionPolicy>(
    'admissionregistration.k8s.io/v1',
    'MutatingAdmissionPolicy',
    'mutatingadmissionpolicies',
    'Cluster',
    { categories: ['api-extensions'] },
  ),
  mutatingAdmissionPolicyBindings: resource<k.MutatingAdmissionPolicyBinding>(
    'admissionregistration.k8s.io/v1',
    'MutatingAdmissionPolicyBinding',
    'mutatingadmissionpolicybindings',
    'Cluster',
    { categories: ['api-extensions'] },
  ),
} as const;
