/** Whole answers of the proxy's own ports, with the headers that Go's server gives them. */
import type http from 'node:http';

export const json = 'application/json';
export const plainText = 'text/plain; charset=utf-8';

export function answer(
  response: http.ServerResponse,
  code: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(code, {
    'content-type': type,
    'x-content-type-options': 'nosniff',
    ...headers,
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
