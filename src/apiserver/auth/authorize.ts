/**
 * The one place that says who may do what. Until roles are evaluated here, whoever is authenticated may do everything, and
 * anonymous may ask for health and version only.
 */
import { apiError } from '../../api/errors.ts';
import type { NonResourceRule, ResourceRule } from '../../api/gen/types.ts';
import type { RequestInfo } from '../request-info.ts';
import { unauthorized } from '../errors.ts';
import { anonymous } from './user.ts';
import type { User } from './user.ts';

const publicPaths = /^\/(healthz|livez|readyz|version)(\/|$)/;

/** Throws 401 or 403. */
export function authorize(user: User, info: RequestInfo): void {
  if (user.name !== anonymous.name) return;
  if (info.kind === 'path' && publicPaths.test(info.path)) return;
  throw unauthorized();
}

export function allowed(user: User, info: RequestInfo): boolean {
  try {
    authorize(user, info);
    return true;
  } catch {
    return false;
  }
}

/** The same decision as rules, for `kubectl auth can-i --list`. */
export function rulesOf(user: User): {
  readonly resourceRules: readonly ResourceRule[];
  readonly nonResourceRules: readonly NonResourceRule[];
} {
  const all = allowed(user, { kind: 'path', path: '/' });
  const paths = ['/healthz', '/livez', '/readyz', '/version'].flatMap((path) => [path, `${path}/*`]);
  return {
    resourceRules: all ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] : [],
    nonResourceRules: [all ? { verbs: ['*'], nonResourceURLs: ['*'] } : { verbs: ['get'], nonResourceURLs: paths }],
  };
}

export function forbiddenPath(user: User, verb: string, path: string): Error {
  return apiError(403, 'Forbidden', `forbidden: User "${user.name}" cannot ${verb} path "${path}"`, {});
}
