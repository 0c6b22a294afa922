/**
 * The compact schema of all types (gen/schema.json), loaded once on first use.
 *
 *   schemaField('ServiceSpec', 'ports') ──> { items: { ref: 'ServicePort' } }
 */
import { readFileSync } from 'node:fs';

export interface FieldSchema {
  /** `string` `integer` `number` `boolean` `int-or-string` `object` `any`. */
  readonly type?: string;
  readonly format?: string;
  /** Name of a type. */
  readonly ref?: string;
  /** A list. */
  readonly items?: FieldSchema;
  /** A map with string keys. */
  readonly values?: FieldSchema;
  readonly required?: boolean;
}

export type TypeSchema = ReadonlyMap<string, FieldSchema>;

let types: ReadonlyMap<string, TypeSchema> | undefined;

/** Fields of a type; undefined when there is no such type. */
export function typeSchema(name: string): TypeSchema | undefined {
  types ??= load();
  return types.get(name);
}

export function schemaField(type: string, field: string): FieldSchema | undefined {
  return typeSchema(type)?.get(field);
}

/** `Type.field` of what Go keeps as resource.Quantity: text or number on the wire, canonical text in the store. */
export const quantityFields: ReadonlySet<string> = new Set([
  'ResourceRequirements.limits',
  'ResourceRequirements.requests',
  'VolumeResourceRequirements.limits',
  'VolumeResourceRequirements.requests',
  'NodeStatus.capacity',
  'NodeStatus.allocatable',
  'PodSpec.overhead',
  'Overhead.podFixed',
  'ContainerStatus.allocatedResources',
  'PodStatus.allocatedResources',
  'EmptyDirVolumeSource.sizeLimit',
  'ResourceFieldSelector.divisor',
  'LimitRangeItem.default',
  'LimitRangeItem.defaultRequest',
  'LimitRangeItem.max',
  'LimitRangeItem.min',
  'LimitRangeItem.maxLimitRequestRatio',
  'ResourceQuotaSpec.hard',
  'ResourceQuotaStatus.hard',
  'ResourceQuotaStatus.used',
  'PersistentVolumeSpec.capacity',
  'PersistentVolumeClaimStatus.capacity',
  'PersistentVolumeClaimStatus.allocatedResources',
  'MetricTarget.averageValue',
  'MetricTarget.value',
  'MetricValueStatus.averageValue',
  'MetricValueStatus.value',
  'CSIStorageCapacity.capacity',
  'CSIStorageCapacity.maximumVolumeSize',
]);

/**
 * Optional texts that Go has as pointers: '' is a value of its own there. All other optional texts are dropped when
 * empty, as `omitempty` does.
 */
export const emptyTextKept: ReadonlySet<string> = new Set([
  'ServiceSpec.loadBalancerClass',
  'ServicePort.appProtocol',
  'EndpointPort.appProtocol',
  'EndpointPort.name',
  'EndpointPort.protocol',
  'CoreEndpointPort.appProtocol',
  'Endpoint.hostname',
  'Endpoint.nodeName',
  'Endpoint.zone',
  'EndpointAddress.nodeName',
  'LeaseSpec.holderIdentity',
  'LeaseSpec.preferredHolder',
  'LeaseSpec.strategy',
  'PodSpec.runtimeClassName',
  'PodSpec.hostnameOverride',
  'Container.restartPolicy',
  'GRPCAction.service',
  'PersistentVolumeClaimSpec.storageClassName',
  'PersistentVolumeClaimSpec.volumeAttributesClassName',
  'IngressSpec.ingressClassName',
  'HTTPHeader.value',
]);

/** Optional numbers and booleans that Go has by value: 0 and false are dropped. All others are pointers. */
export const zeroDropped: ReadonlySet<string> = new Set([
  'ObjectMeta.generation',
  'ServicePort.nodePort',
  'ServiceSpec.healthCheckNodePort',
  'ServiceSpec.publishNotReadyAddresses',
  'ContainerPort.hostPort',
  'Probe.initialDelaySeconds',
  'Probe.timeoutSeconds',
  'Probe.periodSeconds',
  'Probe.successThreshold',
  'Probe.failureThreshold',
  'Container.stdin',
  'Container.stdinOnce',
  'Container.tty',
  'EphemeralContainer.stdin',
  'EphemeralContainer.stdinOnce',
  'EphemeralContainer.tty',
  'VolumeMount.readOnly',
  'PodSpec.hostNetwork',
  'PodSpec.hostPID',
  'PodSpec.hostIPC',
  'PersistentVolumeClaimVolumeSource.readOnly',
  'NodeSpec.unschedulable',
  'DeploymentSpec.minReadySeconds',
  'DeploymentSpec.paused',
  'DeploymentStatus.observedGeneration',
  'DeploymentStatus.replicas',
  'DeploymentStatus.updatedReplicas',
  'DeploymentStatus.readyReplicas',
  'DeploymentStatus.availableReplicas',
  'DeploymentStatus.unavailableReplicas',
  'ReplicaSetSpec.minReadySeconds',
  'ReplicaSetStatus.observedGeneration',
  'ReplicaSetStatus.fullyLabeledReplicas',
  'ReplicaSetStatus.readyReplicas',
  'ReplicaSetStatus.availableReplicas',
  'PodStatus.observedGeneration',
  'PodCondition.observedGeneration',
  'Condition.observedGeneration',
  'Event.count',
  'EventSeries.count',
]);

/** Lists that Go writes even when they are empty. */
export const emptyListKept: ReadonlySet<string> = new Set(['EndpointSlice.endpoints', 'EndpointSlice.ports']);

/** Named string types, for Go's error texts. */
export const goStringTypes: Readonly<Record<string, string>> = {
  'ServicePort.protocol': 'v1.Protocol',
  'ContainerPort.protocol': 'v1.Protocol',
  'CoreEndpointPort.protocol': 'v1.Protocol',
  'EndpointPort.protocol': 'v1.Protocol',
  'ServiceSpec.type': 'v1.ServiceType',
  'ServiceSpec.sessionAffinity': 'v1.ServiceAffinity',
  'ServiceSpec.externalTrafficPolicy': 'v1.ServiceExternalTrafficPolicy',
  'ServiceSpec.internalTrafficPolicy': 'v1.ServiceInternalTrafficPolicy',
  'ServiceSpec.ipFamilyPolicy': 'v1.IPFamilyPolicy',
  'ServiceSpec.ipFamilies': 'v1.IPFamily',
  'PodSpec.restartPolicy': 'v1.RestartPolicy',
  'PodSpec.dnsPolicy': 'v1.DNSPolicy',
  'Container.imagePullPolicy': 'v1.PullPolicy',
  'HTTPGetAction.scheme': 'v1.URIScheme',
  'EndpointSlice.addressType': 'v1.AddressType',
  'DeploymentStrategy.type': 'v1.DeploymentStrategyType',
  'Secret.type': 'v1.SecretType',
  'ObjectMeta.uid': 'types.UID',
};

function load(): ReadonlyMap<string, TypeSchema> {
  const text = readFileSync(new URL('./gen/schema.json', import.meta.url), 'utf8');
  const raw = JSON.parse(text) as Record<string, Record<string, FieldSchema>>;
  return new Map(Object.entries(raw).map(([name, fields]) => [name, new Map(Object.entries(fields))]));
}
