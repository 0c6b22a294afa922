/**
 * The one place that says who may do what.
 *
 *   system:masters ─ yes
 *   system:nodes   ─ what concerns that node (node-authorizer.ts), else like everybody
 *   everybody      ─ the rules of the roles that he, or a group of his, is bound to (rbac-index.ts)
 *
 * Upstream: plugin/pkg/auth/authorizer, with `--authorization-mode=Node,RBAC`.
 */
import type { ApiError } from '../../api/errors.ts';
import { apiError } from '../../api/errors.ts';
import type { NonResourceRule, PolicyRule, ResourceRule } from '../../api/gen/types.ts';
import { groupResourceOf } from '../../api/resources.ts';
import type { Store } from '../../store/index.ts';
import { attributesOf } from './attributes.ts';
import type { Attributes } from './attributes.ts';
import { nodeVerdict } from './node-authorizer.ts';
import { nodeNameOf } from './node-user.ts';
import { createRbacIndex } from './rbac-index.ts';
import type { RbacIndex } from './rbac-index.ts';
import { ruleAllows } from './rules.ts';
import type { User } from './user.ts';
import type { RequestInfo } from '../request-info.ts';

export interface Decision {
  readonly allowed: boolean;
  /** Why so, or why not; may be empty. */
  readonly reason: string;
}

export interface UserRules {
  readonly resourceRules: readonly ResourceRule[];
  readonly nonResourceRules: readonly NonResourceRule[];
  readonly incomplete: boolean;
  readonly evaluationError?: string;
}

export interface Authorizer {
  decide(user: User, asked: Attributes): Decision;
  /** Throws 403. */
  check(user: User, asked: Attributes): void;
  readonly rbac: RbacIndex;
}

export const mastersGroup = 'system:masters';

export function createAuthorizer(store: Store): Authorizer {
  const rbac = createRbacIndex(store);
  const decide = (user: User, asked: Attributes): Decision => {
    if (user.groups.includes(mastersGroup)) return { allowed: true, reason: '' };
    const node = nodeVerdict(store, user, asked);
    if (node?.allowed === true) return node;
    const byRules = rbacVerdict(rbac, user, asked);
    if (byRules.allowed) return byRules;
    return { allowed: false, reason: [node?.reason ?? '', byRules.reason].filter((text) => text !== '').join('\n') };
  };
  return {
    decide,
    check(user, asked) {
      const { allowed, reason } = decide(user, asked);
      if (!allowed) throw forbiddenRequest(user, asked, reason);
    },
    rbac,
  };
}

/** Throws 403. A stream that is asked for by GET needs `create` too, as every other way to start one. */
export function authorizeRequest(
  authorizer: Authorizer,
  user: User,
  info: RequestInfo,
  method: string,
  query: URLSearchParams,
): void {
  const asked = attributesOf(info, method, query);
  authorizer.check(user, asked);
  if (asked.kind === 'path' || info.kind === 'path' || info.verb !== 'connect') return;
  // Upstream: AuthorizePodWebsocketUpgradeCreatePermission.
  if (asked.resource === 'pods' && asked.subresource !== 'proxy' && asked.verb === 'get') {
    authorizer.check(user, { ...asked, verb: 'create' });
  }
}

function rbacVerdict(rbac: RbacIndex, user: User, asked: Attributes): Decision {
  let source: string | undefined;
  const namespace = asked.kind === 'path' ? '' : asked.namespace;
  const missing = rbac.visit(user, namespace, (grant) => {
    if (!ruleAllows(grant.rule, asked)) return true;
    source = grant.source();
    return false;
  });
  if (source !== undefined) return { allowed: true, reason: `RBAC: allowed by ${source}` };
  const [first, ...more] = new Set(missing);
  if (first === undefined) return { allowed: false, reason: '' };
  return { allowed: false, reason: `RBAC: ${more.length === 0 ? first : `[${[first, ...more].join(', ')}]`}` };
}

/** What `kubectl auth can-i --list` shows. */
export function userRules(authorizer: Authorizer, user: User, namespace: string): UserRules {
  const resourceRules: ResourceRule[] = [];
  const nonResourceRules: NonResourceRule[] = [];
  const missing = authorizer.rbac.visit(user, namespace, ({ rule }) => {
    if ((rule.resources ?? []).length > 0) resourceRules.push(resourceRule(rule));
    if ((rule.nonResourceURLs ?? []).length > 0) {
      nonResourceRules.push({ verbs: rule.verbs, nonResourceURLs: rule.nonResourceURLs ?? [] });
    }
    return true;
  });
  const errors = [
    ...(nodeNameOf(user) === undefined ? [] : ['node authorizer does not support user rule resolution']),
    ...missing,
  ];
  const incomplete = errors.length > 0;
  return {
    resourceRules,
    nonResourceRules,
    incomplete,
    ...(incomplete ? { evaluationError: errors.join(', ') } : {}),
  };
}

function resourceRule({ verbs, apiGroups, resources, resourceNames }: PolicyRule): ResourceRule {
  return {
    verbs,
    ...(apiGroups === undefined ? {} : { apiGroups }),
    ...(resources === undefined ? {} : { resources }),
    ...(resourceNames === undefined ? {} : { resourceNames }),
  };
}

/** Upstream: ForbiddenStatusError in k8s.io/apiserver/pkg/endpoints/handlers/responsewriters. */
function forbiddenRequest(user: User, asked: Attributes, reason: string): ApiError {
  const why = `${cannot(user, asked)}${reason === '' ? '' : `: ${reason}`}`;
  if (asked.kind === 'path') return apiError(403, 'Forbidden', `forbidden: ${why}`, {});
  const { group, resource, name } = asked;
  const subject = groupResourceOf({ group, plural: resource });
  const named = name === '' ? subject : `${subject} ${JSON.stringify(name)}`;
  return apiError(403, 'Forbidden', `${named} is forbidden: ${why}`, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
  });
}

function cannot(user: User, asked: Attributes): string {
  const who = `User ${JSON.stringify(user.name)} cannot ${asked.verb}`;
  if (asked.kind === 'path') return `${who} path ${JSON.stringify(asked.path)}`;
  const { resource, subresource, group, namespace } = asked;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`;
}
