/** GET /containerLogs/NS/POD/CONTAINER. Upstream: pkg/kubelet/server/server.go getContainerLogs, kubelet_pods.go validateContainerLogStatus. */
import { existsSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import { readLog } from '../log-read.ts';
import type { LogOptions } from '../log-read.ts';
import type { NodeContext } from '../node-context.ts';
import { logFileOf } from '../pod-logs.ts';
import type { Pods } from '../pods.ts';
import { isTrue } from './channels.ts';
import { HttpError, locate } from './locate.ts';
import type { Located } from './locate.ts';

export async function serveLogs(context: NodeContext, pods: Pods, url: URL, response: ServerResponse): Promise<void> {
  const found = locate(pods, url);
  const options = logOptions(url.searchParams);
  const previous = isTrue(url.searchParams.get('previous'));
  const file = logFile(context, found, previous);
  const over = new AbortController();
  response.on('close', () => over.abort());
  context.signal.addEventListener('abort', () => over.abort(), { once: true, signal: over.signal });
  context.logs.flush(found.id);
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  if (options.follow) response.flushHeaders();
  const source = {
    onAppend(call: () => void): () => void {
      return context.logs.onAppend(file, call);
    },
    ended: () => previous || !isRunning(found),
  };
  for await (const chunk of readLog(file, options, source, over.signal)) {
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(over.signal, 'abort')]);
    if (over.signal.aborted) return;
  }
  response.end();
}

/** This very run: a restarted container has another id. */
function isRunning(found: Located): boolean {
  return (
    found.worker.slots.view(found.container).running && found.worker.record.containers[found.container]?.id === found.id
  );
}

function logFile(context: NodeContext, found: Located, previous: boolean): string {
  const { worker, container } = found;
  const record = worker.record.containers[container];
  const pod = worker.record.name;
  if (record === undefined) {
    const reason = worker.slots.view(container).waiting?.reason ?? 'ContainerCreating';
    throw new HttpError(400, `container "${container}" in pod "${pod}" is waiting to start: ${reason}`);
  }
  const file = logFileOf(context.paths.logs, worker.record, container, record.restartCount - (previous ? 1 : 0));
  if (previous && !existsSync(file)) {
    throw new HttpError(400, `previous terminated container "${container}" in pod "${pod}" not found`);
  }
  return file;
}

function logOptions(query: URLSearchParams): LogOptions {
  const number = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0)
      throw new HttpError(400, `${name} must be a non-negative integer: "${text}"`);
    return value;
  };
  const seconds = number('sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const stream = query.get('stream') ?? 'All';
  if (stream !== 'All' && stream !== 'Stdout' && stream !== 'Stderr') {
    throw new HttpError(400, `stream must be All, Stdout or Stderr: "${stream}"`);
  }
  return {
    follow: isTrue(query.get('follow')),
    timestamps: isTrue(query.get('timestamps')),
    tailLines: number('tailLines'),
    since:
      seconds === undefined ? (sinceTime === null ? undefined : Date.parse(sinceTime)) : Date.now() - seconds * 1000,
    limitBytes: number('limitBytes'),
    stream,
  };
}
