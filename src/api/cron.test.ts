/** Schedules: when they come next, and why they are none. Upstream: robfig/cron v3, parser_test.go and spec_test.go. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { isTimeZone, parseCron } from './cron.ts';

function next(text: string, after: string, zone = 'UTC'): string {
  const parsed = parseCron(text);
  if (parsed.kind === 'bad') return parsed.why;
  const time = parsed.cron.next(Date.parse(after), zone);
  return time === undefined ? 'never' : new Date(time).toISOString().replace(':00.000Z', '');
}

const times: readonly (readonly [text: string, after: string, next: string, zone?: string])[] = [
  ['*/15 * * * *', '2026-07-09T14:45:00Z', '2026-07-09T15:00'],
  ['*/15 * * * *', '2026-07-09T15:59:59Z', '2026-07-09T16:00'],
  ['20-35/15 * * * *', '2026-07-09T15:45:00Z', '2026-07-09T16:20'],
  ['0 3 * * mon-fri', '2026-07-10T03:00:00Z', '2026-07-13T03:00'],
  ['0 0 1,15 * *', '2026-07-15T00:00:00Z', '2026-08-01T00:00'],
  // Both days are given: either will do.
  ['0 0 13 * fri', '2026-07-11T00:00:00Z', '2026-07-13T00:00'],
  ['0 0 */2 * fri', '2026-07-08T00:00:00Z', '2026-07-09T00:00'],
  ['0 0 29 feb ?', '2026-07-08T00:00:00Z', '2028-02-29T00:00'],
  ['0 0 30 2 *', '2026-07-08T00:00:00Z', 'never'],
  ['@weekly', '2026-07-08T00:00:00Z', '2026-07-12T00:00'],
  ['@every 1h30m', '2026-07-08T00:00:00Z', '2026-07-08T01:30'],
  ['0 9 * * *', '2026-07-08T00:00:00Z', '2026-07-08T13:00', 'America/New_York'],
  ['TZ=Asia/Tokyo 0 9 * * *', '2026-07-08T01:00:00Z', '2026-07-09T00:00'],
  // Clocks go forward: 02:30 is not there that day; and back: 01:30 comes once.
  ['30 2 * * *', '2026-03-08T00:00:00Z', '2026-03-09T06:30', 'America/New_York'],
  ['30 1 * * *', '2026-11-01T05:30:00Z', '2026-11-02T06:30', 'America/New_York'],
];

const refusals: readonly (readonly [text: string, why: string])[] = [
  ['', 'empty spec string'],
  ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
  ['xyz * * * *', 'failed to parse int from xyz: strconv.Atoi: parsing "xyz": invalid syntax'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['* * * * 7', 'end of range (7) above maximum (6): 7'],
  ['@sometimes', 'unrecognized descriptor: @sometimes'],
];

test('the next time', () => {
  for (const [text, after, expected, zone] of times) assert.equal(next(text, after, zone), expected, text);
});

test('refusals', () => {
  for (const [text, why] of refusals) assert.equal(next(text, '2026-01-01T00:00:00Z'), why, text);
  assert.deepEqual(['Europe/Berlin', 'UTC', 'Nowhere/Land'].map(isTimeZone), [true, true, false]);
});
