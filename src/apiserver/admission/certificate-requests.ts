/**
 * CertificateSigningRequest: spec.username, uid, groups and extra are of who sends it; approving and signing need the verb on the
 * signer. Upstream: pkg/registry/certificates/certificates/strategy.go, plugin/pkg/admission/certificates.
 */
import type { CertificateSigningRequest } from '../../api/gen/types.ts';
import { forbiddenError } from '../../api/errors.ts';
import { sameValue } from '../../api/kinds/equal.ts';
import { resources } from '../../api/resources.ts';
import { resourceAttributes } from '../auth/attributes.ts';
import type { AdmissionPlugin, AdmissionRequest, Requester } from './request.ts';

const { group, plural } = resources.certificateSigningRequests;

export const certificateRequests: AdmissionPlugin = (request) => {
  const { resource, object, by, verb, subresource } = request;
  if (resource.group !== group || resource.plural !== plural || object === undefined) return;
  const csr = object as CertificateSigningRequest;
  if (verb === 'create') signedBy(csr, by);
  if (by === undefined || verb !== 'update') return;
  if (subresource === 'approval') refuseUnless(request, by, 'approve', csr.spec.signerName);
  if (subresource !== 'status') return;
  const old = request.old as CertificateSigningRequest | undefined;
  const issued = csr.status?.certificate !== old?.status?.certificate;
  const failed = (one: CertificateSigningRequest | undefined): unknown =>
    (one?.status?.conditions ?? []).filter(({ type }) => type === 'Failed');
  if (issued || !sameValue(failed(csr), failed(old))) refuseUnless(request, by, 'sign', csr.spec.signerName);
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
function refuseUnless(request: AdmissionRequest, { user, server }: Requester, verb: string, signer: string): void {
  const names = [signer, `${signer.split('/')[0] ?? ''}/*`];
  const allowed = names.some((name) => {
    return server.authorizer.decide(user, resourceAttributes(verb, { group, resource: 'signers', name })).allowed;
  });
  if (allowed) return;
  const why = `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`;
  throw forbiddenError(request.resource, request.name, why);
}
