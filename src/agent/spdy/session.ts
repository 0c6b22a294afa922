/**
 * One SPDY/3.1 session over any byte stream (a TLS socket, a WebSocket tunnel); each of its streams is a Duplex.
 *
 *   createSession(socket, 'server', (stream) => …)   a throw in the callback refuses the stream
 *
 * Flow control: windows are given back as data is taken, and the peer's are not waited for: moby/spdystream, which every
 * client of Kubernetes is built on, never sends a WINDOW_UPDATE (spdystream, connection.go). What a stream has not read
 * yet holds back the whole connection, as there.
 */
import { Duplex } from 'node:stream';
import { dataHead, encodeFrame, FrameReader, rstStatus } from './frames.ts';
import type { Frame } from './frames.ts';
import { encodeHeaders, HeaderInflater, SpdyError } from './header-block.ts';
import type { Headers } from './header-block.ts';

export interface SpdySession {
  /** Aborts when the connection is gone. */
  readonly closed: AbortSignal;
  /** A stream of our own. */
  open(headers: Headers): SpdyStream;
  /** Ends it when everything written has gone out. */
  close(): void;
}

const maxUnread = 1 << 20;
const maxStreams = 4096;
const maxData = 64 * 1024;

interface Wire {
  send(frame: Frame): void;
  sendData(stream: number, data: Buffer, fin: boolean, done: (error?: Error | null) => void): void;
  forget(stream: number): void;
}

export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  readonly #wire: Wire;
  #drained: (() => void) | undefined;
  /** It was ended by the peer: nothing may be sent for it any more. */
  #reset = false;

  constructor(id: number, headers: Headers, wire: Wire) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.headers = headers;
    this.#wire = wire;
    // A stream that fails alone is its users' affair: they look at 'close'.
    this.on('error', () => undefined);
  }

  /** Resolves when there is room for more. */
  async deliver(data: Buffer, fin: boolean): Promise<void> {
    if (this.destroyed || this.readableEnded) return;
    if (data.length > 0) this.push(data);
    if (fin) this.push(null);
    while (this.readableLength > maxUnread && !this.destroyed) {
      await new Promise<void>((resolve) => (this.#drained = resolve));
    }
  }

  resetByPeer(): void {
    this.#reset = true;
    this.destroy();
  }

  override _read(): void {
    this.#drained?.();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#wire.sendData(this.id, chunk, false, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#wire.sendData(this.id, Buffer.alloc(0), true, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const whole = this.readableEnded && this.writableFinished;
    if (!whole && !this.#reset) this.#wire.send({ kind: 'rstStream', stream: this.id, status: rstStatus.cancel });
    this.#wire.forget(this.id);
    this.#drained?.();
    done(error);
  }
}

export function createSession(
  socket: Duplex,
  role: 'server' | 'client',
  onStream: (stream: SpdyStream) => void,
): SpdySession {
  const streams = new Map<number, SpdyStream>();
  const closed = new AbortController();
  const reader = new FrameReader();
  const inflater = new HeaderInflater();
  let nextId = role === 'server' ? 2 : 1;
  let lastPeerId = 0;
  let headersSent = false;

  const block = (headers: Headers): Buffer => {
    const bytes = encodeHeaders(headers, !headersSent);
    headersSent = true;
    return bytes;
  };
  const wire: Wire = {
    send(frame) {
      if (socket.writable) socket.write(encodeFrame(frame));
    },
    sendData(stream, data, fin, done) {
      if (!socket.writable) return done(new SpdyError('the session has ended'));
      socket.cork();
      let at = 0;
      for (; data.length - at > maxData; at += maxData) {
        socket.write(dataHead(stream, maxData, false));
        socket.write(data.subarray(at, at + maxData));
      }
      socket.write(dataHead(stream, data.length - at, fin));
      socket.write(data.subarray(at), done);
      socket.uncork();
    },
    forget: (stream) => void streams.delete(stream),
  };

  const accept = async (frame: Extract<Frame, { kind: 'synStream' }>): Promise<void> => {
    const headers = await inflater.read(frame.block);
    const own = frame.stream % 2 === (role === 'server' ? 0 : 1);
    if (frame.stream <= lastPeerId || own || streams.size >= maxStreams) {
      wire.send({ kind: 'rstStream', stream: frame.stream, status: rstStatus.protocolError });
      return;
    }
    lastPeerId = frame.stream;
    const stream = new SpdyStream(frame.stream, headers, wire);
    streams.set(frame.stream, stream);
    try {
      onStream(stream);
    } catch {
      stream.resetByPeer();
      wire.send({ kind: 'rstStream', stream: frame.stream, status: rstStatus.refusedStream });
      return;
    }
    wire.send({ kind: 'synReply', stream: frame.stream, block: block(new Map()), fin: false });
    if (frame.fin) await stream.deliver(Buffer.alloc(0), true);
  };

  const receive = async (frame: Frame): Promise<void> => {
    switch (frame.kind) {
      case 'synStream':
        return accept(frame);
      case 'synReply':
      case 'headers':
        // Nothing of it is needed, but the compression goes on from it.
        await inflater.read(frame.block);
        if (frame.fin) await streams.get(frame.stream)?.deliver(Buffer.alloc(0), true);
        return;
      case 'data':
        await streams.get(frame.stream)?.deliver(frame.data, frame.fin);
        if (frame.data.length === 0) return;
        for (const stream of frame.fin ? [0] : [0, frame.stream])
          wire.send({ kind: 'windowUpdate', stream, delta: frame.data.length });
        return;
      case 'rstStream':
        streams.get(frame.stream)?.resetByPeer();
        return;
      case 'settings':
      case 'goAway':
      case 'windowUpdate':
        return;
      case 'ping':
        // Its parity says whose it is.
        if (frame.id % 2 === (role === 'server' ? 1 : 0)) wire.send(frame);
    }
  };

  const run = async (): Promise<void> => {
    try {
      for await (const chunk of socket as AsyncIterable<Buffer>)
        for (const frame of reader.push(chunk)) await receive(frame);
    } catch {
      // A peer that breaks off or the protocol: its session is over, and nobody is there to be told.
    }
    inflater.close();
    for (const stream of [...streams.values()]) stream.resetByPeer();
    socket.destroy();
    closed.abort();
  };
  socket.on('error', () => socket.destroy());
  void run();

  return {
    closed: closed.signal,
    open(headers) {
      const stream = new SpdyStream(nextId, headers, wire);
      streams.set(nextId, stream);
      wire.send({ kind: 'synStream', stream: nextId, block: block(headers), fin: false });
      nextId += 2;
      return stream;
    },
    close: () => void socket.end(),
  };
}
