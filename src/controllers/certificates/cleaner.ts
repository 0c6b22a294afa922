/**
 * Removes CertificateSigningRequests that are over: decided an hour ago, undecided or unsigned for a day, or run out.
 * Upstream: pkg/controller/certificates/cleaner.
 */
import { X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import { startLoop } from '../context.ts';
import type { ControllerContext } from '../context.ts';
import { applyWrites, remove } from '../writes.ts';

type Csr = Live<CertificateSigningRequest>;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export function runCertificateCleaner(context: ControllerContext): void {
  const requests = context.views.of(resources.certificateSigningRequests);
  const writer = context.writer('certificate-controller');
  const work = async (name: string): Promise<void> => {
    const csr = requests.get({ namespace: '', name });
    if (csr === undefined) return;
    if (isOver(csr, Date.now())) {
      await applyWrites(writer, [remove(resources.certificateSigningRequests, csr)]);
      return;
    }
    queue.addAfter(name, hourMs);
  };
  const queue = startLoop(context, 'csrcleaner', { views: [requests], work });
  requests.onChange((csr) => {
    if (csr !== undefined) queue.add(csr.metadata.name);
  });
}

/** `now` in ms. */
export function isOver(csr: Csr, now: number): boolean {
  const { conditions = [], certificate = '' } = csr.status ?? {};
  const isOlder = (time: string | undefined, ms: number): boolean => time !== undefined && now - Date.parse(time) > ms;
  const decided = (type: string, ms: number): boolean =>
    conditions.some((condition) => condition.type === type && isOlder(condition.lastUpdateTime, ms));
  if (conditions.length === 0) return isOlder(csr.metadata.creationTimestamp, dayMs);
  if (decided('Denied', hourMs) || decided('Failed', hourMs)) return true;
  if (certificate === '') return decided('Approved', dayMs);
  return decided('Approved', hourMs) || (endOf(certificate) ?? Infinity) < now;
}

function endOf(certificate: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(Buffer.from(certificate, 'base64')).validTo);
  } catch {
    return undefined;
  }
}
