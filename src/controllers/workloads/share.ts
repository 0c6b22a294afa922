/** `3`, or `25%` of a total. Upstream: intstr.GetScaledValueFromIntOrPercent. */
import type { IntOrString } from '../../api/gen/types.ts';

export function resolveShare(value: IntOrString, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const exact = (Number(/^(\d+)%$/.exec(value)?.[1] ?? 0) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
