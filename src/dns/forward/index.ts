/** Everything that is not the cluster's own: upstream servers, their health, and the cache of their answers. */
export { agedMessage, agedPacket } from './cache.ts';
export type { CacheLimits, Entry } from './cache.ts';
export type { Ask } from './exchange.ts';
export { Forwarder } from './forwarder.ts';
export type { ForwarderCounts, StubZone } from './forwarder.ts';
export { parseSearches, parseStub, parseUpstream, watchResolvConf } from './resolv-conf.ts';
export type { UpstreamAddress } from './resolv-conf.ts';
export { Upstreams } from './upstreams.ts';
export type { Timeouts } from './upstreams.ts';
