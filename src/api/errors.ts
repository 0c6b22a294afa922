/**
 * The one error that crosses the API: a Status. The server throws it to refuse, the client gets it back.
 * Upstream: k8s.io/apimachinery/pkg/api/errors.
 */
import type { Status, StatusCause } from './gen/types.ts';

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
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  });
}

/** True for an ApiError of this reason (`NotFound`, `AlreadyExists`, `Conflict`, …). */
export function isReason(error: unknown, reason: string): error is ApiError {
  return error instanceof ApiError && error.reason === reason;
}
