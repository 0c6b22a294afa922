/**
 * The one error that crosses the API: a Status. The server throws it to refuse, the client gets it back.
 * Upstream: k8s.io/apimachinery/pkg/api/errors.
 */
import type { Status, StatusCause } from './gen/types.ts';
import type { FieldError } from './field-errors.ts';

export class ApiError extends Error {
  readonly status: Status;
  constructor(status: Status) {
    super(status.message ?? status.reason ?? 'unknown error');
    this.name = 'ApiError';
    this.status = status;
  }
  get code(): number {
    return this.status.code ?? 500;
  }
  get reason(): string {
    return this.status.reason ?? '';
  }
}

export interface StatusDetail {
  readonly name?: string;
  readonly group?: string;
  /** Plural resource, or kind for Invalid. */
  readonly kind?: string;
  readonly causes?: StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** A failure Status as upstream writes it. */
export function apiError(code: number, reason: string, message: string, details?: StatusDetail): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  });
}

/** True for an ApiError of this reason (`NotFound`, `AlreadyExists`, `Conflict`, …). */
export function isReason(error: unknown, reason: string): error is ApiError {
  return error instanceof ApiError && error.reason === reason;
}

/** 422: `Service "web" is invalid: spec.ports: Required value`. One error stands alone, several are in brackets. */
export function invalidError(
  of: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): ApiError {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const qualified = of.group === '' ? of.kind : `${of.kind}.${of.group}`;
  const all = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return apiError(422, 'Invalid', `${qualified} ${JSON.stringify(name)} is invalid: ${all}`, {
    name,
    ...(of.group === '' ? {} : { group: of.group }),
    kind: of.kind,
    causes: errors.map((error) => ({ reason: error.type, message: error.message, field: error.field })),
  });
}

/** 403 as admission says it: `services "web" is forbidden: …`. */
export function forbiddenError(
  of: { readonly group: string; readonly plural: string },
  name: string,
  why: string,
): ApiError {
  const resource = of.group === '' ? of.plural : `${of.plural}.${of.group}`;
  const details = {
    ...(name === '' ? {} : { name }),
    ...(of.group === '' ? {} : { group: of.group }),
    kind: of.plural,
  };
  const subject = name === '' ? resource : `${resource} ${JSON.stringify(name)}`;
  return apiError(403, 'Forbidden', `${subject} is forbidden: ${why}`, details);
}
