/**
 * `kubectl --as`: the request is made as somebody else, if the one who makes it may `impersonate` him, each of his groups, his uid
 * and each extra. Upstream: k8s.io/apiserver/pkg/endpoints/filters/impersonation.
 */
import { badRequest } from '../errors.ts';
import type { RequestHead } from '../http/messages.ts';
import { resourceAttributes } from './attributes.ts';
import type { Authorizer } from './authorize.ts';
import { anonymous, authenticatedGroup, serviceAccountGroups, splitServiceAccount } from './user.ts';
import type { User } from './user.ts';

interface Wanted {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** The user himself when nobody else is meant. Throws 400 and 403. */
export function impersonate(request: Pick<RequestHead, 'rawHeaders'>, user: User, authorizer: Authorizer): User {
  const wanted = readHeaders(request.rawHeaders);
  if (wanted === undefined) return user;
  const may = (
    resource: string,
    of: { group?: string; namespace?: string; subresource?: string; name: string },
  ): void => {
    authorizer.check(user, resourceAttributes('impersonate', { resource, ...of }));
  };
  const group = 'authentication.k8s.io';
  const account = splitServiceAccount(wanted.name);
  if (account === undefined) may('users', { name: wanted.name });
  else may('serviceaccounts', account);
  for (const name of wanted.groups) may('groups', { name });
  for (const [key, values] of Object.entries(wanted.extra)) {
    for (const name of values) may('userextras', { group, subresource: key, name });
  }
  if (wanted.uid !== '') may('uids', { group, name: wanted.uid });
  return {
    name: wanted.name,
    groups: groupsOf(wanted, account?.namespace),
    ...(wanted.uid === '' ? {} : { uid: wanted.uid }),
    ...(Object.keys(wanted.extra).length === 0 ? {} : { extra: wanted.extra }),
  };
}

function groupsOf({ name, groups }: Wanted, namespace: string | undefined): readonly string[] {
  const [unauthenticated = ''] = anonymous.groups;
  const given = groups.length === 0 && namespace !== undefined ? serviceAccountGroups(namespace) : groups;
  if (name === anonymous.name) return given.includes(unauthenticated) ? given : [...given, unauthenticated];
  const settled = given.includes(authenticatedGroup) || given.includes(unauthenticated);
  return settled ? given : [...given, authenticatedGroup];
}

const extraPrefix = 'impersonate-extra-';

/** From the raw list: a group's name may hold a comma, at which Node would join repeated headers. */
function readHeaders(raw: readonly string[]): Wanted | undefined {
  let name = '';
  let uid = '';
  const groups: string[] = [];
  const extra: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  let asked = false;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const header = (raw[i] ?? '').toLowerCase();
    if (!header.startsWith('impersonate-')) continue;
    const value = raw[i + 1] ?? '';
    asked = true;
    if (header === 'impersonate-user') name ||= value;
    else if (header === 'impersonate-uid') uid ||= value;
    else if (header === 'impersonate-group') groups.push(value);
    else if (header.startsWith(extraPrefix)) (extra[unescaped(header.slice(extraPrefix.length))] ??= []).push(value);
  }
  if (name !== '') return { name, uid, groups, extra };
  if (!asked || (uid === '' && groups.length === 0 && Object.keys(extra).length === 0)) return undefined;
  throw badRequest(`requested groups [${groups.join(' ')}] without impersonating a user name`);
}

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
