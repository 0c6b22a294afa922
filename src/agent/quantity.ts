/** Kubernetes quantities (`500m`, `128Mi`) as numbers, for limits and resourceFieldRef. */
const factors: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** undefined: not a quantity. */
export function parseQuantity(text: string | undefined): number | undefined {
  const parts = /^([+-]?[0-9.]+)(e[+-]?[0-9]+|E[+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?$/.exec(text ?? '');
  if (parts === null) return undefined;
  const suffix = parts[2] ?? '';
  const number = Number(parts[1]);
  if (/^[eE][+-]?[0-9]+$/.test(suffix)) return Number(`${parts[1] ?? ''}${suffix}`);
  const factor = factors[suffix];
  return factor === undefined || Number.isNaN(number) ? undefined : number * factor;
}
