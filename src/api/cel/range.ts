/** Least and most, in 64 bits that do not overflow but stop. Upstream: SizeEstimate and CostEstimate of cel-go/checker/cost.go. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export const most = 2 ** 64;
export const unknownSize: Range = { min: 0, max: most };

export function fixed(value: number): Range {
  return { min: value, max: value };
}

function capped(value: number): number {
  return value > most ? most : value;
}

export function add(a: Range, b: Range): Range {
  return { min: capped(a.min + b.min), max: capped(a.max + b.max) };
}

export function times(a: Range, b: Range): Range {
  return { min: capped(a.min * b.min), max: capped(a.max * b.max) };
}

export function scaled(a: Range, factor: number): Range {
  return { min: capped(Math.ceil(a.min * factor)), max: capped(Math.ceil(a.max * factor)) };
}

export function union(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}
