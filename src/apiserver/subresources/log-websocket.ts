/**
 * GET pods/NAME/log as a WebSocket: each piece of the log is a message, the end of the log closes. kubectl does not ask for it,
 * browsers and the conformance tests do. Upstream: StreamObject (apiserver, responsewriters), wsstream.Reader.
 *
 *   none, binary.k8s.io ─ binary messages        base64.binary.k8s.io ─ text messages, base64
 */
import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { Server } from '../context.ts';
import { badRequest } from '../errors.ts';
import { openLog } from './log.ts';
import type { Upgrade } from './stream.ts';

const base64 = 'base64.binary.k8s.io';
const protocols = ['binary.k8s.io', base64];

export async function serveLogSocket(server: Server, { info, query, request, socket, head }: Upgrade): Promise<void> {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((text) => text.trim());
  const protocol = protocols.find((name) => offered.includes(name));
  if (protocol === undefined && offered.some((name) => name !== '' && !isToken(name))) {
    throw badRequest(
      `requested protocol(s) are not supported: [${offered.join(' ')}]; supports [${protocols.join(' ')}]`,
    );
  }
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, server.stopping]);
  const answer = await openLog({ server, info, query }, signal);
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => protocol ?? false });
  const opened = Promise.withResolvers<WebSocket>();
  sockets.handleUpgrade(request, socket, head, opened.resolve);
  const client = await opened.promise;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      if (signal.aborted) break;
      client.send(protocol === base64 ? chunk.toString('base64') : chunk);
      if (socket.writableNeedDrain) await once(socket, 'drain', { signal });
    }
    client.close(1000);
  } catch {
    // The reader went away, or the node did.
    client.terminate();
  }
}

/** A credential that browsers can only send here. Upstream: authentication/request/websocket. */
function isToken(name: string): boolean {
  return name.startsWith('base64url.bearer.authorization.k8s.io.');
}
