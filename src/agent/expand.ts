/**
 * `$(VAR)` in command, args and env values, as k8s.io/kubernetes/third_party/forked/golang/expansion does it:
 * `$$` is a `$`, an unknown or malformed reference stays as it is.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let out = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0 || dollar + 1 >= text.length) return out + text.slice(at);
    out += text.slice(at, dollar);
    const next = text[dollar + 1];
    if (next === '$') {
      out += '$';
      at = dollar + 2;
      continue;
    }
    const close = next === '(' ? text.indexOf(')', dollar + 2) : -1;
    if (next !== '(') {
      out += `$${next ?? ''}`;
      at = dollar + 2;
    } else if (close < 0) {
      out += '$(';
      at = dollar + 2;
    } else {
      const name = text.slice(dollar + 2, close);
      out += lookup(name) ?? `$(${name})`;
      at = close + 1;
    }
  }
  return out;
}
