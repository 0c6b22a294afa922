/**
 * CertificateSigningRequest: spec.username, uid, groups and extra are of who sends it; approving and signing need the verb on the
 * signer. Upstream: pkg/registry/certificates/certificates/strategy.go, plugin/pkg/admission/certificates.
 */
import type { CertificateSigningRequest } from '../../api/gen/types.ts';
import { forbiddenError } from '../../api/errors.ts';
import { sameValue } from '../../api/kinds/equal.ts';
import { resources } from '../../api/resources.ts';
import { resourceAttributes } from '../auth/attributes.ts';
import { bodyOf } from './request.ts';
import type { AdmissionPlugin, AdmissionRequest, Requester } from './request.ts';

const { group } = resources.certificateSigningRequests;

export const certificateRequester: AdmissionPlugin = (request) => {
  const csr = bodyOf(request, resources.certificateSigningRequests, ['create']);
  if (csr !== undefined) signedBy(csr, request.by);
};

export const certificateApproval: AdmissionPlugin = (request) => {
  const csr = bodyOf(request, resources.certificateSigningRequests, ['update'], 'approval');
  if (csr !== undefined) refuseUnless(request, 'approve', csr.spec.signerName);
};

export const certificateSigning: AdmissionPlugin = (request) => {
  const csr = bodyOf(request, resources.certificateSigningRequests, ['update'], 'status');
  if (csr === undefined) return;
  const old = request.old as CertificateSigningRequest | undefined;
  const issued = csr.status?.certificate !== old?.status?.certificate;
  const failed = (one: CertificateSigningRequest | undefined): unknown =>
    (one?.status?.conditions ?? []).filter(({ type }) => type === 'Failed');
  if (issued || !sameValue(failed(csr), failed(old))) refuseUnless(request, 'sign', csr.spec.signerName);
};

function signedBy({ spec }: CertificateSigningRequest, by: Requester | undefined): void {
  delete spec.uid;
  delete spec.extra;
  spec.username = by?.user.name ?? '';
  spec.groups = [...(by?.user.groups ?? [])];
  if (by?.user.uid !== undefined) spec.uid = by.user.uid;
  if (by?.user.extra !== undefined) {
    spec.extra = Object.fromEntries(Object.entries(by.user.extra).map(([key, values]) => [key, [...values]]));
  }
}

/** Of `example.com/signer`, the domain as `example.com/*` will do too. */
function refuseUnless(request: AdmissionRequest, verb: string, signer: string): void {
  if (request.by === undefined) return;
  const { user, server } = request.by;
  const names = [signer, `${signer.split('/')[0] ?? ''}/*`];
  const allowed = names.some((name) => {
    return server.authorizer.decide(user, resourceAttributes(verb, { group, resource: 'signers', name })).allowed;
  });
  if (allowed) return;
  const why = `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`;
  throw forbiddenError(request.resource, request.name, why);
}
