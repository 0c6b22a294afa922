/** Requests in, answers out: the responder, and the sockets in front of it. */
export { accessList } from './access.ts';
export { Autopath } from './autopath.ts';
export { queryLog } from './query-log.ts';
export { Responder } from './responder.ts';
export { serveTcp } from './tcp.ts';
export { serveUdp } from './udp.ts';
