/** SPDY/3.1, as far as the streams of Kubernetes need it: exec, attach and port-forward of clients that do not speak WebSocket. */
export type { Headers } from './header-block.ts';
export { createSession, SpdyStream } from './session.ts';
export type { SpdySession } from './session.ts';
