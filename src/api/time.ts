/**
 * Times as the API writes them, and durations as people read them.
 * Upstream: metav1.Time, metav1.MicroTime, apimachinery pkg/util/duration.
 */

/** RFC 3339, UTC, whole seconds: metav1.Time. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.(\d+))?(?:Z|[+-]\d{2}:\d{2})$/;

/** Any RFC 3339 text → UTC in the precision of the field; undefined when it is no time. */
export function canonicalTime(text: string, micro: boolean): string | undefined {
  const match = timePattern.exec(text);
  const ms = match === null ? Number.NaN : Date.parse(text.replace(/\.\d+/, ''));
  if (Number.isNaN(ms)) return undefined;
  const seconds = timeText(ms);
  return micro ? seconds.replace('Z', `.${(match?.[1] ?? '').slice(0, 6).padEnd(6, '0')}Z`) : seconds;
}

/** `5s`, `4m32s`, `3d4h`, `2y45d`: at most two units, fewer for long times (duration.HumanDuration). */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 24 * 8) return pair(days, 'd', hours % 24, 'h');
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  if (hours < 24 * 365 * 8) return pair(years, 'y', days % 365, 'd');
  return `${years}y`;
}

/** Age of an object: `<unknown>` without a time. */
export function age(since: string | undefined, now: number): string {
  return since === undefined ? '<unknown>' : humanDuration(now - Date.parse(since));
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
