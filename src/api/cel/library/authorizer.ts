/**
 * `authorizer.group('apps').resource('deployments').namespace('web').check('create').allowed()`
 * Upstream: apiserver/pkg/cel/library/authz.go. Who decides is given from outside.
 */
import { whyNotDns1123Label, whyNotDns1123Subdomain } from '../../validation/index.ts';
import { EvalError } from '../issues.ts';
import type { Declaration } from '../signature.ts';
import { Opaque } from '../values.ts';

export type Asked =
  | { readonly kind: 'path'; readonly path: string; readonly verb: string }
  | {
      readonly kind: 'resource';
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
      readonly fieldSelector: string;
      readonly labelSelector: string;
    };

/** `account`: somebody else than who asks. */
export type Decide = (
  asked: Asked,
  account: { readonly namespace: string; readonly name: string } | undefined,
) => { readonly allowed: boolean; readonly reason: string; readonly error?: string };

abstract class Identity extends Opaque {
  equals(other: Opaque): boolean {
    return this === other;
  }
}

export class AuthorizerValue extends Identity {
  readonly typeName = 'kubernetes.authorization.Authorizer';
  readonly decide: Decide;
  readonly account: { readonly namespace: string; readonly name: string } | undefined;
  constructor(decide: Decide, account?: { readonly namespace: string; readonly name: string }) {
    super();
    this.decide = decide;
    this.account = account;
  }
}

class PathCheck extends Identity {
  readonly typeName = 'kubernetes.authorization.PathCheck';
  readonly by: AuthorizerValue;
  readonly path: string;
  constructor(by: AuthorizerValue, path: string) {
    super();
    this.by = by;
    this.path = path;
  }
}

class GroupCheck extends Identity {
  readonly typeName = 'kubernetes.authorization.GroupCheck';
  readonly by: AuthorizerValue;
  readonly group: string;
  constructor(by: AuthorizerValue, group: string) {
    super();
    this.by = by;
    this.group = group;
  }
}

type ResourceAsked = Omit<Extract<Asked, { kind: 'resource' }>, 'verb'>;

export class ResourceCheck extends Identity {
  readonly typeName = 'kubernetes.authorization.ResourceCheck';
  readonly by: AuthorizerValue;
  readonly asked: ResourceAsked;
  constructor(by: AuthorizerValue, asked: ResourceAsked) {
    super();
    this.by = by;
    this.asked = asked;
  }
}

class Decision extends Identity {
  readonly typeName = 'kubernetes.authorization.Decision';
  readonly result: ReturnType<Decide>;
  constructor(result: ReturnType<Decide>) {
    super();
    this.result = result;
  }
}

function accountOf(by: AuthorizerValue, namespace: string, name: string): AuthorizerValue {
  if (whyNotDns1123Subdomain(name).length > 0) throw new EvalError('Invalid service account name');
  if (whyNotDns1123Label(namespace).length > 0) throw new EvalError('Invalid service account namespace');
  return new AuthorizerValue(by.decide, { namespace, name });
}

function notEmpty(what: string, text: string): string {
  if (text.trim() === '') throw new EvalError(`${what} must not be empty`);
  return text;
}

const prefix = 'kubernetes:authorization:';
const [a, p, g, r, d] = ['Authorizer', 'PathCheck', 'GroupCheck', 'ResourceCheck', 'Decision'].map(
  (name) => prefix + name,
) as [string, string, string, string, string];

const narrowing = [
  ['subresource', 'resourcecheck_subresource', 'subresource'],
  ['namespace', 'resourcecheck_namespace', 'namespace'],
  ['name', 'resourcecheck_name', 'name'],
  ['fieldSelector', 'authorizer_fieldselector', 'fieldSelector'],
  ['labelSelector', 'authorizer_labelselector', 'labelSelector'],
] as const;

export const authorizer = (): readonly Declaration[] => [
  {
    id: 'authorizer_path',
    of: `${a}.path(string) ${p}`,
    call: (by: AuthorizerValue, path: string) => new PathCheck(by, notEmpty('path', path)),
  },
  {
    id: 'authorizer_group',
    of: `${a}.group(string) ${g}`,
    call: (by: AuthorizerValue, group: string) => new GroupCheck(by, group),
  },
  { id: 'authorizer_serviceaccount', of: `${a}.serviceAccount(string, string) ${a}`, call: accountOf },
  {
    id: 'groupcheck_resource',
    of: `${g}.resource(string) ${r}`,
    call: ({ by, group }: GroupCheck, resource: string) =>
      new ResourceCheck(by, {
        kind: 'resource',
        group,
        resource: notEmpty('resource', resource),
        subresource: '',
        namespace: '',
        name: '',
        fieldSelector: '',
        labelSelector: '',
      }),
  },
  ...narrowing.map(([name, id, field]) => ({
    id,
    of: `${r}.${name}(string) ${r}`,
    call: ({ by, asked }: ResourceCheck, text: string) => new ResourceCheck(by, { ...asked, [field]: text }),
  })),
  {
    id: 'pathcheck_check',
    of: `${p}.check(string) ${d}`,
    call: ({ by, path }: PathCheck, verb: string) => new Decision(by.decide({ kind: 'path', path, verb }, by.account)),
  },
  {
    id: 'resourcecheck_check',
    of: `${r}.check(string) ${d}`,
    call: ({ by, asked }: ResourceCheck, verb: string) => new Decision(by.decide({ ...asked, verb }, by.account)),
  },
  {
    id: 'decision_errored',
    of: `${d}.errored() bool`,
    call: ({ result }: Decision) => result.error !== undefined,
  },
  { id: 'decision_error', of: `${d}.error() string`, call: ({ result }: Decision) => result.error ?? '' },
  { id: 'decision_allowed', of: `${d}.allowed() bool`, call: ({ result }: Decision) => result.allowed },
  { id: 'decision_reason', of: `${d}.reason() string`, call: ({ result }: Decision) => result.reason },
];
