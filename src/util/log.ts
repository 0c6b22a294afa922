/**
 * One logger per part: JSON lines on stderr, which `portolan logs PART` shows. Level from PORTOLAN_LOG (default info).
 *
 *   const logger = log('proxy');
 *   logger.info({ service: 'default/web' }, 'programmed');
 */
import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger } from 'pino';

let base: Logger | undefined;

export function log(part: string): Logger {
  base ??= pino(
    {
      level: process.env['PORTOLAN_LOG'] ?? 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  return base.child({ part });
}
