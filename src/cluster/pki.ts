/**
 * The cluster's certificates: one CA (and one for front proxies), and from it who the API server is and who may speak to it.
 *
 *   ensurePki(dir, identities) ── ca ──┬── apiserver (server), apiserver-kubelet-client (client)
 *                                     ├── admin, controllers, lb, network (client: CN is the user, O the group)
 *                                     └── node-N (client and server in one: the node agent's port 10250)
 *                       front-proxy-ca ──── front-proxy-client (the API server, where it speaks for a user to an extension server)
 *
 * What is there is kept, so a cluster keeps its identity over `up`; only what is missing is made.
 * Upstream's layout: kubeadm's "PKI certificates and requirements".
 */
import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certify, certifyAuthority } from './certificate.ts';
import type { Authority, Identity, Issuer } from './certificate.ts';

const titles: Readonly<Record<Authority, string>> = { ca: 'portolan-ca', 'front-proxy-ca': 'portolan-front-proxy-ca' };

/** Makes what is missing. Resolves to true if anything was written. */
export async function ensurePki(dir: string, identities: readonly Identity[]): Promise<boolean> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const have = (...files: readonly string[]): boolean => files.every((file) => existsSync(join(dir, file)));
  const keysWere = have('sa.key', 'sa.pub');
  const wanted = new Set(identities.map(({ authority = 'ca' }) => authority));
  const made = new Set([...wanted].filter((name) => !have(`${name}.crt`, `${name}.key`)));
  const missing = identities.filter(
    ({ file, authority = 'ca' }) => made.has(authority) || !have(`${file}.crt`, `${file}.key`),
  );
  if (!keysWere) writeServiceAccountKeys(dir);
  await Promise.all(
    [...made].map((name) => writePair(dir, name, (key, out) => certifyAuthority(titles[name], key, out))),
  );
  await Promise.all(
    missing.map((identity) => {
      const issuer = issuerIn(dir, identity.authority ?? 'ca');
      return writePair(dir, identity.file, (key, out) => certify(identity, key, out, issuer));
    }),
  );
  return missing.length > 0 || !keysWere;
}

function issuerIn(dir: string, name: Authority): Issuer {
  return { certificate: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) };
}

/** What signs ServiceAccount tokens: no certificate, and of no use to TLS. */
function writeServiceAccountKeys(dir: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeWhole(join(dir, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }), 0o644);
  writeWhole(join(dir, 'sa.key'), pkcs8(privateKey), 0o600);
}

/** The key first, the certificate whole: one without the other, or half of one, is never seen. */
async function writePair(dir: string, file: string, sign: (key: string, out: string) => Promise<void>): Promise<void> {
  const key = join(dir, `${file}.key`);
  const certificate = join(dir, `${file}.crt`);
  writeWhole(key, pkcs8(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey), 0o600);
  await sign(key, `${certificate}.new`);
  renameSync(`${certificate}.new`, certificate);
}

function pkcs8(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' });
}

/** A crash leaves the old file or the new one, never half of one. */
function writeWhole(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}
