/**
 * The refusals of the API server in upstream's words: k8s.io/apimachinery/pkg/api/errors, k8s.io/apiserver/pkg/endpoints.
 */
import { apiError } from '../api/errors.ts';
import type { ApiError } from '../api/errors.ts';
import type { FieldError } from '../api/field-errors.ts';
import { groupResourceOf } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import type { StatusCause } from '../api/gen/types.ts';

type Names = Pick<Resource, 'group' | 'plural'>;

function detailsOf(resource: Names, name: string): { name: string; group?: string; kind: string } {
  return { name, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural };
}

export function notFound(resource: Names, name: string): ApiError {
  return apiError(404, 'NotFound', `${groupResourceOf(resource)} "${name}" not found`, detailsOf(resource, name));
}

/** A path that nothing is served under. */
export function noSuchResource(): ApiError {
  return apiError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(resource: Names, name: string): ApiError {
  const text = `${groupResourceOf(resource)} "${name}" already exists`;
  return apiError(409, 'AlreadyExists', text, detailsOf(resource, name));
}

export const modifiedText =
  'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(resource: Names, name: string, why: string): ApiError {
  const text = `Operation cannot be fulfilled on ${groupResourceOf(resource)} "${name}": ${why}`;
  return apiError(409, 'Conflict', text, detailsOf(resource, name));
}

/** Where upstream's store has a resource when it is not under its own name (default_storage_factory_builder.go). */
const storedUnder: Readonly<Record<string, string>> = {
  endpoints: 'services/endpoints',
  'ingresses.networking.k8s.io': 'ingress',
  nodes: 'minions',
  replicationcontrollers: 'controllers',
  services: 'services/specs',
};

/** The object is another one than the client means; upstream's store says so itself, and names its own key. */
export function otherUid(
  resource: Names,
  { namespace, name, uid }: { readonly namespace?: string; readonly name: string; readonly uid: string },
  asked: string,
  dryRun: boolean,
): ApiError {
  const group = groupResourceOf(resource);
  const place = [storedUnder[group] ?? resource.plural, ...(namespace === undefined ? [] : [namespace]), name];
  const key = `${dryRun ? '' : '/registry'}/${place.join('/')}`;
  const why = `Precondition failed: UID in precondition: ${asked}, UID in object meta: ${uid}`;
  const error = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
  return conflict(resource, name, error);
}

export function badRequest(message: string): ApiError {
  return apiError(400, 'BadRequest', message);
}

export function forbidden(resource: Names, name: string, why: string, causes?: StatusCause[]): ApiError {
  const text = `${groupResourceOf(resource)} "${name}" is forbidden: ${why}`;
  return apiError(403, 'Forbidden', text, { ...detailsOf(resource, name), ...(causes ? { causes } : {}) });
}

/** 422: `Service "web" is invalid: [a: …, b: …]`. */
export function invalid(
  kind: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): ApiError {
  // field.ErrorList.ToAggregate says each message once.
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const list = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return apiError(422, 'Invalid', `${qualified} "${name}" is invalid: ${list}`, {
    ...(name === '' ? {} : { name }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.kind,
    causes: errors.map(({ type, message, field }) => ({ reason: type, message, field })),
  });
}

export function methodNotAllowed(): ApiError {
  return apiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function unauthorized(): ApiError {
  return apiError(401, 'Unauthorized', 'Unauthorized');
}

export function tooLarge(limit: number): ApiError {
  return apiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${String(limit)}`);
}

export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  const text = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return apiError(415, 'UnsupportedMediaType', text);
}

/** Of a PATCH: there is no route for such a body. Upstream: go-restful, jsr311.go. */
export function unroutedMediaType(): ApiError {
  return apiError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
}

/** There is no route that answers so. Upstream: go-restful, jsr311.go. */
export function unroutedAnswer(available: readonly string[]): ApiError {
  const text = `406: Not Acceptable\n\nAvailable representations: ${available.join(', ')}`;
  return apiError(406, 'NotAcceptable', text, {});
}

export function notAcceptable(accepted: readonly string[]): ApiError {
  return apiError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);
}

/** Upstream's NewResourceExpired. */
export function expired(message: string): ApiError {
  return apiError(410, 'Expired', message);
}

export function tooLargeResourceVersion(asked: number, current: number): ApiError {
  return apiError(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${String(asked)}, current: ${String(current)}`,
    {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  );
}

export function serviceUnavailable(message: string): ApiError {
  return apiError(503, 'ServiceUnavailable', message);
}

/** What is not an ApiError never reaches a client in its own words. */
export function internalError(message: string): ApiError {
  return apiError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}
