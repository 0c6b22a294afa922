/**
 * The streams of a remote command (exec, attach), whatever carries them.
 *
 *   Upgrade: websocket ── websocket-channels.ts     Upgrade: SPDY/3.1 ── spdy-channels.ts
 *
 * Upstream: k8s.io/apimachinery/pkg/util/remotecommand, k8s.io/kubelet/pkg/cri/streaming/remotecommand.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { Status } from '../../api/gen/types.ts';

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

export interface Channels {
  /** Everyone listens now: what the client has sent so far is delivered, and what comes. */
  start(): void;
  onInput(call: (data: Buffer) => void): void;
  onInputEnd(call: () => void): void;
  onResize(call: (size: TerminalSize) => void): void;
  /** The other side has gone. */
  onClose(call: () => void): void;
  /** Resolves when all of it has been handed over. */
  pump(source: Readable, to: 'stdout' | 'stderr'): Promise<void>;
  send(to: 'stdout' | 'stderr', data: Buffer): void;
  /** The end of the command. */
  finish(status: Status): void;
}

/** What a client that wants to upgrade has sent. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly query: URLSearchParams;
}

/** Which of the streams the client has asked for. */
export interface Wanted {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export async function openChannels(upgrade: Upgrade): Promise<Channels> {
  if (isSpdy(upgrade.request)) {
    const { openSpdyChannels } = await import('./spdy-channels.ts');
    return openSpdyChannels(upgrade, wantedStreams(upgrade.query));
  }
  const { openWebSocketChannels } = await import('./websocket-channels.ts');
  return openWebSocketChannels(upgrade, wantedStreams(upgrade.query));
}

export function isSpdy(request: IncomingMessage): boolean {
  return (request.headers.upgrade ?? '').toLowerCase() === 'spdy/3.1';
}

function wantedStreams(query: URLSearchParams): Wanted {
  const asked = (name: string, old: string): boolean => isTrue(query.get(name)) || isTrue(query.get(old));
  const tty = isTrue(query.get('tty'));
  return {
    stdin: asked('input', 'stdin'),
    stdout: asked('output', 'stdout'),
    // A terminal has one output.
    stderr: asked('error', 'stderr') && !tty,
    tty,
  };
}

export function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}

/** undefined: not a size. */
export function parseSize(data: string): TerminalSize | undefined {
  try {
    const size = JSON.parse(data) as { readonly Width?: unknown; readonly Height?: unknown } | null;
    return { width: Number(size?.Width ?? 0), height: Number(size?.Height ?? 0) };
  } catch {
    return undefined;
  }
}

export const success: Status = { metadata: {}, status: 'Success' };

/** Upstream: remotecommand/exec.go. */
export function exitStatus(code: number): Status {
  if (code === 0) return success;
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${String(code)}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

/** The error stream: a Status since version 4, before that the text of a failure and nothing at success. */
export function statusText(status: Status, structured: boolean): string {
  if (structured) return JSON.stringify(status);
  return status.status === 'Success' ? '' : (status.message ?? '');
}
