/**
 * One request to an extension server: the address of its Service that was checked is the one that is dialled (CVE-2020-8562), our
 * certificate of a front proxy, and who the user is in headers. Redirects are never followed (CVE-2022-3172).
 * Upstream: kube-aggregator pkg/controllers/status/remote (BuildTransportConfig), client-go transport/round_trippers.go.
 */
import { lookup as resolve } from 'node:dns';
import { request as httpsRequest } from 'node:https';
import type { ClientRequest, OutgoingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import type { RequestOptions } from 'node:https';
import type { User } from '../auth/user.ts';
import type { Server } from '../context.ts';
import { DialError, endpointOf, toAddress } from '../service-address.ts';
import type { Address } from '../service-address.ts';
import { checkedAddress } from '../subresources/proxy/address.ts';
import type { Remote } from './remote.ts';

export interface Sent {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly signal?: AbortSignal;
}

/** Throws DialError. */
export function addressOf({ store, options }: Server, { service }: Remote): Address {
  const address = endpointOf(store, service.namespace, service.name, service.port);
  if (isIP(address.host) !== 0) {
    try {
      checkedAddress(address.host, [options.advertiseAddress]);
    } catch {
      throw new DialError('address not allowed');
    }
  }
  return address;
}

export function open(server: Server, remote: Remote, address: Address, sent: Sent): ClientRequest {
  const { name, namespace } = remote.service;
  const host = `${name}.${namespace}.svc`;
  const { frontProxy } = server.pki;
  const tls: RequestOptions = {
    servername: host,
    rejectUnauthorized: !remote.insecure,
    ...(remote.caBundle === undefined ? {} : { ca: Buffer.from(remote.caBundle, 'base64') }),
    ...(frontProxy === undefined ? {} : { cert: frontProxy.cert, key: frontProxy.key }),
  };
  const lookup = isIP(address.host) === 0 ? checkedLookup(server, address.host) : toAddress(address);
  return httpsRequest({
    ...tls,
    ...sent,
    host,
    port: address.port,
    lookup,
    agent: false,
    headers: { ...sent.headers, host: hostText(address) },
  });
}

/** Of an ExternalName: whatever it means now is checked, and dialled. */
function checkedLookup({ options }: Server, name: string): LookupFunction {
  return (_host, wanted, callback) => {
    resolve(name, (error, address, family) => {
      if (error !== null) return callback(error, address, family);
      try {
        checkedAddress(address, [options.advertiseAddress]);
      } catch (refused) {
        return callback(refused as NodeJS.ErrnoException, address, family);
      }
      if (wanted.all === true) callback(null, [{ address, family }]);
      else callback(null, address, family);
    });
  };
}

export function hostText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}

/** Upstream: SetAuthProxyHeaders. */
export function userHeaders({ name, uid = '', groups, extra = {} }: User): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { 'X-Remote-User': bytes(name) };
  if (uid !== '') headers['X-Remote-Uid'] = bytes(uid);
  if (groups.length > 0) headers['X-Remote-Group'] = groups.map(bytes);
  for (const [key, values] of Object.entries(extra)) {
    headers[`X-Remote-Extra-${escapeKey(key)}`] = values.map(bytes);
  }
  return headers;
}

/** Headers carry bytes: UTF-8, as Go sends it. */
function bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** What is no token is percent-encoded. */
function escapeKey(key: string): string {
  return [...Buffer.from(key, 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[!#$&'*+\-.^_`|~0-9A-Za-z]/.test(character)
        ? character
        : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
    })
    .join('');
}
