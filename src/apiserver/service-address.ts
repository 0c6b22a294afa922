/**
 * Where a Service is, for what the server itself asks of it: webhooks, extension servers.
 * Upstream: apiserver/pkg/util/proxy/proxy.go (ResolveEndpoint).
 */
import type { LookupFunction } from 'node:net';
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import type { Reader } from '../store/index.ts';
import { bucketOf } from './registry.ts';

/** What went wrong, in upstream's words. */
export class DialError extends Error {}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** An endpoint rather than the cluster IP: this process may be where no proxy is. */
export function endpointOf(store: Reader, namespace: string, name: string, port: number): Address {
  const slot = { resource: bucketOf(resources.services), namespace, name };
  const service = store.get(slot)?.value as Service | undefined;
  if (service === undefined) throw new DialError(`service ${JSON.stringify(name)} not found`);
  if (service.spec?.type === 'ExternalName') return { host: service.spec.externalName ?? '', port };
  const wanted = service.spec?.ports?.find((one) => one.port === port);
  if (wanted === undefined)
    throw new DialError(`no service port ${String(port)} found for service ${JSON.stringify(name)}`);
  for (const item of store.list(bucketOf(resources.endpointSlices), namespace)) {
    const slice = item.value as EndpointSlice;
    if (slice.metadata?.labels?.['kubernetes.io/service-name'] !== name) continue;
    const target = slice.ports?.find((one) => (one.name ?? '') === (wanted.name ?? ''))?.port;
    const ready = (slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.ready !== false);
    const chosen = ready[Math.floor(Math.random() * ready.length)];
    const [host] = chosen?.addresses ?? [];
    if (host !== undefined && target !== undefined) return { host, port: target };
  }
  throw new DialError(`no endpoints available for service ${JSON.stringify(name)}`);
}

/** The name stays that of the service, for TLS; the connection goes to the endpoint. */
export function toAddress({ host }: Address): LookupFunction {
  const family = host.includes(':') ? 6 : 4;
  return (_name, options, callback) => {
    if (options.all === true) callback(null, [{ address: host, family }]);
    else callback(null, host, family);
  };
}

/** What failed, as Go's HTTP client says it. */
export function goReason(error: unknown, { host, port }: Address): string {
  const { code = '', name = '', message = '' } = error as { code?: string; name?: string; message?: string };
  const dial = `dial tcp ${host}:${String(port)}`;
  if (name === 'TimeoutError' || name === 'AbortError' || code === 'ABORT_ERR') return 'context deadline exceeded';
  if (code === 'ECONNREFUSED') return `${dial}: connect: connection refused`;
  if (code === 'EHOSTUNREACH') return `${dial}: connect: no route to host`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${host}: no such host`;
  if (code === 'ECONNRESET') return 'EOF';
  if (/CERT|SIGNED|SIGNATURE|ISSUER/.test(code)) {
    const why =
      code === 'ERR_TLS_CERT_ALTNAME_INVALID'
        ? 'certificate is not valid for the requested name'
        : 'certificate signed by unknown authority';
    return `tls: failed to verify certificate: x509: ${why}`;
  }
  return message;
}
