/** What of a request or an answer is passed on by a proxy. Upstream: httputil.ReverseProxy, apimachinery pkg/util/proxy. */
import type { OutgoingHttpHeaders } from 'node:http';

export function queryOf(url = ''): string {
  const mark = url.indexOf('?');
  return mark < 0 ? '' : url.slice(mark);
}

/** RFC 9110 §7.6.1: for one hop only. */
const hopByHop = new Set(
  'connection proxy-connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade http2-settings'.split(
    ' ',
  ),
);
type Headers = Readonly<Record<string, string | string[] | undefined>>;

function endToEnd(headers: Headers): Record<string, string | string[]> {
  const named = new Set(
    String(headers['connection'] ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  );
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':') && !hopByHop.has(name) && !named.has(name)) kept[name] = value;
  }
  return kept;
}

/** Who the client is was for us to know: its credentials stay here. */
export function requestHeaders(headers: Headers, host: string, client: string): OutgoingHttpHeaders {
  const kept: OutgoingHttpHeaders = endToEnd(headers);
  delete kept['authorization'];
  for (const name of Object.keys(kept)) if (/^(impersonate-|x-remote-)/.test(name)) delete kept[name];
  const before = headers['x-forwarded-for'];
  kept['x-forwarded-for'] = before === undefined ? client : `${[before].flat().join(', ')}, ${client}`;
  kept['host'] = host;
  return kept;
}

export function responseHeaders(headers: Headers): Record<string, string | string[]> {
  const kept = endToEnd(headers);
  for (const name of ['credentials', 'headers', 'methods', 'origin']) delete kept[`access-control-allow-${name}`];
  return kept;
}
