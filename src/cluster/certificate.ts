/**
 * Certificates by OpenSSL's own program: ECDSA P-256, SHA-256, X.509 v3.
 *
 *   certifyAuthority(key, out)            the CA, signed by itself
 *   certify(identity, key, out, issuer)   what the CA says of one identity
 *
 * A program and not a JavaScript library: the well-kept one for it takes 300 ms to load, each `up`; this runs beside `ip`.
 */
import { run } from './run.ts';

/** A certificate to have: file DIR/FILE.crt and .key. */
export interface Identity {
  readonly file: string;
  readonly commonName: string;
  /** The group, for a client. */
  readonly organization?: string;
  readonly client: boolean;
  readonly server: boolean;
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  /** The authority that vouches for it; without: `ca`. */
  readonly authority?: Authority;
}

/** `ca` of all, and one whose word is only good for who speaks for others: no signing request leads to it. */
export type Authority = 'ca' | 'front-proxy-ca';

/** Paths of the CA's certificate and key. */
export interface Issuer {
  readonly certificate: string;
  readonly key: string;
}

/** kubeadm gives its CA ten years; a local cluster has nobody to renew the others, so they last as long. */
const validDays = '3650';

export async function certifyAuthority(commonName: string, key: string, out: string): Promise<void> {
  await request(`/CN=${commonName}`, key, out, [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign',
    'subjectKeyIdentifier=hash',
  ]);
}

export async function certify(identity: Identity, key: string, out: string, issuer: Issuer): Promise<void> {
  const usages = [...(identity.server ? ['serverAuth'] : []), ...(identity.client ? ['clientAuth'] : [])];
  const names = [
    ...(identity.dnsNames ?? []).map((name) => `DNS:${name}`),
    ...(identity.addresses ?? []).map((address) => `IP:${address}`),
  ];
  const organization = identity.organization === undefined ? '' : `/O=${identity.organization}`;
  await request(
    `${organization}/CN=${identity.commonName}`,
    key,
    out,
    [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature,keyEncipherment',
      `extendedKeyUsage=${usages.join(',')}`,
      ...(names.length === 0 ? [] : [`subjectAltName=${names.join(',')}`]),
    ],
    ['-CA', issuer.certificate, '-CAkey', issuer.key],
  );
}

/** `-config /dev/null`: what the machine's openssl.cnf says is not ours. */
async function request(
  subject: string,
  key: string,
  out: string,
  extensions: readonly string[],
  issuer: readonly string[] = [],
): Promise<void> {
  const added = extensions.flatMap((extension) => ['-addext', extension]);
  await run('openssl', [
    ...['req', '-x509', '-config', '/dev/null', '-days', validDays, '-sha256', '-key', key, '-out', out],
    ...['-subj', subject, ...added, ...issuer],
  ]);
}
