/** Small JSON files that say what is up. A full disk or a lost machine may leave half of one: that is told with its fix. */
import { readFileSync } from 'node:fs';
import { UsageError } from './usage-error.ts';
import { errnoOf } from '../util/errno.ts';

export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

export function parseRecord(file: string, text: string, fix: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const why = text.trim() === '' ? 'empty' : (cause as Error).message.replaceAll('\n', ' ');
    throw new UsageError(`${file} is broken (${why}): ${fix}`);
  }
}
