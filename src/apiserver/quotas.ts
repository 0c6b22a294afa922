/**
 * How much one user may have under way at once: requests, and watches with the other streams. One who asks for more is told to come
 * again (429), and nobody else waits for him. system:masters are exempt, as upstream's flow control exempts them.
 */
import { apiError } from '../api/errors.ts';
import type { User } from './auth/user.ts';

export interface QuotaOptions {
  readonly requestsPerUser?: number;
  readonly watchesPerUser?: number;
}

export interface Quotas {
  /** Throws 429. Call what it returns when the request is over. */
  enter(user: User, lasting: boolean): () => void;
}

const retryAfterSeconds = 1;

export function createQuotas({ requestsPerUser = 600, watchesPerUser = 5000 }: QuotaOptions = {}): Quotas {
  const requests = new Map<string, number>();
  const watches = new Map<string, number>();
  return {
    enter(user, lasting) {
      if (user.groups.includes('system:masters')) return () => undefined;
      return lasting ? take(watches, user.name, watchesPerUser) : take(requests, user.name, requestsPerUser);
    },
  };
}

function take(counts: Map<string, number>, name: string, most: number): () => void {
  const now = counts.get(name) ?? 0;
  if (now >= most) {
    throw apiError(429, 'TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds });
  }
  counts.set(name, now + 1);
  let open = true;
  return () => {
    if (!open) return;
    open = false;
    const left = (counts.get(name) ?? 1) - 1;
    if (left > 0) counts.set(name, left);
    else counts.delete(name);
  };
}
