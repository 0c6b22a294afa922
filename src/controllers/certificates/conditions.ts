/** Conditions of a CertificateSigningRequest. */
import type { CertificateSigningRequest } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';

export function hasTrueCondition({ status }: Live<CertificateSigningRequest>, type: string): boolean {
  return (status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
}
