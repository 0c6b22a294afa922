/** The door to what tests of the data plane and of the proxy share. */
export { shardMaps } from '../shards.ts';
export { answer, caller, end } from './call.ts';
export { kernelWords, slotsMapOf } from './kernel-words.ts';
export { service, slice } from './objects.ts';
export type { EndpointWords } from './objects.ts';
export { openPlace, resetRequest } from './place.ts';
export type { Load, Place, Question } from './place.ts';
export { addresses, createTopology, outside } from './topology.ts';
export type { PlaceName, Topology } from './topology.ts';
