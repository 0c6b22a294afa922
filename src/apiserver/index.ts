/** The door of the API server. */
export { wrongPluginNames } from './admission/plugin-names.ts';
export { startApiServer } from './server.ts';
export type { ApiServer, ApiServerOptions } from './options.ts';
