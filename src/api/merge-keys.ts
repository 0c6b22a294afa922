/**
 * Lists that strategic merge patch merges instead of replacing, by hand from the `patchStrategy` and `patchMergeKey` tags of
 * k8s.io/api (release-1.36): `Type.field` → the key that identifies an element, '' for lists of plain values (sets).
 * A list that is not here is replaced as a whole: tolerations, Endpoints.subsets, EndpointSlice.endpoints, taints, args, …
 */
const container = { env: 'name', ports: 'containerPort', volumeDevices: 'devicePath', volumeMounts: 'mountPath' };
const conditions = { conditions: 'type' };

const table: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ObjectMeta: { finalizers: '', ownerReferences: 'uid' },
  Container: container,
  EphemeralContainer: container,
  PodSpec: {
    containers: 'name',
    ephemeralContainers: 'name',
    hostAliases: 'ip',
    imagePullSecrets: 'name',
    initContainers: 'name',
    resourceClaims: 'name',
    schedulingGates: 'name',
    topologySpreadConstraints: 'topologyKey',
    volumes: 'name',
  },
  PodStatus: { ...conditions, hostIPs: 'ip', podIPs: 'ip', resourceClaimStatuses: 'name' },
  NodeSpec: { podCIDRs: '' },
  NodeStatus: { ...conditions, addresses: 'type' },
  ServiceSpec: { ports: 'port' },
  ServiceStatus: conditions,
  ServiceAccount: { secrets: 'name' },
  NamespaceStatus: conditions,
  DeploymentStatus: conditions,
  ReplicaSetStatus: conditions,
  ReplicationControllerStatus: conditions,
  DaemonSetStatus: conditions,
  StatefulSetStatus: conditions,
  JobStatus: conditions,
  PersistentVolumeClaimStatus: conditions,
  PodDisruptionBudgetStatus: conditions,
  HorizontalPodAutoscalerStatus: conditions,
  ServiceCIDRStatus: conditions,
  ComponentStatus: conditions,
  CSINodeSpec: { drivers: 'name' },
  ValidatingWebhookConfiguration: { webhooks: 'name' },
  MutatingWebhookConfiguration: { webhooks: 'name' },
  ValidatingWebhook: { matchConditions: 'name' },
  MutatingWebhook: { matchConditions: 'name' },
  ValidatingAdmissionPolicySpec: { matchConditions: 'name', variables: 'name' },
  MutatingAdmissionPolicySpec: { matchConditions: 'name' },
  FlowSchemaStatus: conditions,
  PriorityLevelConfigurationStatus: conditions,
  APIServiceStatus: conditions,
  ContainerStatus: { allocatedResourcesStatus: 'name', volumeMounts: 'mountPath' },
  JSONSchemaProps: { 'x-kubernetes-validations': 'rule' },
};

/** The other strategies of those tags: what clients are told, and `replace`, which a patch of the field means. */
const strategies: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  PodSpec: { resourceClaims: 'merge,retainKeys', volumes: 'merge,retainKeys' },
  PodStatus: { resourceClaimStatuses: 'merge,retainKeys' },
  DeploymentSpec: { strategy: 'retainKeys' },
  PodDisruptionBudgetSpec: { selector: 'replace' },
};

/** undefined: the list is replaced. '': a set of plain values. */
export function mergeKey(type: string | undefined, field: string): string | undefined {
  return type === undefined ? undefined : table[type]?.[field];
}

/** undefined: fields merge, lists are replaced. */
export function patchStrategy(type: string | undefined, field: string): string | undefined {
  if (type === undefined) return undefined;
  return strategies[type]?.[field] ?? (mergeKey(type, field) === undefined ? undefined : 'merge');
}
