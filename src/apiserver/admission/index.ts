/**
 * Admission: what the server changes in, or refuses of, a request after defaults and before validation.
 *
 *   NamespaceLifecycle         first of all, in the write path itself (namespace-lifecycle.ts): nothing is made in a namespace that goes
 *   admit    NodeRestriction            a node writes its own objects only; first, so that it sees what the node sent
 *            namespace names            only warn
 *            ServiceAccount             before what looks at volumes
 *            LimitRanger                its defaults
 *            TaintNodesByCondition      a new node takes no pods yet
 *            Priority
 *            DefaultTolerationSeconds   after Priority, as upstream has it
 *            DefaultStorageClass
 *            StorageObjectInUseProtection   finalizers, which loops take away
 *            RuntimeClass               overhead, and where it may run
 *            DefaultIngressClass
 *            PodTopologyLabels          zone and region of the node that a pod is bound to
 *   ── mutating policies (policies/), mutating webhooks (webhooks/); what they change is admitted once more (reinvocation.ts) ──
 *   settle   escalation                 who gives rights has them (upstream: the storage of the rbac kinds)
 *            CertificateSigningRequest  who asks is who is asked about (upstream: their storage)
 *            CertificateApproval, CertificateSigning   who approves and signs may
 *   ── validation of the kind: what is malformed is refused as such, whoever asks ──
 *   confirm  LimitRanger                its limits
 *            PodSecurity                the level that the namespace's labels name
 *            PersistentVolumeClaimResize
 *            RuntimeClass               the overhead is still its
 *            CertificateSubjectRestriction
 *            DenyServiceExternalIPs
 *            NodeDeclaredFeatureValidator   what the node must be able to do for an update
 *            PodResizeValidator         the node has room
 *            ResourceQuota              the last word: what the others filled in counts
 *            policy params              who has them looked at may look himself
 *   ── validating webhooks, over what will be stored ──
 *
 * The order is that of upstream (pkg/kubeapiserver/options/plugins.go): what refuses sees what webhooks made.
 */
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './request.ts';
import { certificateApproval, certificateRequester, certificateSigning } from './certificate-requests.ts';
import { certificateSubject } from './certificate-subject.ts';
import { confirmNoEscalation } from './escalation.ts';
import { denyServiceExternalIPs } from './external-ips.ts';
import { defaultIngressClass } from './ingress-class.ts';
import { limitDefaults, limitRanger } from './limit-ranger.ts';
import { namespaceNames } from './namespace-names.ts';
import { nodeRestriction } from './node-restriction.ts';
import { nodeTaint } from './node-taint.ts';
import { nodeDeclaredFeatures, podResize } from './pod-resize.ts';
import { podSecurity } from './pod-security.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { policyParams } from './policy-params.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './quota.ts';
import { confirmOverhead, runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { claimResize, defaultStorageClass } from './storage-class.ts';
import { storageProtection } from './storage-protection.ts';
import { defaultTolerationSeconds } from './tolerations.ts';

export { recountQuotas } from './quota.ts';
export type { AdmissionPlugin, AdmissionRequest, AdmissionView, Requester } from './request.ts';

/** By its name for the start options; '': not upstream's, and never off. */
type Step = readonly [name: string, plugin: AdmissionPlugin];

const changing: readonly Step[] = [
  ['NodeRestriction', nodeRestriction],
  ['', namespaceNames],
  ['ServiceAccount', serviceAccount],
  ['LimitRanger', limitDefaults],
  ['TaintNodesByCondition', nodeTaint],
  ['Priority', priority],
  ['DefaultTolerationSeconds', defaultTolerationSeconds],
  ['DefaultStorageClass', defaultStorageClass],
  ['StorageObjectInUseProtection', storageProtection],
  ['RuntimeClass', runtimeClass],
  ['DefaultIngressClass', defaultIngressClass],
  ['PodTopologyLabels', podTopologyLabels],
];

const settling: readonly Step[] = [
  ['', confirmNoEscalation],
  ['', certificateRequester],
  ['CertificateApproval', certificateApproval],
  ['CertificateSigning', certificateSigning],
];

const refusing: readonly Step[] = [
  ['LimitRanger', limitRanger],
  ['PodSecurity', podSecurity],
  ['PersistentVolumeClaimResize', claimResize],
  ['RuntimeClass', confirmOverhead],
  ['CertificateSubjectRestriction', certificateSubject],
  ['DenyServiceExternalIPs', denyServiceExternalIPs],
  ['NodeDeclaredFeatureValidator', nodeDeclaredFeatures],
  ['PodResizeValidator', podResize],
  ['ResourceQuota', resourceQuota],
  ['', policyParams],
];

/** Throws ApiError to refuse. Synchronous: call it inside the write transaction, with its view. */
export function admit(request: AdmissionRequest, view: AdmissionView): void {
  run(changing, request, view);
}

/** The same, of what mutating webhooks left. */
export function settle(request: AdmissionRequest, view: AdmissionView): void {
  run(settling, request, view);
}

/** And of what is valid. A deletion has nothing here. */
export function confirm(request: AdmissionRequest, view: AdmissionView): void {
  run(refusing, request, view);
}

function run(steps: readonly Step[], request: AdmissionRequest, view: AdmissionView): void {
  const off = request.by?.server.options?.disabledAdmission;
  for (const [name, plugin] of steps) if (off?.includes(name) !== true) plugin(request, view);
}
