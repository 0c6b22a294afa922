/** How the API server speaks to a node agent: with its own client certificate, and only to one that our CA vouches for. */
import type { RequestOptions } from 'node:https';
import { checkServerIdentity } from 'node:tls';
import type { Server } from '../context.ts';
import type { NodeAddress } from './pod-target.ts';

export function nodeRequest(server: Server, node: NodeAddress, path: string): RequestOptions {
  const { pki } = server;
  return {
    host: node.host,
    port: node.port,
    path,
    ca: pki.ca,
    cert: pki.clientCert,
    key: pki.clientKey,
    checkServerIdentity: (_name, certificate) => checkServerIdentity(node.host, certificate),
    agent: false,
    timeout: 0,
  };
}
