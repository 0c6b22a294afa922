/**
 * The door: the logical table of a node in, kernel tables out.
 *
 *   const plane = createDataPlane({ podCidrs, serviceCidrs, nonMasqueradeCidrs });
 *   await plane.start(table.entries.values());
 *   await plane.apply({ set: [entry], remove: ['10.96.0.7 TCP 80'] });
 */
export { inspect } from './inspect.ts';
export type { InspectedKey, InspectedTable, Outcome } from './inspect.ts';
export { createDataPlane } from './nft-data-plane.ts';
export type { Applied, DataPlane, DataPlaneOptions, TableDiff } from './types.ts';
