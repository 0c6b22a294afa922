/**
 * One POST to a webhook: where it is, TLS with its own CA, a deadline. Redirects are not followed and bodies of failures not told
 * (CVE-2020-8561, CVE-2022-3172). Upstream: apiserver/pkg/util/webhook/client.go, util/proxy/proxy.go.
 */
import { request as httpsRequest } from 'node:https';
import type { AdmissionregistrationWebhookClientConfig } from '../../../api/gen/types.ts';
import type { Reader } from '../../../store/index.ts';
import { DialError as CallError, endpointOf, goReason, toAddress } from '../../service-address.ts';
import type { Address } from '../../service-address.ts';

/** What went wrong, in the words of Go's HTTP client. */
export { DialError as CallError } from '../../service-address.ts';

const mostBytes = 3 * 1024 * 1024;

export async function postReview(
  store: Reader,
  config: AdmissionregistrationWebhookClientConfig,
  timeoutSeconds: number,
  body: object,
): Promise<unknown> {
  const { url, address } = locate(store, config);
  url.searchParams.set('timeout', `${String(timeoutSeconds)}s`);
  const post = (why: string): CallError => new CallError(`Post ${JSON.stringify(url.href)}: ${why}`);
  const text = await send(url, address, config.caBundle, timeoutSeconds, JSON.stringify(body)).catch(
    (error: unknown) => {
      if (error instanceof CallError) throw error;
      throw post(goReason(error, address ?? { host: url.hostname, port: Number(url.port === '' ? 443 : url.port) }));
    },
  );
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CallError("couldn't get version/kind; json parse error");
  }
}

function locate(
  store: Reader,
  { url, service }: AdmissionregistrationWebhookClientConfig,
): { readonly url: URL; readonly address: Address | undefined } {
  if (url !== undefined) return { url: new URL(url), address: undefined };
  const { name = '', namespace = '', path = '', port = 443 } = service ?? {};
  const address = endpointOf(store, namespace, name, port);
  return { url: new URL(`https://${name}.${namespace}.svc:${String(port)}${path === '' ? '/' : path}`), address };
}

function send(
  url: URL,
  address: Address | undefined,
  caBundle: string | undefined,
  timeoutSeconds: number,
  body: string,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = httpsRequest(
    url,
    {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, */*',
        'content-length': Buffer.byteLength(body),
      },
      ...(caBundle === undefined ? {} : { ca: Buffer.from(caBundle, 'base64') }),
      ...(address === undefined ? {} : { lookup: toAddress(address), port: address.port }),
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    },
    (response) => {
      const code = response.statusCode ?? 0;
      if (code !== 200) {
        response.destroy();
        reject(new CallError(statusText(code)));
        return;
      }
      let size = 0;
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > mostBytes) response.destroy(new CallError('response body too large'));
        else chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    },
  );
  request.once('error', reject);
  request.end(body);
  return promise;
}

/** Upstream: apimachinery NewGenericServerResponse, without what the server said. */
function statusText(code: number): string {
  if (code === 400) return 'the server rejected our request for an unknown reason';
  if (code === 401) return 'the server has asked for the client to provide credentials';
  if (code === 403) return 'forbidden: unknown';
  if (code === 404) return 'the server could not find the requested resource';
  if (code === 500) return 'an error on the server ("unknown") has prevented the request from succeeding';
  if (code === 503) return 'the server is currently unable to handle the request';
  return `the server responded with the status code ${String(code)} but did not return more information`;
}
