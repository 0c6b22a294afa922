/**
 * Signs approved CertificateSigningRequests of the signers that the cluster's CA is for. Upstream: pkg/controller/certificates/signer.
 *
 *   create ─ /approval: Approved ─> signed: status.certificate        not what the signer wants ─> Failed, SignerValidationFailure
 */
import type { CertificateSigningRequest } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { timeText } from '../../api/time.ts';
import { startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites, update } from '../writes.ts';
import type { SigningOptions } from '../options.ts';
import { hasTrueCondition } from './conditions.ts';
import { signerRules } from './signers.ts';

type Csr = Live<CertificateSigningRequest>;

const yearSeconds = 365 * 86_400;
const leastSeconds = 600;

export function runCertificateSigning(context: ControllerContext): void {
  const { signing } = context.options;
  if (signing === undefined) return;
  const requests = context.views.of(resources.certificateSigningRequests);
  const writer = context.writer('certificate-controller');

  const work = async (name: string): Promise<void> => {
    const csr = requests.get({ namespace: '', name });
    if (csr === undefined || !isToSign(csr)) return;
    const status = await answer(signing, csr);
    const next = { ...csr, status: { ...csr.status, ...status } } as CertificateSigningRequest;
    await applyWrites(writer, [update(resources.certificateSigningRequests, next, 'status')]);
  };
  const queue = startLoop(context, 'csrsigning', { views: [requests], work });
  requests.onChange((csr) => {
    if (csr !== undefined && isToSign(csr)) queue.add(csr.metadata.name);
  });
}

function isToSign(csr: Csr): boolean {
  if ((csr.status?.certificate ?? '') !== '' || !signerRules.has(csr.spec.signerName)) return false;
  return hasTrueCondition(csr, 'Approved') && !hasTrueCondition(csr, 'Denied') && !hasTrueCondition(csr, 'Failed');
}

async function answer(signing: SigningOptions, { spec, status }: Csr): Promise<CertificateSigningRequest['status']> {
  const [{ requestFacts }, { signRequest }] = await Promise.all([
    import('../../api/certificates/request.ts'),
    import('./authority.ts'),
  ]);
  const request = Buffer.from(spec.request, 'base64').toString('latin1');
  const usages = spec.usages ?? [];
  const why = signerRules.get(spec.signerName)?.(requestFacts(request), usages);
  if (why !== undefined) {
    const failed = {
      type: 'Failed',
      status: 'True',
      reason: 'SignerValidationFailure',
      message: why,
      lastUpdateTime: timeText(Date.now()),
    };
    return { conditions: [...(status?.conditions ?? []), failed] };
  }
  const longest = signing.durationSeconds ?? yearSeconds;
  const seconds = Math.min(longest, Math.max(leastSeconds, spec.expirationSeconds ?? longest));
  const certificate = await signRequest(signing, { request, usages, lifeMs: seconds * 1000 });
  return { certificate: Buffer.from(certificate).toString('base64') };
}
