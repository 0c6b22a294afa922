/**
 * AdmissionReview: what is asked, and what an answer must be. Upstream: apiserver/pkg/admission/plugin/webhook/request and errors.
 */
import { randomUUID } from 'node:crypto';
import { apiError, ApiError } from '../../../api/errors.ts';
import type { Status } from '../../../api/gen/types.ts';
import type { KubeObject } from '../../../api/object.ts';
import { groupVersionOf } from '../../../api/resources.ts';
import type { Resource } from '../../../api/resources.ts';
import type { User } from '../../auth/user.ts';
import { converter } from '../../../api/views.ts';
import type { AdmissionRequest } from '../request.ts';
import { CallError } from './dial.ts';
import type { Webhook } from './match.ts';

export interface Asking {
  readonly user: User;
  readonly dryRun: boolean;
}

export interface Answer {
  readonly allowed: boolean;
  readonly status: Status | undefined;
  readonly patch: unknown;
  readonly warnings: readonly string[];
}

/** `as`: the version that the webhook wants to see. */
export function buildReview(
  webhook: Webhook,
  as: Resource,
  request: AdmissionRequest,
  asking: Asking,
): { readonly uid: string; readonly body: object } {
  const uid = randomUUID();
  const { resource, subresource, verb } = request;
  const kindOf = ({ group, version, kind }: Resource): object => ({ group, version, kind });
  const resourceOf = ({ group, version, plural }: Resource): object => ({ group, version, resource: plural });
  const operation = verb.toUpperCase();
  const options = `${operation.slice(0, 1)}${operation.slice(1).toLowerCase()}Options`;
  const version = webhook.admissionReviewVersions.find((one) => one === 'v1' || one === 'v1beta1') ?? 'v1';
  const body = {
    kind: 'AdmissionReview',
    apiVersion: `admission.k8s.io/${version}`,
    request: {
      uid,
      kind: request.bodyKind ?? kindOf(as),
      resource: resourceOf(as),
      ...(subresource === '' ? {} : { subResource: subresource }),
      requestKind: request.bodyKind ?? kindOf(resource),
      requestResource: resourceOf(resource),
      ...(subresource === '' ? {} : { requestSubResource: subresource }),
      ...(request.name === '' ? {} : { name: request.name }),
      ...(request.namespace === '' ? {} : { namespace: request.namespace }),
      operation,
      userInfo: userInfo(asking.user),
      object: request.bodyKind === undefined ? seenAs(as, request, request.object) : request.object,
      oldObject: seenAs(as, request, request.old),
      dryRun: asking.dryRun,
      options:
        verb === 'connect'
          ? null
          : { kind: options, apiVersion: 'meta.k8s.io/v1', ...(asking.dryRun ? { dryRun: ['All'] } : {}) },
    },
  };
  return { uid, body };
}

function userInfo({ name, uid, groups, extra }: User): object {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}

function seenAs(as: Resource, { resource, forms }: AdmissionRequest, object: KubeObject | undefined): unknown {
  if (object === undefined) return null;
  const { kind: _kind, apiVersion: _version, ...rest } = converter(forms, resource, as)(object);
  return { kind: as.kind, apiVersion: groupVersionOf(as), ...rest };
}

/** Throws CallError: an answer that is none counts as a call that failed. */
export function readAnswer(value: unknown, uid: string, sent: object, mutating: boolean): Answer {
  const bad = (why: string): CallError => new CallError(`received invalid webhook response: ${why}`);
  const review = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const want = (sent as { readonly apiVersion: string }).apiVersion;
  if (review['kind'] !== 'AdmissionReview' || review['apiVersion'] !== want) {
    const got = `${textOf(review['apiVersion'])}, Kind=${textOf(review['kind'])}`;
    throw bad(`expected webhook response of ${want}, Kind=AdmissionReview, got ${got}`);
  }
  const response = review['response'] as Readonly<Record<string, unknown>> | null | undefined;
  if (typeof response !== 'object' || response === null) throw bad('webhook response was absent');
  if (response['uid'] !== uid)
    throw bad(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response['uid'] ?? '')}`);
  const hasPatch = typeof response['patch'] === 'string' && response['patch'] !== '';
  if (hasPatch && !mutating) throw bad('validating webhook may not return response.patch');
  if (hasPatch && response['patchType'] === undefined)
    throw bad('webhook returned response.patch but not response.patchType');
  if (hasPatch && response['patchType'] !== 'JSONPatch') {
    throw bad(`webhook returned invalid response.patchType of ${JSON.stringify(response['patchType'])}`);
  }
  const warnings = Array.isArray(response['warnings']) ? response['warnings'].map(String) : [];
  return {
    allowed: response['allowed'] === true,
    status: response['status'] as Status | undefined,
    patch: hasPatch ? decodePatch(String(response['patch']), bad) : undefined,
    warnings,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function decodePatch(text: string, bad: (why: string) => CallError): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as unknown;
  } catch {
    throw bad('received undecodable patch in webhook response');
  }
}

/** Upstream: errors/statuserror.go ToStatusErr. */
export function denied(name: string, status: Status | undefined): ApiError {
  const by = `admission webhook ${JSON.stringify(name)} denied the request`;
  const why = [status?.message, status?.reason].find((text) => text !== undefined && text !== '');
  const { metadata: _meta, ...rest } = status ?? {};
  return new ApiError({
    ...rest,
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: why === undefined ? `${by} without explanation` : `${by}: ${why}`,
    code: Math.max(status?.code ?? 0, 400),
  });
}

export function callFailed(name: string, why: string): ApiError {
  const text = `failed calling webhook ${JSON.stringify(name)}: failed to call webhook: ${why}`;
  return apiError(500, 'InternalError', `Internal error occurred: ${text}`, { causes: [{ message: text }] });
}

export function noDryRun(name: string): ApiError {
  return apiError(400, 'BadRequest', `admission webhook ${JSON.stringify(name)} does not support dry run`);
}
