/**
 * Links of a proxied page, so that a browser stays under the proxy: `href="/x"` becomes `href="/api/v1/…/proxy/x"`.
 * Upstream: apimachinery's pkg/util/proxy/transport.go (same elements and attributes).
 */
import { Transform } from 'node:stream';

const attributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster'],
};

export interface Place {
  /** `/api/v1/namespaces/NS/services/NAME/proxy` */
  readonly prefix: string;
  /** `host:port` of the back end. */
  readonly backend: string;
  /** What the client called us. */
  readonly host: string;
}

export function rewriteUrl(url: string, { prefix, backend, host }: Place): string {
  const parts = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/is.exec(url);
  if (parts === null) return url;
  const [, scheme = '', authority = '', path = '', rest = ''] = parts;
  if (scheme !== '' && authority === '') return url;
  if (authority !== '' && authority !== backend && authority !== host) return url;
  if (!path.startsWith('/')) return url;
  // A back end that knows where it is.
  if (authority === host && path.startsWith(prefix)) return url;
  return `${prefix}${path}${rest}`;
}

function rewriteTag(tag: string, place: Place): string {
  const name = /^<([a-z0-9]+)/i.exec(tag)?.[1]?.toLowerCase() ?? '';
  const names = attributes[name];
  if (names === undefined) return tag;
  return tag.replaceAll(/(\s)([a-z-]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/gi, (all: string, ...found: string[]) => {
    const [space = '', attribute = '', equals = '', value = ''] = found;
    if (!names.includes(attribute.toLowerCase())) return all;
    const quote = /^["']/.test(value) ? value.slice(0, 1) : '';
    const bare = quote === '' ? value : value.slice(1, -1);
    return `${space}${attribute}${equals}${quote}${rewriteUrl(bare, place)}${quote}`;
  });
}

/** More than this without an end is no tag. */
const maxTag = 64 * 1024;

/** Bytes stay bytes (latin1), so the page's encoding does not matter. */
export function rewriteHtml(place: Place): Transform {
  let rest = '';
  const rewrite = (text: string): string => text.replaceAll(/<[a-z][^>]*>/gi, (tag) => rewriteTag(tag, place));
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest += chunk.toString('latin1');
      const open = rest.lastIndexOf('<');
      const cut = open >= 0 && rest.indexOf('>', open) < 0 && rest.length - open < maxTag ? open : rest.length;
      const whole = rest.slice(0, cut);
      rest = rest.slice(cut);
      done(null, Buffer.from(rewrite(whole), 'latin1'));
    },
    flush(done) {
      done(null, Buffer.from(rest, 'latin1'));
    },
  });
}
