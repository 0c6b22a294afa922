/** Quantities, semantic versions and named formats. Upstream: apiserver/pkg/cel/library/quantity.go, semverlib.go, format.go. */
import { fitsFormat } from '../../custom/formats.ts';
import { parseQuantity, quantityError } from '../../quantity.ts';
import type { Quantity } from '../../quantity.ts';
import {
  whyNotDns1035Label,
  whyNotDns1123Label,
  whyNotDns1123Subdomain,
  whyNotLabelValue,
  whyNotQualifiedName,
} from '../../validation/index.ts';
import { EvalError } from '../issues.ts';
import type { Declaration } from '../signature.ts';
import { Opaque, Optional } from '../values.ts';

class QuantityValue extends Opaque {
  readonly typeName = 'kubernetes.Quantity';
  readonly quantity: Quantity;
  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }
  equals(other: Opaque): boolean {
    return other instanceof QuantityValue && other.quantity.nano === this.quantity.nano;
  }
}

const nano = 1_000_000_000n;

function toQuantity(text: string): QuantityValue {
  const quantity = parseQuantity(text);
  if (quantity === undefined) throw new EvalError(quantityError);
  return new QuantityValue(quantity);
}

function isWhole({ quantity }: QuantityValue): boolean {
  return quantity.nano % nano === 0n && BigInt.asIntN(64, quantity.nano / nano) === quantity.nano / nano;
}

function plus(a: QuantityValue, more: bigint): QuantityValue {
  return new QuantityValue({ ...a.quantity, nano: a.quantity.nano + more });
}

function order(a: bigint, b: bigint): bigint {
  return a < b ? -1n : a > b ? 1n : 0n;
}

function compareQuantities(a: QuantityValue, b: QuantityValue): bigint {
  return order(a.quantity.nano, b.quantity.nano);
}

const q = 'kubernetes:Quantity';
const quantities: readonly Declaration[] = [
  { id: 'string_to_quantity', of: `quantity(string) ${q}`, call: toQuantity },
  {
    id: 'is_quantity_string',
    of: 'isQuantity(string) bool',
    call: (text: string) => parseQuantity(text) !== undefined,
  },
  { id: 'quantity_sign', of: `${q}.sign() int`, call: (a: QuantityValue) => order(a.quantity.nano, 0n) },
  {
    id: 'quantity_is_greater_than',
    of: `${q}.isGreaterThan(${q}) bool`,
    call: (a: QuantityValue, b: QuantityValue) => compareQuantities(a, b) > 0n,
  },
  {
    id: 'quantity_is_less_than',
    of: `${q}.isLessThan(${q}) bool`,
    call: (a: QuantityValue, b: QuantityValue) => compareQuantities(a, b) < 0n,
  },
  { id: 'quantity_compare_to', of: `${q}.compareTo(${q}) int`, call: compareQuantities },
  {
    id: 'quantity_get_float',
    of: `${q}.asApproximateFloat() double`,
    call: (a: QuantityValue) => Number(a.quantity.nano) / 1e9,
  },
  {
    id: 'quantity_get_int',
    of: `${q}.asInteger() int`,
    call: (a: QuantityValue) => {
      if (!isWhole(a)) throw new EvalError('cannot convert value to integer');
      return a.quantity.nano / nano;
    },
  },
  { id: 'quantity_is_integer', of: `${q}.isInteger() bool`, call: isWhole },
  {
    id: 'quantity_add',
    of: `${q}.add(${q}) ${q}`,
    call: (a: QuantityValue, b: QuantityValue) => plus(a, b.quantity.nano),
  },
  { id: 'quantity_add_int', of: `${q}.add(int) ${q}`, call: (a: QuantityValue, b: bigint) => plus(a, b * nano) },
  {
    id: 'quantity_sub',
    of: `${q}.sub(${q}) ${q}`,
    call: (a: QuantityValue, b: QuantityValue) => plus(a, -b.quantity.nano),
  },
  { id: 'quantity_sub_int', of: `${q}.sub(int) ${q}`, call: (a: QuantityValue, b: bigint) => plus(a, -b * nano) },
];

class SemverValue extends Opaque {
  readonly typeName = 'kubernetes.Semver';
  readonly numbers: readonly bigint[];
  readonly pre: readonly string[];
  constructor(numbers: readonly bigint[], pre: readonly string[]) {
    super();
    this.numbers = numbers;
    this.pre = pre;
  }
  equals(other: Opaque): boolean {
    return other instanceof SemverValue && compareVersions(this, other) === 0n;
  }
}

const part = '(?:0|[1-9]\\d*)';
const preRelease = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const versionForm = new RegExp(
  `^(${part})\\.(${part})\\.(${part})(?:-(${preRelease}(?:\\.${preRelease})*))?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?$`,
);

function readVersion(text: string, normalize: boolean): SemverValue | string {
  let form = text;
  if (normalize) {
    const parts = splitThree(text.replace(/^v/, '')).map((one) =>
      one.length > 1 ? one.replace(/^0+(?=\d)/, '') : one,
    );
    if (parts.length < 3 && /[+-]/.test(parts.at(-1) ?? ''))
      return 'short version cannot contain PreRelease/Build meta data';
    while (parts.length < 3) parts.push('0');
    form = parts.join('.');
  }
  const match = versionForm.exec(form);
  if (match === null) {
    if (form === '') return 'Version string empty';
    return form.split('.').length < 3
      ? 'No Major.Minor.Patch elements found'
      : `Invalid character(s) found in version ${JSON.stringify(form)}`;
  }
  const [, major = '', minor = '', patch = '', pre] = match;
  return new SemverValue([major, minor, patch].map(BigInt), pre === undefined ? [] : pre.split('.'));
}

function splitThree(text: string): string[] {
  const [major = '', minor, ...rest] = text.split('.');
  if (minor === undefined) return [major];
  return rest.length === 0 ? [major, minor] : [major, minor, rest.join('.')];
}

function toVersion(text: string, normalize = false): SemverValue {
  const version = readVersion(text, normalize);
  if (typeof version === 'string') throw new EvalError(version);
  return version;
}

function compareVersions(a: SemverValue, b: SemverValue): bigint {
  for (const [index, number] of a.numbers.entries()) {
    const found = order(number, b.numbers[index] ?? 0n);
    if (found !== 0n) return found;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return order(BigInt(b.pre.length > 0), BigInt(a.pre.length > 0));
  for (let index = 0; index < Math.max(a.pre.length, b.pre.length); index++) {
    const found = comparePre(a.pre[index], b.pre[index]);
    if (found !== 0n) return found;
  }
  return 0n;
}

/** Numbers come before words, what is missing before what is there. */
function comparePre(a: string | undefined, b: string | undefined): bigint {
  if (a === undefined || b === undefined) return a === b ? 0n : a === undefined ? -1n : 1n;
  const numeric = [a, b].map((one) => /^\d+$/.test(one));
  if (numeric[0] === true && numeric[1] === true) return order(BigInt(a), BigInt(b));
  if (numeric[0] !== numeric[1]) return numeric[0] === true ? -1n : 1n;
  return a < b ? -1n : a > b ? 1n : 0n;
}

const v = 'kubernetes:Semver';
const versions: readonly Declaration[] = [
  { id: 'string_to_semver', of: `semver(string) ${v}`, call: (text: string) => toVersion(text) },
  { id: 'string_bool_to_semver', of: `semver(string, bool) ${v}`, call: toVersion },
  {
    id: 'is_semver_string',
    of: 'isSemver(string) bool',
    call: (text: string) => typeof readVersion(text, false) !== 'string',
  },
  {
    id: 'is_semver_string_bool',
    of: 'isSemver(string, bool) bool',
    call: (text: string, normalize: boolean) => typeof readVersion(text, normalize) !== 'string',
  },
  {
    id: 'semver_is_greater_than',
    of: `${v}.isGreaterThan(${v}) bool`,
    call: (a: SemverValue, b: SemverValue) => compareVersions(a, b) > 0n,
  },
  {
    id: 'semver_is_less_than',
    of: `${v}.isLessThan(${v}) bool`,
    call: (a: SemverValue, b: SemverValue) => compareVersions(a, b) < 0n,
  },
  { id: 'semver_compare_to', of: `${v}.compareTo(${v}) int`, call: compareVersions },
  ...(['major', 'minor', 'patch'] as const).map((name, index) => ({
    id: `semver_${name}`,
    of: `${v}.${name}() int`,
    call: ({ numbers }: SemverValue) => numbers[index] ?? 0n,
  })),
];

export class FormatValue extends Opaque {
  readonly typeName = 'kubernetes.NamedFormat';
  readonly name: string;
  readonly why: (text: string) => readonly string[];
  /** What costs are counted with. */
  readonly regexSize: number;
  constructor(name: string, why: (text: string) => readonly string[], regexSize: number) {
    super();
    this.name = name;
    this.why = why;
    this.regexSize = regexSize;
  }
  equals(other: Opaque): boolean {
    return other instanceof FormatValue && other.name === this.name;
  }
}

/** A prefix, as generateName has it, may end with a dash. */
function prefixed(why: (text: string) => readonly string[]): (text: string) => readonly string[] {
  return (text) => why(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);
}

function byFormat(format: string, message: string): (text: string) => readonly string[] {
  return (text) => (fitsFormat(format, text) ? [] : [message]);
}

const formats = new Map<string, FormatValue>(
  (
    [
      ['dns1123Label', 'DNS1123Label', whyNotDns1123Label, 30],
      ['dns1123Subdomain', 'DNS1123Subdomain', whyNotDns1123Subdomain, 60],
      ['dns1035Label', 'DNS1035Label', whyNotDns1035Label, 30],
      ['qualifiedName', 'QualifiedName', whyNotQualifiedName, 60],
      ['dns1123LabelPrefix', 'DNS1123LabelPrefix', prefixed(whyNotDns1123Label), 30],
      ['dns1123SubdomainPrefix', 'DNS1123SubdomainPrefix', prefixed(whyNotDns1123Subdomain), 60],
      ['dns1035LabelPrefix', 'DNS1035LabelPrefix', prefixed(whyNotDns1035Label), 30],
      ['labelValue', 'LabelValue', whyNotLabelValue, 40],
      [
        'uri',
        'URI',
        (text: string) => (fitsFormat('uri', text) ? [] : [`parse ${JSON.stringify(text)}: invalid URI for request`]),
        100,
      ],
      ['uuid', 'uuid', byFormat('uuid', 'does not match the UUID format'), 100],
      ['byte', 'byte', byFormat('byte', 'invalid base64'), 100],
      ['date', 'date', byFormat('date', 'invalid date'), 100],
      ['datetime', 'datetime', byFormat('date-time', 'invalid datetime'), 100],
    ] as const
  ).map(([key, name, why, size]) => [key, new FormatValue(name, why, size)]),
);

const f = 'kubernetes:NamedFormat';
const named = (): readonly Declaration[] => [
  {
    id: 'format-validate',
    of: `${f}.validate(string) optional<list<string>>`,
    call: (format: FormatValue, text: string) => {
      const why = format.why(text);
      return why.length === 0 ? Optional.none : new Optional(why);
    },
  },
  {
    id: 'format-named',
    of: `format:named(string) optional<${f}>`,
    call: (name: string) => new Optional(formats.get(name)),
  },
  ...[...formats].map(([name, format]) => ({ id: `format.${name}`, of: `format:${name}() ${f}`, call: () => format })),
];

export const kubernetes = (): readonly Declaration[] => [...quantities, ...versions, ...named()];
