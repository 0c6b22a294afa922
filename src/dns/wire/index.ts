/**
 * The DNS codec: lean, strict, safe for hostile input. Only WireError comes out.
 *
 *   decodeQuery / decodeMessage   bytes in
 *   encodeReply / encodeQuery     bytes out
 *   WireName                      a name as the wire has it, in a latin1 string
 */
export { addressBytes, addressKey, ipBytes, ipKey } from './address.ts';
export * from './constants.ts';
export { decodeMessage, decodeQuery, requestHeader } from './decode.ts';
export { encodeFormatError, encodeQuery, encodeReply, tcpLimit, udpLimit } from './encode.ts';
export type { Encoded } from './encode.ts';
export { WireError } from './error.ts';
export type { Edns, Message, Query, Question, RData, Reply, ResourceRecord } from './message.ts';
export {
  foldCase,
  labelsOf,
  nameFromLabels,
  nameFromText,
  nameToText,
  readName,
  rootName,
  zoneOffset,
} from './name.ts';
export type { WireName } from './name.ts';
