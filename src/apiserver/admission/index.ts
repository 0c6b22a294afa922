/**
 * Admission: what the server changes in, or refuses of, a request after defaults and before validation.
 *
 *   NamespaceLifecycle         first of all, in the write path itself (namespace-lifecycle.ts): nothing is made in a namespace that goes
 *   NodeRestriction            a node writes its own objects only; first, so that it sees what the node sent
 *   escalation                 who gives rights has them (upstream: the storage of the rbac kinds)
 *   CertificateSigningRequest  who asks is who is asked about; who approves may
 *   namespace names            only warn
 *   ServiceAccount             before what looks at volumes
 *   Priority
 *   DefaultTolerationSeconds   after Priority, as upstream has it
 *   DenyServiceExternalIPs     refuses only, so last: what it sees is what would be stored
 *
 * The order is that of upstream (pkg/kubeapiserver/options/plugins.go).
 */
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './request.ts';
import { certificateRequests } from './certificate-requests.ts';
import { confirmNoEscalation } from './escalation.ts';
import { denyServiceExternalIPs } from './external-ips.ts';
import { defaultIngressClass } from './ingress-class.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceNames } from './namespace-names.ts';
import { nodeRestriction } from './node-restriction.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './quota.ts';
import { serviceAccount } from './service-account.ts';
import { defaultTolerationSeconds } from './tolerations.ts';

export { recountQuotas } from './quota.ts';
export type { AdmissionPlugin, AdmissionRequest, AdmissionView, Requester } from './request.ts';

const plugins: readonly AdmissionPlugin[] = [
  nodeRestriction,
  confirmNoEscalation,
  certificateRequests,
  namespaceNames,
  serviceAccount,
  limitRanger,
  priority,
  defaultTolerationSeconds,
  defaultIngressClass,
  denyServiceExternalIPs,
  // The last word: what the others filled in counts.
  resourceQuota,
];

/** Throws ApiError to refuse. Synchronous: call it inside the write transaction or right before, with the same view. */
export function admit(request: AdmissionRequest, view: AdmissionView): void {
  for (const plugin of plugins) plugin(request, view);
}
