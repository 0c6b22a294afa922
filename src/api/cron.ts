/**
 * Cron schedules as CronJobs have them: five fields, names, ranges, steps, `@daily` and its like, `@every 1h30m`.
 *
 *   parseCron('0 3 * * mon-fri') ──> { next(after, timeZone) } | { error }        the error in robfig/cron's words (v3, ParseStandard)
 */
export interface Cron {
  /** Milliseconds of the first time after `after`; undefined: never (the 30th of February). */
  next(after: number, timeZone?: string): number | undefined;
}

export type ParsedCron =
  { readonly kind: 'cron'; readonly cron: Cron } | { readonly kind: 'bad'; readonly why: string };

class CronError extends Error {}

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly names: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const bounds: readonly Bounds[] = [
  { least: 0, most: 59, names: [] },
  { least: 0, most: 23, names: [] },
  { least: 1, most: 31, names: [] },
  { least: 1, most: 12, names: months },
  { least: 0, most: 6, names: weekdays },
];

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

export function parseCron(text: string): ParsedCron {
  try {
    return { kind: 'cron', cron: parse(text) };
  } catch (error) {
    if (error instanceof CronError) return { kind: 'bad', why: error.message };
    throw error;
  }
}

/** A name that the machine's zone database has. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

function parse(text: string): Cron {
  if (text === '') throw new CronError('empty spec string');
  const zoned = /^(?:TZ|CRON_TZ)=(\S*)\s+(.*)$/.exec(text);
  if (zoned !== null) {
    const [, zone = '', rest = ''] = zoned;
    if (!isTimeZone(zone)) throw new CronError(`provided bad location ${zone}: unknown time zone ${zone}`);
    const cron = parse(rest.trim());
    return { next: (after) => cron.next(after, zone) };
  }
  if (!text.startsWith('@')) return ofFields(text);
  const fields = descriptors[text];
  if (fields !== undefined) return ofFields(fields);
  if (text.startsWith('@every ')) return every(text);
  throw new CronError(`unrecognized descriptor: ${text}`);
}

function every(text: string): Cron {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  const duration = text.slice('@every '.length);
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(duration)) {
    throw new CronError(`failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`);
  }
  let ms = 0;
  for (const [, count = '', unit = ''] of duration.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)) {
    ms += Number(count) * (units[unit] ?? 0);
  }
  const step = Math.max(1000, Math.floor(ms / 1000) * 1000);
  return { next: (after) => Math.floor(after / 1000) * 1000 + step };
}

interface FieldSet {
  readonly values: ReadonlySet<number>;
  /** `*`: the other of the two day fields decides alone. */
  readonly any: boolean;
}

function ofFields(text: string): Cron {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5) {
    throw new CronError(`expected exactly 5 fields, found ${String(fields.length)}: [${fields.join(' ')}]`);
  }
  const sets = fields.map((field, index) => fieldSet(field, bounds[index] as Bounds));
  return { next: (after, timeZone) => nextOf(sets, after, timeZone) };
}

function fieldSet(text: string, limits: Bounds): FieldSet {
  const values = new Set<number>();
  let any = false;
  for (const part of text.split(',').filter((one) => one !== '')) {
    const range = rangeOf(part, limits);
    any ||= range.any;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
  }
  return { values, any };
}

function rangeOf(text: string, limits: Bounds): { from: number; to: number; step: number; any: boolean } {
  const [span = '', stepText, ...more] = text.split('/');
  const [low = '', high, ...rest] = span.split('-');
  const isStar = low === '*' || low === '?';
  if (!isStar && rest.length > 0) throw new CronError(`too many hyphens: ${text}`);
  if (more.length > 0) throw new CronError(`too many slashes: ${text}`);
  const from = isStar ? limits.least : valueOf(low, limits);
  const step = stepText === undefined ? 1 : integer(stepText);
  const single = high === undefined ? (stepText === undefined ? from : limits.most) : valueOf(high, limits);
  const to = isStar ? limits.most : single;
  if (from < limits.least) {
    throw new CronError(`beginning of range (${String(from)}) below minimum (${String(limits.least)}): ${text}`);
  }
  if (to > limits.most) {
    throw new CronError(`end of range (${String(to)}) above maximum (${String(limits.most)}): ${text}`);
  }
  if (from > to) {
    throw new CronError(`beginning of range (${String(from)}) beyond end of range (${String(to)}): ${text}`);
  }
  if (step === 0) throw new CronError(`step of range should be a positive number: ${text}`);
  return { from, to, step, any: isStar && step === 1 };
}

function valueOf(text: string, { names }: Bounds): number {
  const at = names.indexOf(text.toLowerCase());
  if (at < 0) return integer(text);
  return names === months ? at + 1 : at;
}

function integer(text: string): number {
  if (/^-\d+$/.test(text)) throw new CronError(`negative number (${text}) not allowed: ${text}`);
  if (!/^\+?\d+$/.test(text)) {
    const why = `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
    throw new CronError(`failed to parse int from ${text}: ${why}`);
  }
  return Number(text);
}

const minute = 60_000;
const day = 24 * 60 * minute;
/** After so many years it never comes (robfig/cron). */
const mostYears = 5;

/** Walks the wall clock of the zone as if it were UTC, and translates back. */
function nextOf(sets: readonly FieldSet[], after: number, timeZone: string | undefined): number | undefined {
  let wall = Math.floor((after + offsetAt(after, timeZone)) / minute) * minute + minute;
  const end = wall + mostYears * 366 * day;
  while (wall < end) {
    const step = mismatch(sets, new Date(wall));
    if (step !== undefined) {
      wall = step;
      continue;
    }
    const time = toUtc(wall, timeZone);
    // Not there (clocks go forward) or there before (they go back).
    if (time !== undefined && time > after) return time;
    wall += minute;
  }
  return undefined;
}

/** Where the search goes on, undefined: all fields fit. */
function mismatch([minutes, hours, dates, monthSet, days]: readonly FieldSet[], at: Date): number | undefined {
  const [year, month, date, hour] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours()];
  const fits = (set: FieldSet | undefined, value: number): boolean => set?.values.has(value) === true;
  if (!fits(monthSet, month + 1)) return Date.UTC(year, month + 1, 1);
  const [byDate, byDay] = [fits(dates, date), fits(days, at.getUTCDay())];
  const isDay = dates?.any === true || days?.any === true ? byDate && byDay : byDate || byDay;
  if (!isDay) return Date.UTC(year, month, date + 1);
  if (!fits(hours, hour)) return Date.UTC(year, month, date, hour + 1);
  return fits(minutes, at.getUTCMinutes()) ? undefined : at.getTime() + minute;
}

function toUtc(wall: number, timeZone: string | undefined): number | undefined {
  const guess = wall - offsetAt(wall, timeZone);
  for (const time of [guess, wall - offsetAt(guess, timeZone)]) {
    if (time + offsetAt(time, timeZone) === wall) return time;
  }
  return undefined;
}

/** Without a zone: the one of this process, as upstream's controller manager has it. */
function offsetAt(time: number, timeZone: string | undefined): number {
  if (timeZone === undefined) return -new Date(time).getTimezoneOffset() * minute;
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(time)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return wall - Math.floor(time / 1000) * 1000;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
    format = new Intl.DateTimeFormat('en-US', { ...numeric, second: 'numeric', hourCycle: 'h23', timeZone });
    formats.set(timeZone, format);
  }
  return format;
}
