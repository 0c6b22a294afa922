/**
 * `pattern` and `format` of a schema. Patterns are Go's (RE2), so they hold nothing that needs backtracking: V8 goes over to its
 * linear engine when its first one takes too long, and a pattern cannot hold the server. That engine knows no flags.
 * Formats: kube-openapi/pkg/validation/strfmt. Unknown ones are not looked at.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { setFlagsFromString } from 'node:v8';

const compiled = new Map<string, RegExp>();
const keptPatterns = 2000;
let linear = false;

/** Throws SyntaxError. */
export function goPattern(text: string): RegExp {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  if (!linear) {
    setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
    linear = true;
  }
  const made = compile(text);
  if (compiled.size >= keptPatterns) compiled.clear();
  compiled.set(text, made);
  return made;
}

const posixClasses: Readonly<Record<string, string>> = {
  '[:alnum:]': 'A-Za-z0-9',
  '[:alpha:]': 'A-Za-z',
  '[:digit:]': '0-9',
  '[:lower:]': 'a-z',
  '[:upper:]': 'A-Z',
  '[:space:]': '\\s',
  '[:xdigit:]': '0-9A-Fa-f',
  '[:word:]': '\\w',
};

function compile(text: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(text);
  const source = scopedFlags(text.slice(flags?.[0].length ?? 0))
    .replace(/\[:[a-z]+:\]/g, (name) => posixClasses[name] ?? name)
    .replaceAll('(?P<', '(?<')
    .replaceAll('\\A', '^')
    .replaceAll('\\z', '$');
  return new RegExp(source, (flags?.[1] ?? '') + (/\\p\{/i.test(source) ? 'u' : ''));
}

/** `a(?i)b` is Go's for `a(?i:b)`: the flags hold to the end of the group that they stand in. */
function scopedFlags(text: string): string {
  if (!/\(\?[ims]+(?:-[ims]+)?\)/.test(text)) return text;
  let result = '';
  const open = [0];
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at);
    const plain = /^(?:\\[^]|\[\^?\]?(?:\\[^]|[^\]\\])*\])/.exec(rest)?.[0];
    const flags = /^\(\?([ims]+(?:-[ims]+)?)\)/.exec(rest);
    if (plain !== undefined) {
      result += plain;
      at += plain.length - 1;
    } else if (flags !== null) {
      result += `(?${flags[1] ?? ''}:`;
      open.push((open.pop() ?? 0) + 1);
      at += flags[0].length - 1;
    } else {
      if (text[at] === '(') open.push(0);
      if (text[at] === ')') result += ')'.repeat(open.pop() ?? 0);
      result += text[at] ?? '';
    }
  }
  return result + ')'.repeat(open.pop() ?? 0);
}

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const hostname =
  /^(?=.{1,255}$)[a-zA-Z0-9\u00a0-\uffff](?:[-a-zA-Z0-9\u00a0-\uffff]{0,62}\.)*[-a-zA-Z0-9\u00a0-\uffff]{0,62}$/;
const goDuration =
  /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))*$/;
const wordDuration =
  /^(?:\d+\s*(?:nanos?(?:econds?)?|millis?(?:econds?)?|micros?(?:econds?)?|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|wks?|ns|us|µs|ms|s|m|h|d|w)\s*)+$/i;

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  byte: (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text),
  cidr: (text) => {
    const [address = '', bits = '', ...more] = text.split('/');
    return (
      more.length === 0 && /^\d{1,3}$/.test(bits) && isIP(address) !== 0 && Number(bits) <= (isIPv4(address) ? 32 : 128)
    );
  },
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)),
  'date-time': isDateTime,
  datetime: isDateTime,
  duration: (text) => text === '0' || goDuration.test(text) || wordDuration.test(text),
  email: (text) => /^[^\s@<>]+@[^\s@<>]+$/.test(text),
  hexcolor: (text) => /^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  hostname: (text) => hostname.test(text),
  ipv4: (text) => isIPv4(text),
  ipv6: (text) => isIPv6(text),
  mac: (text) => /^(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}$|^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$/i.test(text),
  uri: (text) => /^[a-z][a-z0-9+.-]*:|^\//i.test(text) && !/\s/.test(text),
  uuid: (text) => uuid.test(text),
  uuid3: (text) => uuid.test(text) && versionOf(text) === '3',
  uuid4: (text) => uuid.test(text) && versionOf(text) === '4',
  uuid5: (text) => uuid.test(text) && versionOf(text) === '5',
};

export function fitsFormat(format: string, text: string): boolean {
  return !Object.hasOwn(formats, format) || formats[format]?.(text) === true;
}

function versionOf(text: string): string {
  return text.replaceAll('-', '')[12] ?? '';
}

function isDateTime(text: string): boolean {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:?\d{2})?$/.exec(text);
  return match !== null && !Number.isNaN(Date.parse(match[1] ?? ''));
}
