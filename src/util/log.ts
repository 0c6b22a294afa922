/**
 * One logger per part: JSON lines on stderr, which `portolan logs PART` shows. Level from PORTOLAN_LOG (default info). A line
 * that can't be written is lost, and nothing else: a full disk must not take nodes and the API server away.
 *
 *   const logger = log('proxy');
 *   logger.info({ service: 'default/web' }, 'programmed');
 */
import { writeSync } from 'node:fs';
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { errnoOf } from './errno.ts';

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
    stderr(),
  );
  return base.child({ part });
}

/** How long a line waits for a reader of a pipe that does not block. */
const busyTries = 100;
const busyMs = 10;

/** pino's own destination keeps what it could not write, without bound, and its errors end the process. */
function stderr(): DestinationStream {
  let cut = false;
  return {
    write: (line) => {
      const text = cut ? `\n${line}` : line;
      const written = writeAll(Buffer.from(text));
      if (written > 0) cut = written < Buffer.byteLength(text);
    },
  };
}

/** How many bytes could be written. */
function writeAll(bytes: Buffer): number {
  let written = 0;
  for (let tries = 0; written < bytes.length && tries < busyTries;) {
    try {
      written += writeSync(2, bytes, written);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') break;
      tries += 1;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, busyMs);
    }
  }
  return written;
}
