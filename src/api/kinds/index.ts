/**
 * The kinds that the API server serves, in the order of discovery.
 *
 *   buildKinds({ services: createServiceAllocator({...}) })   ──> one KindDefinition per kind
 */
import type { KindDefinition } from '../kind.ts';
import type { ServiceAllocator } from './service/index.ts';
import { apiServiceKind } from './apiservice.ts';
import { certificateSigningRequestKind } from './certificate-signing-request.ts';
import { configMapKind } from './configmap.ts';
import { controllerRevisionKind } from './controllerrevision.ts';
import { cronJobKind } from './cronjob.ts';
import { daemonSetKind } from './daemonset.ts';
import { customResourceDefinitionKind } from './customresourcedefinition.ts';
import { deploymentKind } from './deployment.ts';
import { endpointsKind } from './endpoints.ts';
import { endpointSliceKind } from './endpointslice.ts';
import { eventKind, eventsEventKind } from './event.ts';
import { deviceClassKind, resourceClaimKind, resourceClaimTemplateKind, resourceSliceKind } from './dra/index.ts';
import { flowSchemaKind, priorityLevelConfigurationKind } from './flowcontrol/index.ts';
import { horizontalPodAutoscalerKind, v1HorizontalPodAutoscalerKind } from './horizontalpodautoscaler.ts';
import { ingressKind } from './ingress.ts';
import { ingressClassKind } from './ingressclass.ts';
import { ipAddressKind } from './ipaddress.ts';
import type { OnIpAddressWrite } from './ipaddress.ts';
import { jobKind } from './job.ts';
import { leaseKind } from './lease.ts';
import { limitRangeKind } from './limitrange.ts';
import { namespaceKind } from './namespace.ts';
import { networkPolicyKind } from './networkpolicy.ts';
import { nodeKind } from './node.ts';
import { persistentVolumeKind } from './persistentvolume.ts';
import { persistentVolumeClaimKind } from './persistentvolumeclaim.ts';
import { podKind } from './pod/index.ts';
import { clusterRoleBindingKind, clusterRoleKind, roleBindingKind, roleKind } from './rbac/index.ts';
import { podDisruptionBudgetKind } from './poddisruptionbudget.ts';
import { podTemplateKind } from './podtemplate.ts';
import { priorityClassKind } from './priorityclass.ts';
import { replicaSetKind } from './replicaset.ts';
import { replicationControllerKind } from './replicationcontroller.ts';
import { resourceQuotaKind } from './resourcequota.ts';
import { runtimeClassKind } from './runtimeclass.ts';
import { secretKind } from './secret.ts';
import { serviceKind } from './service/index.ts';
import { serviceAccountKind } from './serviceaccount.ts';
import { serviceCidrKind } from './servicecidr.ts';
import type { OnServiceCidrWrite } from './servicecidr.ts';
import { statefulSetKind } from './statefulset.ts';
import { bindingKind, componentStatusKind } from './unstored.ts';
import {
  csiDriverKind,
  csiNodeKind,
  csiStorageCapacityKind,
  storageClassKind,
  volumeAttachmentKind,
  volumeAttributesClassKind,
} from './storage/index.ts';
import { mutatingAdmissionPolicyKind } from './mutatingadmissionpolicy.ts';
import { mutatingAdmissionPolicyBindingKind } from './mutatingadmissionpolicybinding.ts';
import { mutatingWebhookConfigurationKind, validatingWebhookConfigurationKind } from './webhookconfiguration.ts';
import { validatingAdmissionPolicyKind } from './validatingadmissionpolicy.ts';
import { validatingAdmissionPolicyBindingKind } from './validatingadmissionpolicybinding.ts';

export type { ServiceAllocator } from './service/index.ts';

export { systemPriorityClasses } from './priorityclass.ts';

/** What of a kind needs the running server: absent in tests and tools, where objects are stored as they come. */
export interface KindOptions {
  readonly services?: ServiceAllocator;
  readonly onServiceCidrWrite?: OnServiceCidrWrite;
  readonly onIpAddressWrite?: OnIpAddressWrite;
}

export function buildKinds(options: KindOptions = {}): readonly KindDefinition[] {
  return [
    bindingKind,
    componentStatusKind,
    configMapKind,
    endpointsKind,
    eventKind,
    limitRangeKind,
    namespaceKind,
    nodeKind,
    persistentVolumeClaimKind,
    persistentVolumeKind,
    podKind,
    podTemplateKind,
    replicationControllerKind,
    resourceQuotaKind,
    secretKind,
    serviceAccountKind,
    serviceKind(options.services),
    controllerRevisionKind,
    daemonSetKind,
    deploymentKind,
    replicaSetKind,
    statefulSetKind,
    horizontalPodAutoscalerKind,
    v1HorizontalPodAutoscalerKind,
    cronJobKind,
    jobKind,
    leaseKind,
    endpointSliceKind,
    eventsEventKind,
    clusterRoleBindingKind,
    clusterRoleKind,
    roleBindingKind,
    roleKind,
    certificateSigningRequestKind,
    ingressClassKind,
    ingressKind,
    ipAddressKind(options.onIpAddressWrite),
    networkPolicyKind,
    serviceCidrKind(options.onServiceCidrWrite),
    runtimeClassKind,
    podDisruptionBudgetKind,
    priorityClassKind,
    csiDriverKind,
    csiNodeKind,
    csiStorageCapacityKind,
    storageClassKind,
    volumeAttachmentKind,
    volumeAttributesClassKind,
    flowSchemaKind,
    priorityLevelConfigurationKind,
    deviceClassKind,
    resourceClaimKind,
    resourceClaimTemplateKind,
    resourceSliceKind,
    apiServiceKind,
    customResourceDefinitionKind,
    mutatingAdmissionPolicyKind,
    mutatingAdmissionPolicyBindingKind,
    mutatingWebhookConfigurationKind,
    validatingAdmissionPolicyKind,
    validatingAdmissionPolicyBindingKind,
    validatingWebhookConfigurationKind,
  ];
}
