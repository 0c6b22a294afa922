/**
 * Resource quantities: `100m`, `1.5Gi`, `2e3`. Exact (bigint, in nano units), canonical on output.
 * Upstream: apimachinery pkg/api/resource/quantity.go.
 *
 *   '1500m' ── parseQuantity ──> { nano: 1_500_000_000n, format: 'decimal' } ── formatQuantity ──> '1500m'
 */

export type QuantityFormat = 'decimal' | 'binary' | 'exponent';

export interface Quantity {
  /** Value × 10⁹. Finer parts are rounded up, away from zero, as upstream does. */
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

export const quantityError =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const decimalSuffixes: readonly (readonly [string, number])[] = [
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
];
const binarySuffixes = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const nano = 1_000_000_000n;
const largest = (1n << 63n) - 1n;

export function parseQuantity(text: string): Quantity | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(n|u|m|k|M|G|T|P|E|[KMGTPE]i|[eE][+-]?\d{1,3})?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(`${whole}${fraction}` || '0');
  const places = fraction.length;
  const scaled = applySuffix(digits, places, suffix);
  const capped = scaled.nano > largest * nano ? largest * nano : scaled.nano;
  return { nano: sign === '-' ? -capped : capped, format: scaled.format };
}

/** The text upstream would store; undefined when it is not a quantity. Numbers come from JSON (`cpu: 1`). */
export function canonicalQuantity(value: string | number): string | undefined {
  const quantity = parseQuantity(String(value));
  return quantity === undefined ? undefined : formatQuantity(quantity);
}

export function formatQuantity(quantity: Quantity): string {
  if (quantity.nano === 0n) return '0';
  if (quantity.format === 'binary' && isWholeBinary(quantity.nano)) return formatBinary(quantity.nano);
  return formatDecimal(quantity.nano, quantity.format === 'exponent');
}

/** In thousandths, rounded up: CPU. */
export function milliValue(quantity: Quantity): number {
  return Number(divideUp(quantity.nano, 1_000_000n));
}

/** In whole units, rounded up: bytes, pods. */
export function quantityValue(quantity: Quantity): number {
  return Number(divideUp(quantity.nano, nano));
}

export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}

function applySuffix(digits: bigint, places: number, suffix: string): Quantity {
  const binary = binarySuffixes.indexOf(suffix);
  if (binary >= 0) {
    const scaled = digits * (1n << BigInt(10 * (binary + 1))) * nano;
    return { nano: divideUp(scaled, 10n ** BigInt(places)), format: 'binary' };
  }
  const exponent = /^[eE][+-]?\d/.test(suffix)
    ? Number(suffix.slice(1))
    : (decimalSuffixes.find(([name]) => name === suffix)?.[1] ?? 0);
  const power = exponent + 9 - places;
  const value = power >= 0 ? digits * 10n ** BigInt(Math.min(power, 60)) : divideUp(digits, 10n ** BigInt(-power));
  return { nano: value, format: /^[eE][+-]?\d/.test(suffix) ? 'exponent' : 'decimal' };
}

/** Upstream shows small or fractional binary values as decimal. */
function isWholeBinary(value: bigint): boolean {
  const magnitude = value < 0n ? -value : value;
  return magnitude % nano === 0n && magnitude >= 1024n * nano;
}

function formatBinary(value: bigint): string {
  let whole = value / nano;
  let power = 0;
  while (power < binarySuffixes.length && whole % 1024n === 0n) {
    whole /= 1024n;
    power++;
  }
  return `${whole}${power === 0 ? '' : binarySuffixes[power - 1]}`;
}

/** The largest suffix that needs no fraction. */
function formatDecimal(value: bigint, asExponent: boolean): string {
  let mantissa = value;
  let exponent = -9;
  while (exponent < 18 && mantissa % 1000n === 0n) {
    mantissa /= 1000n;
    exponent += 3;
  }
  if (asExponent) return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
  const suffix = decimalSuffixes.find(([, power]) => power === exponent)?.[0] ?? '';
  return `${mantissa}${suffix}`;
}

function divideUp(value: bigint, by: bigint): bigint {
  if (value < 0n) return -divideUp(-value, by);
  return (value + by - 1n) / by;
}
