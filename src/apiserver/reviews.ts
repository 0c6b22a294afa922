/**
 * The review kinds: asked by POST, answered from the request, stored nowhere. `kubectl auth whoami` and `auth can-i`.
 */
import { groupVersionOf } from '../api/resources.ts';
import type { SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview } from '../api/gen/types.ts';
import { allowed, rulesOf } from './auth/authorize.ts';
import { authenticatedGroup } from './auth/user.ts';
import type { User } from './auth/user.ts';
import type { Exchange } from './context.ts';
import { badRequest, methodNotAllowed } from './errors.ts';
import { bodyFormat, parseBody, readBody } from './http/body.ts';
import { sendJson } from './http/respond.ts';
import type { ResourceRequest } from './request-info.ts';

const authentication = { group: 'authentication.k8s.io', version: 'v1' } as const;
const authorization = { group: 'authorization.k8s.io', version: 'v1' } as const;

export const reviewKinds = [
  { ...authentication, plural: 'selfsubjectreviews', kind: 'SelfSubjectReview' },
  { ...authorization, plural: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview' },
  { ...authorization, plural: 'selfsubjectrulesreviews', kind: 'SelfSubjectRulesReview' },
  { ...authorization, plural: 'subjectaccessreviews', kind: 'SubjectAccessReview' },
] as const;

/** False: not a review kind. */
export async function serveReview(exchange: Exchange, info: ResourceRequest): Promise<boolean> {
  const review = reviewKinds.find(
    ({ group, version, plural }) => group === info.group && version === info.version && plural === info.plural,
  );
  if (review === undefined || info.namespace !== '') return false;
  if (info.verb !== 'create' || info.name !== '') throw methodNotAllowed();
  const bytes = await readBody(exchange.request);
  const body = await parseBody(bytes, bodyFormat(exchange.request), review.kind);
  const answer = {
    kind: review.kind,
    apiVersion: groupVersionOf(review),
    metadata: { creationTimestamp: null },
    ...verdict(review.kind, exchange.user, body),
  };
  await sendJson(exchange, 201, JSON.stringify(answer));
  return true;
}

function verdict(kind: (typeof reviewKinds)[number]['kind'], user: User, body: unknown): object {
  switch (kind) {
    case 'SelfSubjectReview': {
      const { name, uid, groups, extra } = user;
      return { status: { userInfo: { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) } } };
    }
    case 'SelfSubjectAccessReview': {
      const { spec } = body as SelfSubjectAccessReview;
      return { spec, status: { allowed: decide(user, spec) } };
    }
    case 'SelfSubjectRulesReview': {
      const { spec } = body as SelfSubjectRulesReview;
      // Upstream: pkg/registry/authorization/selfsubjectrulesreview.
      if ((spec?.namespace ?? '') === '') throw badRequest('no namespace on request');
      return { spec: {}, status: { ...rulesOf(user), incomplete: false } };
    }
    case 'SubjectAccessReview': {
      const { spec } = body as SubjectAccessReview;
      const name = spec?.user ?? '';
      const groups = [...(spec?.groups ?? []), ...(name === 'system:anonymous' ? [] : [authenticatedGroup])];
      return { spec, status: { allowed: decide({ name, groups }, spec) } };
    }
  }
}

function decide(user: User, spec: SelfSubjectAccessReview['spec'] | undefined): boolean {
  const path = spec?.nonResourceAttributes?.path;
  const what = spec?.resourceAttributes;
  if (path !== undefined) return allowed(user, { kind: 'path', path });
  if (what === undefined) throw badRequest('spec.resourceAttributes or spec.nonResourceAttributes must be given');
  const { group = '', version = '', namespace = '', resource = '', name = '', subresource = '' } = what;
  return allowed(user, {
    kind: 'resource',
    verb: 'get',
    group,
    version,
    namespace,
    plural: resource,
    name,
    subresource,
    rest: '',
  });
}
