/**
 * Completion indexes as ordered intervals, and their text in status: `0,2-4`. A job may have 10^9 of them, so they are never
 * counted out one by one. Upstream: indexed_job_utils.go.
 */

export interface Interval {
  readonly first: number;
  readonly last: number;
}

/** Ordered, apart from each other by at least one index. */
export type Indexes = readonly Interval[];

/** What cannot be read is left out, as is what the job no longer has: it may have been scaled down. */
export function parseIndexes(text: string | undefined, completions: number): Indexes {
  const found: Interval[] = [];
  for (const part of (text ?? '').split(',')) {
    const [from = '', to = from] = part.split('-');
    if (!/^\d+$/.test(from) || !/^\d+$/.test(to)) continue;
    const first = Number(from);
    if (first >= completions) break;
    found.push({ first, last: Math.min(Number(to), completions - 1) });
  }
  return merge(found);
}

/** Two neighbours are told one by one. */
export function formatIndexes(indexes: Indexes): string {
  return indexes
    .map(({ first, last }) => (first === last ? `${first}` : `${first}${last === first + 1 ? ',' : '-'}${last}`))
    .join(',');
}

export function indexesOf(numbers: Iterable<number>): Indexes {
  return merge([...numbers].map((index) => ({ first: index, last: index })));
}

export function union(a: Indexes, b: Indexes): Indexes {
  return b.length === 0 ? a : merge([...a, ...b]);
}

export function totalOf(indexes: Indexes): number {
  return indexes.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

export function hasIndex(indexes: Indexes, index: number): boolean {
  return indexes.some(({ first, last }) => first <= index && index <= last);
}

/** How many indexes are in both. */
export function overlap(a: Indexes, b: Indexes): number {
  let common = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [left, right] = [a[i] as Interval, b[j] as Interval];
    common += Math.max(0, Math.min(left.last, right.last) - Math.max(left.first, right.first) + 1);
    if (left.last <= right.last) i++;
    if (right.last <= left.last) j++;
  }
  return common;
}

/** The lowest `count` below `completions` that are not in `taken`. */
export function firstFree(taken: Indexes, count: number, completions: number): number[] {
  const free: number[] = [];
  let candidate = 0;
  for (const { first, last } of [...taken, { first: completions, last: completions }]) {
    for (; candidate < Math.min(first, completions) && free.length < count; candidate++) free.push(candidate);
    candidate = Math.max(candidate, last + 1);
  }
  return free;
}

function merge(intervals: Interval[]): Indexes {
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of intervals.sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else merged.push({ first, last });
  }
  return merged;
}
