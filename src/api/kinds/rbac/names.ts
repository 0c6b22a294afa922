/** Roles and bindings may have any name that fits into a path: `system:node` is one. Upstream: ValidateRBACName. */

export const rbacGroup = 'rbac.authorization.k8s.io';

export function whyNotPathSegment(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((text) => name.includes(text)).map((text) => `may not contain '${text}'`);
}
