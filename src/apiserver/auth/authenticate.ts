/**
 * Request → user: a client certificate of our CA (CN is the user, O the groups), else a ServiceAccount token, else anonymous.
 * A bearer token that is not accepted is a 401, never anonymous.
 */
import type { TLSSocket } from 'node:tls';
import type { Store } from '../../store/index.ts';
import { unauthorized } from '../errors.ts';
import type { RequestHead } from '../http/messages.ts';
import type { Pki } from './pki.ts';
import { verifyToken } from './tokens.ts';
import { anonymous, authenticatedGroup } from './user.ts';
import type { User } from './user.ts';

/** A connection keeps its certificate, so it is read once. */
const byConnection = new WeakMap<object, User | null>();

export async function authenticate(request: RequestHead, pki: Pki, store: Store): Promise<User> {
  const user = certificateUser(request);
  if (user !== undefined) return user;
  const token = bearerToken(request);
  if (token === undefined) return anonymous;
  const bearer = await verifyToken(pki, store, token);
  if (bearer === undefined) throw unauthorized();
  return bearer.user;
}

function certificateUser({ socket }: RequestHead): User | undefined {
  if (socket === undefined) return undefined;
  let user = byConnection.get(socket);
  if (user === undefined) byConnection.set(socket, (user = readCertificate(socket)));
  return user ?? undefined;
}

function readCertificate(socket: TLSSocket): User | null {
  if (!socket.authorized) return null;
  const subject = socket.getPeerCertificate().subject as unknown as
    Readonly<Record<string, string | string[]>> | undefined;
  const name = many(subject?.['CN'])[0];
  if (name === undefined) return null;
  return { name, groups: [...many(subject?.['O']), authenticatedGroup] };
}

function many(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function bearerToken(request: RequestHead): string | undefined {
  const match = /^bearer +(\S+)$/i.exec((request.headers.authorization ?? '').trim());
  return match?.[1] ?? webSocketToken(request);
}

/** Browsers cannot set headers on a WebSocket: the token is offered as a subprotocol. */
function webSocketToken(request: RequestHead): string | undefined {
  const prefix = 'base64url.bearer.authorization.k8s.io.';
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((text) => text.trim());
  const found = offered.find((text) => text.startsWith(prefix));
  return found === undefined ? undefined : Buffer.from(found.slice(prefix.length), 'base64url').toString('utf8');
}
