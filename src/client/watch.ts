/**
 * A watch on the wire: one JSON event a line, for as long as the server likes.
 *
 * Ends without an error when the server closes the stream or the signal aborts; a torn connection throws its network error.
 */
import type { IncomingMessage } from 'node:http';
import type { KubeObject } from '../api/object.ts';
import type { WatchEvent } from './types.ts';
import type { Transport } from './transport.ts';

export async function* watchStream<T extends KubeObject>(
  transport: Transport,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  if (signal.aborted) return;
  try {
    const response = await transport.open(path, signal);
    for await (const line of lines(response)) yield JSON.parse(line) as WatchEvent<T>;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function* lines(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const part of response) {
    const chunk = part as string;
    let from = 0;
    // Only the new part is searched: a large object arrives in many.
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', from)) {
      const line = rest + chunk.slice(from, end);
      rest = '';
      from = end + 1;
      if (line.trim() !== '') yield line;
    }
    rest += from === 0 ? chunk : chunk.slice(from);
  }
  // A half line is a cut connection: the informer resumes from the last whole event.
}
