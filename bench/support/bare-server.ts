/**
 * The least that an API server can be: node:http2 over TLS with client certificates, which reads a body and answers one of the same
 * length every time, 201. What `bench api` measures above it is the API server's own.
 *
 *   node bare-server.ts PKI PORT BYTES
 */
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import { join } from 'node:path';

const [pki = '', port = '', bytes = ''] = process.argv.slice(2);
const file = (name: string): Buffer => readFileSync(join(pki, name));
const answer = Buffer.alloc(Number(bytes), 'x');
const server = createSecureServer({
  cert: file('apiserver.crt'),
  key: file('apiserver.key'),
  ca: file('ca.crt'),
  requestCert: true,
});
server.on('stream', (stream: ServerHttp2Stream) => {
  stream.on('error', () => undefined);
  stream.resume();
  stream.once('end', () => {
    stream.respond({ ':status': 201, 'content-type': 'application/json', 'content-length': answer.length });
    stream.end(answer);
  });
});
server.listen({ host: '127.0.0.1', port: Number(port) });
process.once('SIGTERM', () => process.exit(0));
