/**
 * Who may call the node's API.
 *
 *   client certificate of the cluster's CA ─ its names decide                       the API server
 *   bearer token ─ TokenReview ─ SubjectAccessReview of nodes/metrics, nodes/…      those who read metrics
 *
 * Upstream: pkg/kubelet/server/auth.go, with the API server asked for both (Webhook).
 */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { ResourceAttributes, SubjectAccessReview, TokenReview, UserInfo } from '../../api/gen/types.ts';
import type { Client } from '../../client/index.ts';
import { HttpError } from './locate.ts';

/** What the API server's own client certificate is called: ours, and kubeadm's. */
const defaultNames = ['portolan-apiserver-kubelet-client', 'kube-apiserver-kubelet-client'];

export function mayCall(
  subject: { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined,
  allowedNames: readonly string[] = defaultNames,
): boolean {
  if (subject === undefined) return false;
  const names = [subject.CN ?? []].flat();
  const organizations = [subject.O ?? []].flat();
  return organizations.includes('system:masters') || names.some((name) => allowedNames.includes(name));
}

/** Throws the refusal. Bearer tokens are for reading: streams come through the API server. */
export async function authorizeCall(
  client: Client,
  nodeName: string,
  request: IncomingMessage,
  allowedNames: readonly string[] | undefined,
): Promise<void> {
  const token = /^bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (hasCertificate(request) || token === undefined) {
    authorizeCertificate(request, allowedNames);
    return;
  }
  const review = (await client.raw('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token },
  })) as TokenReview;
  const { authenticated = false, user = {} } = review.status ?? {};
  if (!authenticated) throw unauthorized();
  const subresources = subresourcesOf(request.url ?? '/');
  const verb = verbs[request.method ?? ''] ?? 'get';
  for (const subresource of subresources) {
    const resourceAttributes = { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName };
    if (await isAllowed(client, user, resourceAttributes)) return;
  }
  const what = `user=${user.username ?? ''}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}]`;
  throw new HttpError(403, `Forbidden (${what})\n`);
}

async function isAllowed(client: Client, user: UserInfo, resourceAttributes: ResourceAttributes): Promise<boolean> {
  const asked = (await client.raw('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      ...(user.username === undefined ? {} : { user: user.username }),
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: user.groups ?? [],
      extra: user.extra ?? {},
      resourceAttributes,
    },
  })) as SubjectAccessReview;
  return asked.status?.allowed === true;
}

export function authorizeCertificate(request: IncomingMessage, allowedNames: readonly string[] | undefined): void {
  if (!hasCertificate(request)) throw unauthorized();
  const { subject } = (request.socket as TLSSocket).getPeerCertificate();
  if (!mayCall(subject, allowedNames)) throw new HttpError(403, 'Forbidden');
}

function hasCertificate(request: IncomingMessage): boolean {
  return (request.socket as TLSSocket).authorized;
}

function unauthorized(): HttpError {
  return new HttpError(401, 'Unauthorized');
}

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** One of them is enough: a finer one, and what it was before KubeletFineGrainedAuthz. */
export function subresourcesOf(url: string): readonly string[] {
  const [, root = ''] = url.split(/[/?]/);
  const fine = { pods: 'pods', runningpods: 'pods', healthz: 'healthz', configz: 'configz' }[root];
  const known = { metrics: 'metrics', stats: 'stats', logs: 'log', spec: 'spec' }[root] ?? 'proxy';
  return fine === undefined ? [known] : [fine, known];
}
