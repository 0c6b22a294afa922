/**
 * CertificateSubjectRestriction: nobody becomes an administrator by having a client certificate signed.
 * Upstream: plugin/pkg/admission/certificates/subjectrestriction.
 */
import { certificateRequestModule } from '../../api/certificates/lazy.ts';
import { forbiddenError } from '../../api/errors.ts';
import { resources } from '../../api/resources.ts';
import { bodyOf } from './request.ts';
import type { AdmissionPlugin } from './request.ts';

const clientSigner = 'kubernetes.io/kube-apiserver-client';
const administrators = 'system:masters';

export const certificateSubject: AdmissionPlugin = (request) => {
  const csr = bodyOf(request, resources.certificateSigningRequests, ['create']);
  if (csr?.spec.signerName !== clientSigner) return;
  if (!organizationsOf(request, csr.spec.request).includes(administrators)) return;
  const why = `use of ${clientSigner} signer with ${administrators} group is not allowed`;
  throw forbiddenError(request.resource, request.name, why);
};

function organizationsOf({ resource, name }: Parameters<AdmissionPlugin>[0], encoded: string): readonly string[] {
  const { requestFacts } = certificateRequestModule();
  try {
    return requestFacts(Buffer.from(encoded, 'base64').toString('latin1')).organizations;
  } catch (error) {
    throw forbiddenError(resource, name, `failed to parse CSR: ${(error as Error).message}`);
  }
}
