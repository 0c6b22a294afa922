/** POST serviceaccounts/NAME/token: TokenRequest. Upstream: registry/core/serviceaccount/storage/token.go. */
import { decodeBody } from '../../api/decode.ts';
import type { Pod, ServiceAccount, TokenRequest } from '../../api/gen/types.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';
import { admitNodeToken } from '../admission/node-restriction.ts';
import { nodeNameOf } from '../auth/node-user.ts';
import { issuer, signToken } from '../auth/tokens.ts';
import type { BoundRef, TokenSubject } from '../auth/tokens.ts';
import { admitCall } from '../admission/webhooks/index.ts';
import type { ResourceExchange } from '../context.ts';
import { badRequest, conflict, notFound } from '../errors.ts';
import { bodyFormat, parseBody, readBody } from '../http/body.ts';
import { sendJson } from '../http/respond.ts';
import { timestamp } from '../object-meta.ts';
import { refuseInvalid, slotOf } from '../write.ts';

const minimumSeconds = 600;
const maximumSeconds = 2 ** 32;

export async function createToken(exchange: ResourceExchange): Promise<void> {
  const { server, kind, info, request } = exchange;
  const value = await parseBody(await readBody(request), bodyFormat(request), 'TokenRequest');
  const resource = {
    ...kind.resource,
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'TokenRequest',
    schema: 'TokenRequest',
  };
  const asked = decodeBody(resource, value, 'Ignore').object as TokenRequest;
  refuseForNode(exchange, asked);
  const account = server.store.get(slotOf(kind.resource, info))?.value as Live<ServiceAccount> | undefined;
  if (account === undefined) throw notFound(kind.resource, info.name);
  const bodyKind = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
  const call = {
    user: exchange.user,
    dryRun: false,
    warnings: [] as string[],
    verb: 'create' as const,
    bodyKind,
    object: asked,
  };
  await admitCall(server, kind, info, call);
  const seconds = asked.spec?.expirationSeconds ?? 3600;
  refuseSeconds(resource, seconds);
  const audiences = asked.spec?.audiences?.length ? asked.spec.audiences : [issuer];
  const { token, expires } = await signToken(server.pki, subjectOf(exchange, account, asked), audiences, seconds);
  const answer: TokenRequest = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: info.name, namespace: info.namespace, creationTimestamp: timestamp() },
    spec: { ...asked.spec, audiences: [...audiences], expirationSeconds: seconds },
    status: { token, expirationTimestamp: timestamp(expires * 1000) },
  };
  await sendJson(exchange, 201, JSON.stringify(answer));
}

function refuseForNode(exchange: ResourceExchange, asked: TokenRequest): void {
  const node = nodeNameOf(exchange.user);
  if (node === undefined) return;
  const { namespace, name } = exchange.info;
  const slot = slotOf(resources.pods, { namespace, name: asked.spec?.boundObjectRef?.name ?? '' });
  admitNodeToken(node, name, asked, exchange.server.store.get(slot)?.value as Live<Pod> | undefined);
}

function refuseSeconds(resource: Parameters<typeof refuseInvalid>[0], seconds: number): void {
  const field = 'spec.expirationSeconds';
  const type = 'FieldValueInvalid';
  if (seconds < minimumSeconds) {
    const message = `Invalid value: ${String(seconds)}: may not specify a duration less than 10 minutes`;
    refuseInvalid(resource, '', [{ type, field, message }]);
  }
  if (seconds > maximumSeconds) {
    const message = `Invalid value: ${String(seconds)}: may not specify a duration larger than 2^32 seconds`;
    refuseInvalid(resource, '', [{ type, field, message }]);
  }
}

function subjectOf(exchange: ResourceExchange, account: Live<ServiceAccount>, asked: TokenRequest): TokenSubject {
  const { namespace } = exchange.info;
  const subject = { namespace, serviceAccount: { name: account.metadata.name, uid: account.metadata.uid } };
  const bound = asked.spec?.boundObjectRef;
  if (bound === undefined) return subject;
  const { kind, name = '', uid = '' } = bound;
  const target = bindable.find((resource) => resource.kind === kind);
  if (target === undefined)
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to object of type ${kind ?? ''}`,
    );
  const at = { namespace: target.namespaced ? namespace : '', name };
  const found = exchange.server.store.get(slotOf(target, at))?.value as Live<KubeObject> | undefined;
  if (found === undefined) throw notFound(target, name);
  if (uid !== '' && uid !== found.metadata.uid) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict(target, name, why);
  }
  const ref: BoundRef = { name, uid: found.metadata.uid };
  if (kind === 'Node') return { ...subject, node: ref };
  if (kind === 'Secret') return { ...subject, secret: ref };
  refuseOtherAccount(account, found);
  return { ...subject, pod: ref, ...nodeOf(exchange, found) };
}

/** A token that says it is a pod's must be of the account that the pod runs as. */
function refuseOtherAccount(account: Live<ServiceAccount>, pod: Live<Pod>): void {
  const own = pod.spec?.serviceAccountName ?? '';
  const { name } = account.metadata;
  if (own === name) return;
  const who = JSON.stringify(name);
  throw badRequest(`cannot bind token for serviceaccount ${who} to pod running with different serviceaccount name.`);
}

const bindable: readonly Resource[] = [resources.pods, resources.secrets, resources.nodes];

/** KEP-4193: the token of a pod says where the pod runs. */
function nodeOf(exchange: ResourceExchange, pod: Live<KubeObject>): { readonly node?: BoundRef } {
  const name = (pod as { readonly spec?: { readonly nodeName?: string } }).spec?.nodeName ?? '';
  const slot = slotOf(resources.nodes, { namespace: '', name });
  const node = exchange.server.store.get(slot)?.value as Live<KubeObject> | undefined;
  return node === undefined ? {} : { node: { name, uid: node.metadata.uid } };
}
