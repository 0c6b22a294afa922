/** What a container left as its last word. Upstream: kuberuntime_container.go getTerminationMessage. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Container } from '../api/gen/types.ts';
import type { NodeContext } from './node-context.ts';
import { logFileOf } from './pod-logs.ts';
import type { ContainerRecord, PodRecord } from './pod-record.ts';

const maxBytes = 4096;
const maxLogBytes = 2048;
const maxLogLines = 80;

export function terminationMessage(
  context: NodeContext,
  record: PodRecord,
  container: Container,
  run: ContainerRecord,
  exitCode: number,
): string {
  const file = join(context.records.dir(record.uid), 'containers', container.name, (run.id ?? '').slice(0, 12));
  const written = existsSync(file) ? readFileSync(file).subarray(0, maxBytes).toString('utf8') : '';
  if (written !== '' || container.terminationMessagePolicy !== 'FallbackToLogsOnError' || exitCode === 0)
    return written;
  const logFile = logFileOf(context.paths.logs, record, container.name, run.restartCount);
  if (!existsSync(logFile)) return '';
  return logText(readFileSync(logFile, 'utf8'));
}

/** The end of a CRI log as the program wrote it: a partial line (`P`) has no end of its own. */
export function logText(log: string): string {
  const lines = log.split('\n').filter((line) => line !== '');
  return lines
    .slice(-maxLogLines)
    .map((line) => {
      const [, tag, text = ''] = /^\S+ \S+ ([FP]) (.*)$/s.exec(line) ?? [line, 'F', line];
      return tag === 'P' ? text : `${text}\n`;
    })
    .join('')
    .slice(-maxLogBytes);
}
