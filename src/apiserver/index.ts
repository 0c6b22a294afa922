/** The door of the API server. */
export { startApiServer } from './server.ts';
export type { ApiServer, ApiServerOptions } from './options.ts';
