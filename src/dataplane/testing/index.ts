/** The door to what tests of the data plane and of the proxy share. */
export { answer, caller, end } from './call.ts';
export { service, slice } from './objects.ts';
export type { EndpointWords } from './objects.ts';
export { addresses, createTopology, outside } from './topology.ts';
export type { PlaceName, Topology } from './topology.ts';
