/** Kinds that others install: served from their definitions. */
export { CustomKinds } from './kinds.ts';
