/** The order of versions: v2, v1, v2beta1, v1alpha1, then other names. Upstream: apimachinery/pkg/version/helpers.go. */

const pattern = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const levels: Readonly<Record<string, number>> = { alpha: 0, beta: 1 };

export function isStable(name: string): boolean {
  return pattern.exec(name)?.[2] === undefined && pattern.test(name);
}

/** The preferred one first. */
export function versionsByPriority<T extends { readonly name: string }>(versions: readonly T[]): T[] {
  return versions.toSorted((a, b) => compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  const left = pattern.exec(a);
  const right = pattern.exec(b);
  if (left === null || right === null) return left === right ? (a < b ? -1 : 1) : left === null ? 1 : -1;
  const level = (match: RegExpExecArray): number => levels[match[2] ?? ''] ?? 2;
  return (
    level(right) - level(left) || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0)
  );
}
