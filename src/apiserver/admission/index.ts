/**
 * Admission: what the server changes in, or refuses of, a request after defaults and before validation.
 *
 *   NamespaceLifecycle         first of all, in the write path itself (namespace-lifecycle.ts): nothing is made in a namespace that goes
 *   admit    NodeRestriction            a node writes its own objects only; first, so that it sees what the node sent
 *            namespace names            only warn
 *            ServiceAccount             before what looks at volumes
 *            LimitRanger                its defaults
 *            Priority
 *            DefaultTolerationSeconds   after Priority, as upstream has it
 *            RuntimeClass               overhead, and where it may run
 *            DefaultIngressClass
 *   ── mutating webhooks (webhooks/) ──
 *   settle   escalation                 who gives rights has them (upstream: the storage of the rbac kinds)
 *            CertificateSigningRequest  who asks is who is asked about; who approves may
 *   ── validation of the kind: what is malformed is refused as such, whoever asks ──
 *   confirm  LimitRanger                its limits
 *            CertificateSubjectRestriction
 *            RuntimeClass               the overhead is still its
 *            DenyServiceExternalIPs
 *            ResourceQuota              the last word: what the others filled in counts
 *   ── validating webhooks, over what will be stored ──
 *
 * The order is that of upstream (pkg/kubeapiserver/options/plugins.go): what refuses sees what webhooks made.
 */
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './request.ts';
import { certificateRequests } from './certificate-requests.ts';
import { certificateSubject } from './certificate-subject.ts';
import { confirmNoEscalation } from './escalation.ts';
import { denyServiceExternalIPs } from './external-ips.ts';
import { defaultIngressClass } from './ingress-class.ts';
import { limitDefaults, limitRanger } from './limit-ranger.ts';
import { namespaceNames } from './namespace-names.ts';
import { nodeRestriction } from './node-restriction.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './quota.ts';
import { confirmOverhead, runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { defaultTolerationSeconds } from './tolerations.ts';

export { recountQuotas } from './quota.ts';
export type { AdmissionPlugin, AdmissionRequest, AdmissionView, Requester } from './request.ts';

const changing: readonly AdmissionPlugin[] = [
  nodeRestriction,
  namespaceNames,
  serviceAccount,
  limitDefaults,
  priority,
  defaultTolerationSeconds,
  runtimeClass,
  defaultIngressClass,
];

const settling: readonly AdmissionPlugin[] = [confirmNoEscalation, certificateRequests];

const refusing: readonly AdmissionPlugin[] = [
  limitRanger,
  confirmOverhead,
  certificateSubject,
  denyServiceExternalIPs,
  resourceQuota,
];

/** Throws ApiError to refuse. Synchronous: call it inside the write transaction, with its view. */
export function admit(request: AdmissionRequest, view: AdmissionView): void {
  for (const plugin of changing) plugin(request, view);
}

/** The same, of what mutating webhooks left. */
export function settle(request: AdmissionRequest, view: AdmissionView): void {
  for (const plugin of settling) plugin(request, view);
}

/** And of what is valid. A deletion has nothing here. */
export function confirm(request: AdmissionRequest, view: AdmissionView): void {
  for (const plugin of refusing) plugin(request, view);
}
