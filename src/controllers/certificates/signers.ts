/**
 * What each signer of kubernetes.io wants of a request; all other signers are other people's. Upstream: pkg/apis/certificates/helpers.go,
 * pkg/controller/certificates/signer/signer.go.
 */
import type { RequestFacts } from '../../api/certificates/request.ts';

/** Why a request is not good; undefined: it is. */
export type SignerRule = (request: RequestFacts, usages: readonly string[]) => string | undefined;

export const signerRules: ReadonlyMap<string, SignerRule> = new Map<string, SignerRule>([
  ['kubernetes.io/kube-apiserver-client', (_request, usages) => whyNotClientUsages(usages)],
  ['kubernetes.io/kube-apiserver-client-kubelet', whyNotKubeletClient],
  ['kubernetes.io/kubelet-serving', whyNotKubeletServing],
]);

function whyNotClientUsages(usages: readonly string[]): string | undefined {
  const allowed = ['digital signature', 'key encipherment', 'client auth'];
  const other = usages.find((usage) => !allowed.includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

function whyNotKubeletClient(request: RequestFacts, usages: readonly string[]): string | undefined {
  return (
    whyNotNodes(request) ??
    (request.dnsNames.length > 0 ? 'DNS subjectAltNames are not allowed' : undefined) ??
    (request.emails.length > 0 ? 'Email subjectAltNames are not allowed' : undefined) ??
    (request.addresses.length > 0 ? 'IP subjectAltNames are not allowed' : undefined) ??
    (request.uris.length > 0 ? 'URI subjectAltNames are not allowed' : undefined) ??
    whyNotNodeName(request) ??
    whyNotUsages(usages, 'client auth')
  );
}

function whyNotKubeletServing(request: RequestFacts, usages: readonly string[]): string | undefined {
  const named = request.dnsNames.length > 0 || request.addresses.length > 0;
  return (
    whyNotNodes(request) ??
    (named ? undefined : 'DNS or IP subjectAltName is required') ??
    (request.emails.length > 0 ? 'Email subjectAltNames are not allowed' : undefined) ??
    (request.uris.length > 0 ? 'URI subjectAltNames are not allowed' : undefined) ??
    whyNotUsages(usages, 'server auth') ??
    whyNotNodeName(request)
  );
}

function whyNotNodes({ organizations }: RequestFacts): string | undefined {
  const fits = organizations.length === 1 && organizations[0] === 'system:nodes';
  return fits ? undefined : 'subject organization is not system:nodes';
}

function whyNotNodeName({ commonName }: RequestFacts): string | undefined {
  return commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:';
}

/** Keys that are not RSA encipher no others. */
function whyNotUsages(usages: readonly string[], purpose: string): string | undefined {
  const asked = new Set(usages);
  const needed = ['digital signature', purpose];
  const fits = needed.every((usage) => asked.has(usage));
  const rest = [...asked].filter((usage) => !needed.includes(usage));
  if (fits && rest.every((usage) => usage === 'key encipherment')) return undefined;
  return `usages did not match [${['digital signature', 'key encipherment', purpose].sort().join(' ')}]`;
}
