/**
 * The review kinds: asked by POST, answered from the request, stored nowhere. `kubectl auth whoami`, `auth can-i`, and what other
 * servers ask to authenticate and authorize their own clients. Upstream: pkg/registry/authentication, pkg/registry/authorization.
 */
import { decodeType } from '../api/decode.ts';
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  TokenReview,
} from '../api/gen/types.ts';
import { invalidError } from '../api/errors.ts';
import { invalidField } from '../api/field-errors.ts';
import type { FieldError } from '../api/field-errors.ts';
import { groupVersionOf } from '../api/resources.ts';
import { resourceAttributes } from './auth/attributes.ts';
import type { Attributes } from './auth/attributes.ts';
import { userRules } from './auth/authorize.ts';
import { issuer, verifyToken } from './auth/tokens.ts';
import type { User } from './auth/user.ts';
import type { Exchange } from './context.ts';
import { badRequest, methodNotAllowed, noSuchResource, notAcceptable } from './errors.ts';
import { bodyFormat, parseBody, readBody } from './http/body.ts';
import { accepted, negotiate } from './http/negotiate.ts';
import { sendJson } from './http/respond.ts';
import type { ResourceRequest } from './request-info.ts';

const authentication = { group: 'authentication.k8s.io', version: 'v1', namespaced: false } as const;
const authorization = { group: 'authorization.k8s.io', version: 'v1', namespaced: false } as const;

export const reviewKinds = [
  { ...authentication, plural: 'selfsubjectreviews', kind: 'SelfSubjectReview' },
  { ...authentication, plural: 'tokenreviews', kind: 'TokenReview' },
  { ...authorization, plural: 'localsubjectaccessreviews', kind: 'LocalSubjectAccessReview', namespaced: true },
  { ...authorization, plural: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview' },
  { ...authorization, plural: 'selfsubjectrulesreviews', kind: 'SelfSubjectRulesReview' },
  { ...authorization, plural: 'subjectaccessreviews', kind: 'SubjectAccessReview' },
] as const;

type Review = (typeof reviewKinds)[number];

/** False: not a review kind. */
export async function serveReview(exchange: Exchange, info: ResourceRequest): Promise<boolean> {
  const review = reviewKinds.find(
    ({ group, version, plural }) => group === info.group && version === info.version && plural === info.plural,
  );
  if (review === undefined) return false;
  if (review.namespaced !== (info.namespace !== '') || info.subresource !== '') throw noSuchResource();
  if (info.verb !== 'create' || info.name !== '') throw methodNotAllowed();
  // Reviews have no metadata that a Table could show.
  if (negotiate(exchange.request, exchange.query).kind !== 'object') throw notAcceptable(accepted);
  const bytes = await readBody(exchange.request);
  const body = checked(review, await parseBody(bytes, bodyFormat(exchange.request), review.kind));
  const answer = {
    kind: review.kind,
    apiVersion: groupVersionOf(review),
    metadata: { creationTimestamp: null },
    ...(await verdict(review.kind, exchange, info, body)),
  };
  await sendJson(exchange, 201, JSON.stringify(answer));
  return true;
}

/** Of its type; no `kind` is as good as the right one. */
function checked(review: Review, value: unknown): unknown {
  const { kind, apiVersion } = (value ?? {}) as { readonly kind?: unknown; readonly apiVersion?: unknown };
  const wanted = groupVersionOf(review);
  if ((kind ?? review.kind) !== review.kind || (apiVersion ?? wanted) !== wanted) {
    throw badRequest(
      `${String(kind)} in version ${JSON.stringify(apiVersion)} cannot be handled as a ${review.kind}: converting (${String(apiVersion)}, Kind=${String(kind)}) to (${wanted}, Kind=${review.kind}): unknown conversion`,
    );
  }
  return decodeType(review.kind, value).object;
}

async function verdict(
  kind: Review['kind'],
  { user, server }: Exchange,
  info: ResourceRequest,
  body: unknown,
): Promise<object> {
  switch (kind) {
    case 'SelfSubjectReview':
      return { status: { userInfo: userInfo(user) } };
    case 'TokenReview':
      return reviewToken(server, (body as TokenReview).spec);
    case 'SelfSubjectRulesReview': {
      const namespace = (body as SelfSubjectRulesReview | undefined)?.spec?.namespace ?? '';
      // Upstream: pkg/registry/authorization/selfsubjectrulesreview.
      if (namespace === '') throw badRequest('no namespace on request');
      return { spec: {}, status: userRules(server.authorizer, user, namespace) };
    }
    case 'SelfSubjectAccessReview': {
      const { spec } = body as SelfSubjectAccessReview;
      refuse(kind, attributeErrors(spec));
      return { spec, status: statusOf(server, user, spec) };
    }
    case 'SubjectAccessReview': {
      const { spec } = body as SubjectAccessReview;
      refuse(kind, subjectErrors(spec));
      return { spec, status: statusOf(server, subjectOf(spec), spec) };
    }
    case 'LocalSubjectAccessReview': {
      const { spec, metadata } = body as LocalSubjectAccessReview;
      refuse(kind, localErrors(spec, metadata?.namespace ?? info.namespace, info.namespace));
      return { spec, status: statusOf(server, subjectOf(spec), spec) };
    }
  }
}

function userInfo({ name, uid, groups, extra }: User): object {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) };
}

async function reviewToken(server: Exchange['server'], spec: Partial<TokenReview['spec']> = {}): Promise<object> {
  const { token = '', audiences = [] } = spec;
  if (token === '') throw badRequest('token is required for TokenReview in authentication');
  const accepted = audiences.length === 0 ? [issuer] : audiences;
  const bearer = await verifyToken(server.pki, server.store, token, accepted);
  if (bearer === undefined) return { spec, status: { user: {}, error: 'invalid bearer token' } };
  return { spec, status: { authenticated: true, user: userInfo(bearer.user), audiences: bearer.audiences } };
}

function subjectOf({ user = '', groups = [], uid, extra }: SubjectAccessReviewSpec): User {
  return { name: user, groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) };
}

type Spec = SelfSubjectAccessReview['spec'] | SubjectAccessReviewSpec;

function statusOf({ authorizer }: Exchange['server'], user: User, spec: Spec): object {
  const { allowed, reason } = authorizer.decide(user, askedIn(spec));
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

function askedIn({ resourceAttributes: what, nonResourceAttributes: path }: Spec): Attributes {
  if (what === undefined) return { kind: 'path', verb: path?.verb ?? '', path: path?.path ?? '' };
  const { verb = '', group = '', namespace = '', resource = '', name = '', subresource = '' } = what;
  const fields = (what.fieldSelector?.requirements ?? []).flatMap(({ key, operator, values = [] }) =>
    operator === 'In' && values.length === 1 ? [{ field: key, operator: '=' as const, value: values[0] ?? '' }] : [],
  );
  return resourceAttributes(verb, { group, namespace, resource, name, subresource, fields });
}

function attributeErrors(spec: Partial<Spec> | undefined): FieldError[] {
  const { resourceAttributes: what, nonResourceAttributes: path } = spec ?? {};
  if (what !== undefined && path !== undefined) {
    return [
      invalidField('spec.nonResourceAttributes', path, 'cannot be specified in combination with resourceAttributes'),
    ];
  }
  if (what !== undefined || path !== undefined) return [];
  const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  return [{ ...invalidField('spec.resourceAttributes', null, why), message: `Invalid value: null: ${why}` }];
}

function subjectErrors(spec: Partial<SubjectAccessReviewSpec> | undefined): FieldError[] {
  const errors = attributeErrors(spec);
  if ((spec?.user ?? '') !== '' || (spec?.groups ?? []).length > 0) return errors;
  return [...errors, invalidField('spec.user', spec?.user ?? '', 'at least one of user or group must be specified')];
}

function localErrors(spec: SubjectAccessReviewSpec | undefined, namespace: string, path: string): FieldError[] {
  const errors = subjectErrors(spec);
  const asked = spec?.resourceAttributes?.namespace ?? '';
  if (namespace !== path) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (spec?.nonResourceAttributes !== undefined) {
    const why = 'disallowed on this kind of request';
    return [...errors, invalidField('spec.nonResourceAttributes', spec.nonResourceAttributes, why)];
  }
  if (asked === path) return errors;
  return [...errors, invalidField('spec.resourceAttributes.namespace', asked, 'must match metadata.namespace')];
}

function refuse(kind: Review['kind'], errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidError({ group: 'authorization.k8s.io', kind }, '', errors);
}
