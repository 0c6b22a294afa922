/** What instants and durations tell of themselves. Upstream: cel-go/common/types/timestamp.go and duration.go; UTC unless a zone is named. */
import { EvalError } from '../issues.ts';
import type { Declaration } from '../signature.ts';
import { floorDivide } from '../time.ts';
import type { Value } from '../values.ts';
import type { Duration, Timestamp } from '../values.ts';

const milli = 1_000_000n;

/** The clock on the wall there, as if it were UTC. */
function localDate({ nanos }: Timestamp, zone: string): Date {
  const millis = Number(floorDivide(nanos, milli));
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (fixed !== null) {
    const [, sign, hours, minutes] = fixed;
    const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
    return new Date(millis + offset * 60_000);
  }
  if (zone === '' || zone === 'UTC') return new Date(millis);
  try {
    const parts = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }).formatToParts(millis);
    const of = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
    const local = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
    return new Date(local + (((millis % 1000) + 1000) % 1000));
  } catch {
    throw new EvalError(`unknown time zone ${zone}`);
  }
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000);
}

const parts: readonly (readonly [string, string, (date: Date) => number])[] = [
  ['getFullYear', 'timestamp_to_year', (date) => date.getUTCFullYear()],
  ['getMonth', 'timestamp_to_month', (date) => date.getUTCMonth()],
  ['getDayOfYear', 'timestamp_to_day_of_year', dayOfYear],
  ['getDate', 'timestamp_to_day_of_month_1_based', (date) => date.getUTCDate()],
  ['getDayOfMonth', 'timestamp_to_day_of_month', (date) => date.getUTCDate() - 1],
  ['getDayOfWeek', 'timestamp_to_day_of_week', (date) => date.getUTCDay()],
  ['getHours', 'timestamp_to_hours', (date) => date.getUTCHours()],
  ['getMinutes', 'timestamp_to_minutes', (date) => date.getUTCMinutes()],
  ['getSeconds', 'timestamp_to_seconds', (date) => date.getUTCSeconds()],
  ['getMilliseconds', 'timestamp_to_milliseconds', (date) => date.getUTCMilliseconds()],
];

const spans: readonly (readonly [string, string, bigint])[] = [
  ['getHours', 'duration_to_hours', 3_600_000_000_000n],
  ['getMinutes', 'duration_to_minutes', 60_000_000_000n],
  ['getSeconds', 'duration_to_seconds', 1_000_000_000n],
  ['getMilliseconds', 'duration_to_milliseconds', milli],
];

export const times = (): readonly Declaration[] => [
  ...parts.flatMap(([name, id, read]) => [
    { id, of: `timestamp.${name}() int`, call: (at: Timestamp): Value => BigInt(read(localDate(at, ''))) },
    {
      id: `${id}_with_tz`,
      of: `timestamp.${name}(string) int`,
      call: (at: Timestamp, zone: string): Value => BigInt(read(localDate(at, zone))),
    },
  ]),
  ...spans.map(([name, id, unit]) => ({
    id,
    of: `duration.${name}() int`,
    call: (span: Duration): Value => span.nanos / unit,
  })),
];
