/**
 * Is this text a good name? Each function gives the reasons why not, in the words of apimachinery's util/validation; an
 * empty list means it is fine. A length is always of bytes: util/validation calls them characters, api/validate/content (label keys
 * and values) by their name.
 */

const dns1123Label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dns1123Subdomain = `${dns1123Label}(\\.${dns1123Label})*`;
const searchLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const searchDomain = `${searchLabel}(\\.${searchLabel})*`;
const dns1035Label = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?';
const configKey = '[-._a-zA-Z0-9]+';
const percent = '[0-9]+%';
const headerName = '[-A-Za-z0-9]+';
const wildcard = `\\*\\.${dns1123Subdomain}`;

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);
const patterns = {
  dns1123Label: whole(dns1123Label),
  dns1123Subdomain: whole(dns1123Subdomain),
  searchDomain: whole(searchDomain),
  dns1035Label: whole(dns1035Label),
  qualifiedName: whole(qualifiedName),
  labelValue: whole(labelValue),
  configKey: whole(configKey),
  percent: whole(percent),
  headerName: whole(headerName),
  wildcard: whole(wildcard),
};

export function whyNotDns1123Label(text: string): string[] {
  return check(text, 63, patterns.dns1123Label, () =>
    patterns.dns1123Subdomain.test(text)
      ? 'must not contain dots'
      : regexError(
          "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
          dns1123Label,
          ['my-name', '123-abc'],
        ),
  );
}

export function whyNotDns1123Subdomain(text: string, unit: LengthUnit = 'characters'): string[] {
  return check(
    text,
    253,
    patterns.dns1123Subdomain,
    () =>
      regexError(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        dns1123Subdomain,
        ['example.com'],
      ),
    unit,
  );
}

/** RelaxedDNSSearchValidation (1.34): underscores are fine. */
export function whyNotSearchDomain(text: string): string[] {
  return check(text, 253, patterns.searchDomain, () =>
    regexError(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
      searchDomain,
      ['example.com'],
    ),
  );
}

export function whyNotDns1035Label(text: string): string[] {
  return check(text, 63, patterns.dns1035Label, () =>
    regexError(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
      dns1035Label,
      ['my-name', 'abc-123'],
    ),
  );
}

export function whyNotLabelValue(text: string): string[] {
  return check(
    text,
    63,
    patterns.labelValue,
    () =>
      regexError(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        labelValue,
        ['MyValue', 'my_value', '12345'],
      ),
    'bytes',
  );
}

/** `example.com/MyName`: label keys, annotation keys, finalizers, appProtocol. */
export function whyNotQualifiedName(text: string): string[] {
  const parts = text.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2) {
    return [
      `a valid label key ${qualifiedNameHint()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const errors: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') errors.push('prefix part must be non-empty');
    else errors.push(...whyNotDns1123Subdomain(prefix, 'bytes').map((why) => `prefix part ${why}`));
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (byteLength(name) > 63) errors.push(`name part ${tooLong(63, 'bytes')}`);
  if (!patterns.qualifiedName.test(name)) errors.push(`name part ${qualifiedNameHint()}`);
  return errors;
}

function qualifiedNameHint(): string {
  const hint =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  return regexError(hint, qualifiedName, ['MyName', 'my.name', '123-abc']);
}

/** A key of a ConfigMap or Secret, which may become a file name. */
export function whyNotConfigKey(text: string): string[] {
  const errors: string[] = [];
  if (byteLength(text) > 253) errors.push(tooLong(253));
  if (!patterns.configKey.test(text)) {
    const hint = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    errors.push(regexError(hint, configKey, ['key.name', 'KEY_NAME', 'key-name']));
  }
  if (text === '.') errors.push("must not be '.'");
  if (text === '..') errors.push("must not be '..'");
  else if (text.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

/** RelaxedEnvironmentVariableValidation (1.34: locked on). */
export function whyNotEnvironmentName(text: string): string[] {
  const errors = text === '' ? ['environment variable name must be non-empty'] : [];
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (code < 0x20 || code > 0x7e || character === '=') {
      errors.push("a valid environment variable name must consist only of printable ASCII characters other than '='");
      break;
    }
  }
  return errors;
}

/** IANA_SVC_NAME of RFC 6335: the name of a container port. */
export function whyNotPortName(text: string): string[] {
  const errors: string[] = [];
  if (byteLength(text) > 15) errors.push(tooLong(15));
  if (!/^[-a-z0-9]+$/.test(text)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(text)) errors.push('must contain at least one letter (a-z)');
  if (text.includes('--')) errors.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

export function whyNotPort(port: number): string[] {
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

export function whyNotPercent(text: string): string[] {
  const hint = "a valid percent string must be a numeric string followed by an ending '%'";
  return patterns.percent.test(text) ? [] : [regexError(hint, percent, ['1%', '93%'])];
}

export function whyNotHeaderName(text: string): string[] {
  const hint = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return patterns.headerName.test(text) ? [] : [regexError(hint, headerName, ['X-Header-Name'])];
}

/** `*.example.com` */
export function whyNotWildcardDns1123Subdomain(text: string): string[] {
  return check(text, 253, patterns.wildcard, () =>
    regexError(
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
      wildcard,
      ['*.example.com'],
    ),
  );
}

/** May stand in a URL between two slashes: content.IsPathSegmentName. */
export function whyNotPathSegment(text: string): string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%']
    .filter((character) => text.includes(character))
    .map((character) => `may not contain '${character}'`);
}

export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

type LengthUnit = 'bytes' | 'characters';

function check(text: string, most: number, pattern: RegExp, hint: () => string, unit?: LengthUnit): string[] {
  const errors: string[] = [];
  if (byteLength(text) > most) errors.push(tooLong(most, unit));
  if (!pattern.test(text)) errors.push(hint());
  return errors;
}

function tooLong(most: number, unit: LengthUnit = 'characters'): string {
  return `must be no more than ${most} ${unit}`;
}

/** The double space before `or` is upstream's. */
function regexError(hint: string, pattern: string, examples: readonly string[]): string {
  const list = examples.map((example) => `'${example}', `).join(' or ');
  return `${hint} (e.g. ${list}regex used for validation is '${pattern}')`;
}
