/** Node identities: group system:nodes, user system:node:NAME. Upstream: pkg/auth/nodeidentifier. */
import type { User } from './user.ts';

const prefix = 'system:node:';

/** undefined: no node; '': a node that does not say which. */
export function nodeNameOf(user: User): string | undefined {
  if (!user.groups.includes('system:nodes')) return undefined;
  return user.name.startsWith(prefix) ? user.name.slice(prefix.length) : undefined;
}
