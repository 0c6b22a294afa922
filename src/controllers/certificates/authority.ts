/**
 * Signs requests with the cluster's CA: the subject, key and names are the request's, all else the signer's. Loaded with the library
 * that it needs, when the first request is approved. Upstream: pkg/controller/certificates/authority.
 */
import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Extension } from '@peculiar/x509';

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface SigningRequest {
  /** PEM. */
  readonly request: string;
  readonly usages: readonly string[];
  readonly lifeMs: number;
}

const backdateMs = 5 * 60_000;
/** Shorter lives end when they say; of longer ones the time that they are dated back is taken off. */
const shortMs = 8 * 3_600_000;

/** PEM. */
export async function signRequest(authority: Authority, asked: SigningRequest): Promise<string> {
  const request = new Pkcs10CertificateRequest(asked.request);
  if (!(await request.verify())) throw new Error('unable to verify certificate request signature');
  const issuer = new X509Certificate(authority.certificate);
  const { signingKey, signingAlgorithm } = await keyOf(authority.key);
  const certificate = await X509CertificateGenerator.create({
    subject: request.subjectName,
    issuer: issuer.subjectName,
    publicKey: request.publicKey,
    signingKey,
    signingAlgorithm,
    ...lifeOf(asked.lifeMs, issuer.notAfter.getTime()),
    extensions: extensionsOf(request, issuer, asked.usages),
  });
  return `${certificate.toString('pem')}\n`;
}

function lifeOf(lifeMs: number, last: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  if (now >= last) throw new Error(`refusing to sign a certificate that expired in the past: NotAfter=${last}`);
  const end = now + lifeMs - (lifeMs < shortMs ? 0 : backdateMs);
  return { notBefore: new Date(now - backdateMs), notAfter: new Date(Math.min(end, last)) };
}

async function keyOf(pem: string): Promise<SigningKey> {
  const key = createPrivateKey(pem);
  const curve = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }[
    key.asymmetricKeyDetails?.namedCurve ?? ''
  ];
  const signingAlgorithm =
    curve === undefined
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : { name: 'ECDSA', namedCurve: curve, hash: 'SHA-256' };
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', new Uint8Array(der), signingAlgorithm, false, ['sign']);
  return { signingKey, signingAlgorithm };
}

interface SigningKey {
  readonly signingKey: webcrypto.CryptoKey;
  readonly signingAlgorithm: { readonly name: string; readonly hash: string; readonly namedCurve?: string };
}

const keyUsages: Readonly<Record<string, KeyUsageFlags>> = {
  signing: KeyUsageFlags.digitalSignature,
  'digital signature': KeyUsageFlags.digitalSignature,
  'key encipherment': KeyUsageFlags.keyEncipherment,
};
const purposes: Readonly<Record<string, ExtendedKeyUsage>> = {
  'client auth': ExtendedKeyUsage.clientAuth,
  'server auth': ExtendedKeyUsage.serverAuth,
};

function extensionsOf(
  request: Pkcs10CertificateRequest,
  issuer: X509Certificate,
  usages: readonly string[],
): Extension[] {
  const flags = usages.reduce((sum, usage) => sum | (keyUsages[usage] ?? 0), 0);
  const extended = usages.flatMap((usage) => purposes[usage] ?? []);
  const identifier = issuer.getExtension(SubjectKeyIdentifierExtension);
  return [
    ...(flags === 0 ? [] : [new KeyUsagesExtension(flags, true)]),
    ...(extended.length === 0 ? [] : [new ExtendedKeyUsageExtension(extended)]),
    new BasicConstraintsExtension(false, undefined, true),
    ...(identifier === null ? [] : [new AuthorityKeyIdentifierExtension(identifier.keyId)]),
    ...request.extensions.filter((extension) => extension instanceof SubjectAlternativeNameExtension),
  ];
}
