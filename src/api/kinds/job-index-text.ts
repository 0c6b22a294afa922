/** The strict reading of `0,2-4`. Upstream: validateIndexesFormat in pkg/apis/batch/validation. */

interface Interval {
  readonly first: number;
  readonly last: number;
}

export interface IndexText {
  readonly intervals: readonly Interval[];
  /** 0 when it cannot be read. */
  readonly total: number;
  readonly why?: string;
}

export function readIndexes(text: string, completions: number): IndexText {
  const intervals: Interval[] = [];
  let total = 0;
  for (const part of text === '' ? [] : text.split(',')) {
    const interval = readInterval(part, completions);
    if (typeof interval === 'string') return { intervals, total: 0, why: interval };
    const before = intervals.at(-1);
    if (before !== undefined && before.last >= interval.first) {
      const why = `non-increasing order, previous: ${before.last}, current: ${interval.first}`;
      return { intervals, total: 0, why };
    }
    intervals.push(interval);
    total += interval.last - interval.first + 1;
  }
  return { intervals, total };
}

/** Why not, else. */
function readInterval(text: string, completions: number): Interval | string {
  const limits = text.split('-');
  if (limits.length > 2) {
    return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  }
  const numbers: number[] = [];
  for (const limit of limits) {
    if (!/^[+]?\d+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`;
    if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`;
    numbers.push(Number(limit));
  }
  const [first = 0, last] = numbers;
  if (last !== undefined && first >= last) return `non-increasing order, previous: ${first}, current: ${last}`;
  return { first, last: last ?? first };
}

/** An index that is in both; what cannot be read is left out. Upstream: validateFailedIndexesNotOverlapCompleted. */
export function commonIndex(a: string, b: string, completions: number): number | undefined {
  const read = (text: string): Interval[] =>
    text.split(',').flatMap((part) => {
      const interval = part === '' ? '' : readInterval(part, completions);
      return typeof interval === 'string' ? [] : [interval];
    });
  const [left, right] = [read(a), read(b)];
  for (let i = 0, j = 0; i < left.length && j < right.length;) {
    const [x, y] = [left[i] as Interval, right[j] as Interval];
    if (x.first <= y.last && y.first <= x.last) return Math.max(x.first, y.first);
    if (x.first <= y.first) i++;
    else j++;
  }
  return undefined;
}
