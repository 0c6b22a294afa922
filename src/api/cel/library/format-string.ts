/** `'%s has %d'.format([name, count])`. Upstream: cel-go/ext/formatting.go. */
import { EvalError } from '../issues.ts';
import { doubleText, durationText, timestampText } from '../time.ts';
import type { Value } from '../values.ts';
import { CelMap, Duration, Struct, Timestamp, typeName, TypeValue, Uint } from '../values.ts';

const clause = /%(?:%|(?:\.(\d+))?([a-zA-Z]?))/g;

export function formatted(text: string, args: readonly Value[]): string {
  let next = 0;
  return text.replace(clause, (all, precision: string | undefined, verb: string | undefined) => {
    if (all === '%%') return '%';
    if (verb === undefined || verb === '')
      throw new EvalError('could not parse formatting clause: unexpected end of string');
    const arg = args[next];
    if (arg === undefined) throw new EvalError(`index ${String(next)} out of range`);
    next++;
    return shown(verb, arg, precision === undefined ? 6 : Number(precision));
  });
}

function shown(verb: string, arg: Value, precision: number): string {
  switch (verb) {
    case 's':
      return stringOf(arg);
    case 'd':
      if (typeof arg === 'bigint' || arg instanceof Uint) return String(whole(arg));
      if (typeof arg === 'number' && !Number.isFinite(arg)) return stringOf(arg);
      throw wrong('decimal clause can only be used on integers', arg);
    case 'f':
      if (!isNumber(arg)) throw wrong('fixed-point clause can only be used on doubles', arg);
      return Number.isFinite(real(arg)) ? grouped(real(arg).toFixed(precision)) : stringOf(arg);
    case 'e':
      if (!isNumber(arg)) throw wrong('scientific clause can only be used on doubles', arg);
      return scientific(real(arg), precision);
    case 'b':
      if (typeof arg === 'boolean') return arg ? '1' : '0';
      if (typeof arg === 'bigint' || arg instanceof Uint) return whole(arg).toString(2);
      throw wrong('only integers and bools can be formatted as binary', arg);
    case 'o':
      if (typeof arg === 'bigint' || arg instanceof Uint) return whole(arg).toString(8);
      throw wrong('octal clause can only be used on integers', arg);
    case 'x':
    case 'X': {
      const hex = hexOf(arg);
      return verb === 'X' ? hex.toUpperCase() : hex;
    }
    default:
      throw new EvalError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
  }
}

/** Upstream formats these for English readers. */
function grouped(text: string): string {
  return text.replace(/\d(?=(?:\d{3})+(?:\.|$))(?<!\.\d*)/g, '$&,');
}

/** 1.5×10⁰³ */
function scientific(value: number, precision: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential(precision).split('e');
  const digits = String(Math.abs(Number(exponent))).padStart(2, '0');
  const raised = [...digits].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)] ?? '').join('');
  return `${mantissa}×10${Number(exponent) < 0 ? '⁻' : ''}${raised}`;
}

function wrong(why: string, arg: Value): EvalError {
  return new EvalError(`error during formatting: ${why}, was given ${typeName(arg)}`);
}

function isNumber(arg: Value): arg is number | bigint | Uint {
  return typeof arg === 'number' || typeof arg === 'bigint' || arg instanceof Uint;
}

function whole(arg: bigint | Uint): bigint {
  return arg instanceof Uint ? arg.value : arg;
}

function real(arg: number | bigint | Uint): number {
  return Number(arg instanceof Uint ? arg.value : arg);
}

function hexOf(arg: Value): string {
  if (typeof arg === 'bigint' || arg instanceof Uint) return whole(arg).toString(16);
  if (typeof arg === 'string') return Buffer.from(arg).toString('hex');
  if (arg instanceof Uint8Array) return Buffer.from(arg).toString('hex');
  throw wrong('only integers, byte buffers, and strings can be formatted as hex', arg);
}

function stringOf(arg: Value): string {
  if (arg === null) return 'null';
  if (typeof arg === 'string') return arg;
  if (typeof arg === 'number') {
    if (!Number.isFinite(arg)) return Number.isNaN(arg) ? 'NaN' : arg > 0 ? 'Infinity' : '-Infinity';
    return doubleText(arg);
  }
  if (typeof arg === 'boolean' || typeof arg === 'bigint') return String(arg);
  if (arg instanceof Uint) return String(arg.value);
  if (arg instanceof Timestamp) return timestampText(arg.nanos);
  if (arg instanceof Duration) return durationText(arg.nanos);
  if (arg instanceof TypeValue) return arg.name;
  if (arg instanceof Uint8Array) return Buffer.from(arg).toString('utf8');
  if (Array.isArray(arg)) return `[${(arg as readonly Value[]).map(stringOf).join(', ')}]`;
  if (arg instanceof CelMap) {
    const entries = [...arg.entries()].map(([key, value]) => [stringOf(key), stringOf(value)] as const);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, value]) => `${key}: ${value}`).join(', ')}}`;
  }
  if (arg instanceof Struct) {
    const entries = [...arg.fields()].sort().map((field) => `${field}: ${stringOf(arg.get(field) ?? null)}`);
    return `{${entries.join(', ')}}`;
  }
  throw new EvalError(
    `error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeName(arg)}`,
  );
}
