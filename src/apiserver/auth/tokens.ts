/**
 * ServiceAccount tokens: JWTs signed with pki/sa.key, bound to a ServiceAccount and maybe a Pod. A token dies with what it is bound
 * to. Claims as upstream's (pkg/serviceaccount/claims.go, jwt.go). jose is loaded when the first token is seen.
 */
import { createHash, createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { JWK, JWTPayload } from 'jose';
import { resources } from '../../api/resources.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import type { Store } from '../../store/index.ts';
import { bucketOf } from '../registry.ts';
import { authenticatedGroup, serviceAccountGroups } from './user.ts';
import type { User } from './user.ts';
import type { Pki } from './pki.ts';

export const issuer = 'https://kubernetes.default.svc.cluster.local';

export interface BoundRef {
  readonly name: string;
  readonly uid: string;
}

export interface TokenSubject {
  readonly namespace: string;
  readonly serviceAccount: BoundRef;
  readonly pod?: BoundRef;
  readonly secret?: BoundRef;
  readonly node?: BoundRef;
}

interface KubernetesClaims {
  readonly namespace?: string;
  readonly serviceaccount?: BoundRef;
  readonly pod?: BoundRef;
  readonly secret?: BoundRef;
  readonly node?: BoundRef;
}

export async function signToken(
  pki: Pki,
  subject: TokenSubject,
  audiences: readonly string[],
  seconds: number,
): Promise<{ readonly token: string; readonly expires: number }> {
  const { SignJWT } = await import('jose');
  const key = createPrivateKey(pki.tokenKey);
  const now = Math.floor(Date.now() / 1000);
  const { namespace, serviceAccount, pod, secret, node } = subject;
  const claims: KubernetesClaims = {
    namespace,
    ...(node ? { node } : {}),
    ...(pod ? { pod } : {}),
    ...(secret ? { secret } : {}),
    serviceaccount: serviceAccount,
  };
  const token = await new SignJWT({ 'kubernetes.io': claims })
    .setProtectedHeader({ alg: algorithmOf(key), kid: keyId(createPublicKey(pki.tokenPublicKey)) })
    .setIssuer(issuer)
    .setAudience([...audiences])
    .setSubject(`system:serviceaccount:${namespace}:${serviceAccount.name}`)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + seconds)
    .sign(key);
  return { token, expires: now + seconds };
}

/** The key that signs, as relying parties look it up by the token's `kid`. */
export async function publicJwk(pki: Pki): Promise<JWK & { readonly alg: string }> {
  const { exportJWK } = await import('jose');
  const key = createPublicKey(pki.tokenPublicKey);
  return { use: 'sig', ...(await exportJWK(key)), kid: keyId(key), alg: algorithmOf(key) };
}

function algorithmOf(key: KeyObject): string {
  return key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
}

/** Upstream: keyIDFromPublicKey in pkg/serviceaccount/jwt.go. */
function keyId(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}

export interface Bearer {
  readonly user: User;
  /** Of those accepted, the ones that the token is for. */
  readonly audiences: readonly string[];
}

/** undefined: not one of ours, expired, for somebody else, or bound to something that is gone. */
export async function verifyToken(
  pki: Pki,
  store: Store,
  token: string,
  accepted: readonly string[] = [issuer],
): Promise<Bearer | undefined> {
  const payload = await signedPayload(pki, token, accepted);
  if (payload === undefined) return undefined;
  const claims = payload['kubernetes.io'] as KubernetesClaims | undefined;
  const account = claims?.serviceaccount;
  if (claims?.namespace === undefined || account === undefined) return undefined;
  const { namespace } = claims;
  const alive =
    lives(store, resources.serviceAccounts, namespace, account) &&
    (claims.pod === undefined || lives(store, resources.pods, namespace, claims.pod)) &&
    (claims.secret === undefined || lives(store, resources.secrets, namespace, claims.secret)) &&
    // Of a pod's token the node is told only; a node alone is what the token dies with (KEP-4193).
    (claims.node === undefined || claims.pod !== undefined || lives(store, resources.nodes, '', claims.node));
  if (!alive) return undefined;
  const audiences = [payload.aud ?? []].flat().filter((audience) => accepted.includes(audience));
  return { user: userOf(namespace, account, claims, payload.jti), audiences };
}

/** Of tokens whose signature was checked: checking costs more than the rest of a small request, and a client sends one token for an hour. */
const checked = new WeakMap<Pki, Map<string, JWTPayload>>();
const mostChecked = 1000;

/** What is bound to it, and its time, are looked at with each request all the same. */
async function signedPayload(pki: Pki, token: string, accepted: readonly string[]): Promise<JWTPayload | undefined> {
  const known = checked.get(pki) ?? new Map<string, JWTPayload>();
  checked.set(pki, known);
  const id = `${accepted.join(' ')} ${token}`;
  const payload = known.get(id) ?? (await verifiedPayload(pki, token, accepted));
  if (payload === undefined || isOver(payload)) {
    known.delete(id);
    return undefined;
  }
  if (!known.has(id) && known.size >= mostChecked) known.delete(known.keys().next().value ?? '');
  known.set(id, payload);
  return payload;
}

function isOver({ exp = 0 }: JWTPayload): boolean {
  return exp <= Date.now() / 1000;
}

async function verifiedPayload(pki: Pki, token: string, accepted: readonly string[]): Promise<JWTPayload | undefined> {
  const { jwtVerify } = await import('jose');
  const key = createPublicKey(pki.tokenPublicKey);
  const algorithms = ['RS256', 'ES256'];
  try {
    return (await jwtVerify(token, key, { issuer, audience: [...accepted], algorithms })).payload;
  } catch {
    return undefined;
  }
}

function userOf(namespace: string, account: BoundRef, claims: KubernetesClaims, id: string | undefined): User {
  const extra: Record<string, readonly string[]> = {};
  if (id !== undefined) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${id}`];
  for (const kind of ['node', 'pod'] as const) {
    const bound = claims[kind];
    if (bound === undefined) continue;
    extra[`authentication.kubernetes.io/${kind}-name`] = [bound.name];
    extra[`authentication.kubernetes.io/${kind}-uid`] = [bound.uid];
  }
  return {
    name: `system:serviceaccount:${namespace}:${account.name}`,
    uid: account.uid,
    groups: [...serviceAccountGroups(namespace), authenticatedGroup],
    extra,
  };
}

function lives(store: Store, resource: { group: string; plural: string }, namespace: string, bound: BoundRef): boolean {
  const found = store.get({ resource: bucketOf(resource), namespace, name: bound.name });
  return (found?.value as Live<KubeObject> | undefined)?.metadata.uid === bound.uid;
}
