/** How a bench prints its figures. Never asserted: a figure is judged by a person, with the machine beside it. */

export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What we want, as text: `≤ 2000`. Printed, never asserted. */
  readonly goal?: string;
  /** The same work with nothing of ours in it: what the machine itself takes. */
  readonly floor?: number;
}

export interface Report {
  figure(figure: Figure): void;
  note(text: string): void;
}

/** The q-quantile (0 to 1) of some samples, by rank. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export function printer(): Report {
  return {
    figure({ what, value, unit, goal, floor }) {
      const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
      const parts = [`  ${what.padEnd(48)} ${value.toFixed(digits).padStart(9)} ${unit.padEnd(6)}`];
      if (goal !== undefined) parts.push(`goal ${goal}`);
      if (floor !== undefined) parts.push(`floor ${floor.toFixed(1)}`);
      process.stdout.write(`${parts.join('  ').trimEnd()}\n`);
    },
    note(text) {
      process.stdout.write(`  ${text}\n`);
    },
  };
}
