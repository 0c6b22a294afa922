/**
 * The door: what a Service means. Pure functions from API objects; no I/O.
 *
 *   frontends(service)                      what it owns
 *   endpoints(slices, frontend)             who could serve it
 *   backends(frontend, slices, node)        who does, from here
 *   buildTable({ services, slices, node })  all of it, for one node
 *   records(service, slices)                its DNS names
 *   journey(packet, nodes, sender)          what becomes of a packet, step by step
 *   whyNobody(service, port, slices, pods)  what people are told where nobody serves it
 */
export { isUsableAddress } from './address.ts';
export { backends, localReady, select } from './backends.ts';
export type { Traffic } from './backends.ts';
export { whyNobody, whyNotProxied } from './cause.ts';
export { endpoints, serviceKeyOf, serviceNameLabel } from './endpoints.ts';
export type { EndpointPort } from './endpoints.ts';
export { frontends, headlessLabel, healthCheckPort, sourceRanges } from './frontends.ts';
export * from './records.ts';
export { buildTable, entryKey, serviceEntries, byPrecedence, winner } from './table.ts';
export type { EntryKey, ServiceTable, TableEntry, TableInput } from './table.ts';
export type { Endpoint, Family, Frontend, FrontendKind, NodeView, Protocol, Selection, ServiceRef } from './types.ts';
export { journey, walk } from './walk.ts';
export type { Arrival, Packet, Step, StepName, Walk, WalkNode } from './walk.ts';
