/** The door to the catalogue: cells, what must happen in them, and the objects and packets that make them real. */
export { axes, cells, cellText } from './cells.ts';
export type { Cell } from './cells.ts';
export { catalogueObjects, destinationOf, originOf, servedPort } from './objects.ts';
export { expected, vantageOf } from './outcomes.ts';
export type { Expected, NodeName, PodName } from './outcomes.ts';
