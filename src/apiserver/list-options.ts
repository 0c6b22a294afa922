/**
 * The query of list and watch, checked as upstream does it (k8s.io/apimachinery/pkg/apis/meta/internalversion/validation), and the
 * continue token: `{"v":"meta.k8s.io/v1","rv":REVISION,"start":"ns/name\0"}` in base64url.
 */
import type { FieldError } from '../api/field-errors.ts';
import { apiError } from '../api/errors.ts';
import { jsonSyntaxError } from '../api/json-syntax.ts';
import { badRequest, invalid } from './errors.ts';
import { isTrue } from './request-info.ts';

export interface ListOptions {
  readonly limit: number;
  readonly continueFrom: ContinueToken | undefined;
  /** 0: unset or "0". */
  readonly resourceVersion: number;
  readonly match: '' | 'Exact' | 'NotOlderThan';
}

export interface ContinueToken {
  /** -1: from the newest state (an expired token's inconsistent continuation). */
  readonly revision: number;
  /** First key that is still to come. */
  readonly start: string;
}

export function parseListOptions(query: URLSearchParams): ListOptions {
  const text = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const token = query.get('continue') ?? '';
  const refuse = (message: string): never => refuseOptions('resourceVersionMatch', message);
  if (query.get('sendInitialEvents') !== null) {
    refuseOptions('sendInitialEvents', 'Forbidden: sendInitialEvents is forbidden for list');
  }
  if (match !== '') {
    if (token !== '') refuse('Forbidden: resourceVersionMatch is forbidden for continue');
    if (text === '') refuse('Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      refuse(`Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`);
    }
    if (match === 'Exact' && text === '0') {
      refuse('Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (token !== '' && text !== '' && text !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return {
    limit: parseCount(query, 'limit'),
    continueFrom: token === '' ? undefined : decodeToken(token),
    resourceVersion: parseResourceVersion(text, (why) => badRequest(`invalid resource version: ${why}`)),
    match: match as ListOptions['match'],
  };
}

export interface WatchOptions {
  readonly resourceVersion: number;
  /** resourceVersion was given, other than "0". */
  readonly fromRevision: boolean;
  readonly bookmarks: boolean;
  readonly initialEvents: boolean;
  readonly timeoutSeconds: number;
}

export function parseWatchOptions(query: URLSearchParams): WatchOptions {
  const initial = query.get('sendInitialEvents');
  const match = query.get('resourceVersionMatch') ?? '';
  if (initial === null && match !== '') {
    refuseOptions(
      'resourceVersionMatch',
      'Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    );
  }
  if (initial !== null && match !== 'NotOlderThan') {
    refuseOptions(
      'resourceVersionMatch',
      'Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    );
  }
  const text = query.get('resourceVersion') ?? '';
  // Upstream's watch cache does not say what kind of error this is.
  const resourceVersion = parseResourceVersion(text, (why) => apiError(500, '', why));
  return {
    resourceVersion,
    fromRevision: resourceVersion > 0,
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    initialEvents: isTrue(initial),
    timeoutSeconds: parseCount(query, 'timeoutSeconds'),
  };
}

export function parseResourceVersion(text: string | null, refusal: (why: string) => Error): number {
  if (text === null || text === '') return 0;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const quoted = JSON.stringify(text);
  throw refusal(`resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: invalid syntax`);
}

function parseCount(query: URLSearchParams, name: string): number {
  const text = query.get(name);
  if (text === null || text === '') return 0;
  const why = !/^[-+]?\d+$/.test(text) ? 'invalid syntax' : isInt64(text) ? undefined : 'value out of range';
  if (why !== undefined) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`);
  return Math.max(0, Number(text));
}

function isInt64(text: string): boolean {
  const value = BigInt(text.replace(/^\+/, ''));
  return BigInt.asIntN(64, value) === value;
}

function refuseOptions(field: string, message: string): never {
  const type: FieldError['type'] = message.startsWith('Forbidden') ? 'FieldValueForbidden' : 'FieldValueNotSupported';
  throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [{ type, field, message }]);
}

export function encodeToken(token: ContinueToken): string {
  const text = JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: token.start });
  return Buffer.from(text).toString('base64url');
}

function decodeToken(text: string): ContinueToken {
  const refuse = (why: string): never => {
    throw badRequest(`invalid continue token: continue key is not valid: ${why}`);
  };
  const good = /^[-A-Za-z0-9_]*/.exec(text)?.[0].length ?? 0;
  if (good < text.length) refuse(`illegal base64 data at input byte ${good}`);
  const json = Buffer.from(text, 'base64url').toString('utf8');
  const why = jsonSyntaxError(json);
  if (why !== undefined) refuse(why);
  const { v, rv, start } = Object(JSON.parse(json)) as Record<string, unknown>;
  if (v !== 'meta.k8s.io/v1')
    refuse(`server does not recognize this encoded version ${typeof v === 'string' ? v : ''}`);
  if (!Number.isSafeInteger(rv)) refuse('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  return { revision: rv as number, start: typeof start === 'string' ? start : '' };
}
