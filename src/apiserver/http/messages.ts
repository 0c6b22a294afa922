/**
 * A request and its answer, whatever the version of HTTP.
 *
 *   HTTP/1.1   IncomingMessage, ServerResponse            ┐
 *   HTTP/2     one stream: its headers, its two halves    ┴─ Incoming { head, body }   Outgoing { head, body }
 *
 * Node's own compatibility layer makes the same of a stream of HTTP/2, for an eighth of the processor time of a create, and ends each answer with
 * an empty frame: one more record, system call and packet.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/** What a request says before its body. */
export interface RequestHead {
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** undefined: the connection is gone. */
  readonly socket: TLSSocket | undefined;
}

export interface Incoming extends RequestHead {
  readonly method: string;
  readonly url: string;
  readonly http2: boolean;
  readonly body: Readable;
}

export type HeaderValue = string | number | readonly string[];

export interface Outgoing {
  statusCode: number;
  setHeader(name: string, value: HeaderValue): void;
  getHeader(name: string): HeaderValue | undefined;
  readonly headersSent: boolean;
  /** It is ended, or the client is gone. */
  readonly over: boolean;
  /** The head goes out now, not with the first byte. */
  flushHeaders(): void;
  /** Head, if it is not sent yet, and body; nothing: there is none. */
  end(content?: Buffer): void;
  /** For what comes in pieces, after `flushHeaders`. */
  readonly body: Writable;
}

export interface Messages {
  readonly request: Incoming;
  readonly response: Outgoing;
}

export function messagesOfHttp1(message: IncomingMessage, response: ServerResponse): Messages {
  const { method = 'GET', url = '/', headers, rawHeaders } = message;
  const socket = message.socket as TLSSocket;
  const request = { method, url, headers, rawHeaders, socket, http2: false, body: message };
  return { request, response: new Http1Answer(response) };
}

export function messagesOfHttp2(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
): Messages {
  return { request: new Http2Request(stream, headers, rawHeaders), response: new Http2Answer(stream) };
}

class Http1Answer implements Outgoing {
  readonly body: ServerResponse;

  constructor(response: ServerResponse) {
    this.body = response;
  }

  get statusCode(): number {
    return this.body.statusCode;
  }

  set statusCode(code: number) {
    this.body.statusCode = code;
  }

  get headersSent(): boolean {
    return this.body.headersSent;
  }

  get over(): boolean {
    return this.body.destroyed || this.body.writableEnded;
  }

  setHeader(name: string, value: HeaderValue): void {
    this.body.setHeader(name, value);
  }

  getHeader(name: string): HeaderValue | undefined {
    return this.body.getHeader(name);
  }

  flushHeaders(): void {
    this.body.flushHeaders();
  }

  end(content?: Buffer): void {
    this.body.end(content);
  }
}

class Http2Request implements Incoming {
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]) {
    this.body = stream;
    this.headers = headers;
    this.rawHeaders = rawHeaders;
  }

  get method(): string {
    return String(this.headers[':method']);
  }

  /** CONNECT has none. */
  get url(): string {
    return String(this.headers[':path'] ?? '/');
  }

  get http2(): boolean {
    return true;
  }

  get socket(): TLSSocket | undefined {
    return this.body.session?.socket as TLSSocket | undefined;
  }
}

class Http2Answer implements Outgoing {
  statusCode = 200;
  readonly body: ServerHttp2Stream;
  readonly #headers = new Map<string, HeaderValue>();
  #ended = false;

  constructor(stream: ServerHttp2Stream) {
    this.body = stream;
  }

  get headersSent(): boolean {
    return this.body.headersSent;
  }

  /** The stream's own end does not say so: to HEAD it is there from the start. */
  get over(): boolean {
    return this.#ended || this.body.destroyed || this.body.closed;
  }

  setHeader(name: string, value: HeaderValue): void {
    this.#headers.set(name.toLowerCase(), value);
  }

  getHeader(name: string): HeaderValue | undefined {
    return this.#headers.get(name.toLowerCase());
  }

  flushHeaders(): void {
    this.#respond(false);
  }

  end(content?: Buffer): void {
    if (this.over) return;
    if (!this.headersSent) this.#respond(content === undefined);
    this.#ended = true;
    // Headers and the only piece of the body are one record.
    this.body.end(content);
  }

  /** As a list: Node copies an object twice to make one of it. */
  #respond(endStream: boolean): void {
    if (this.over) return;
    const list = [':status', String(this.statusCode)];
    for (const [name, value] of this.#headers) {
      if (typeof value === 'object') for (const one of value) list.push(name, one);
      else list.push(name, String(value));
    }
    this.body.respond(list, { endStream });
  }
}
