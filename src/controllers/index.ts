/** The door: `runControllers(client, options, signal)`. */
export { runControllers } from './run.ts';
export type { ControllerOptions } from './options.ts';
