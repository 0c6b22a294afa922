/** The door: `runControllers(client, options, signal)`. */
export { loopNames, runControllers } from './run.ts';
export type { ControllerOptions } from './options.ts';
