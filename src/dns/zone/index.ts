/** The cluster's names in memory, and what is found at one. */
export { Lookup } from './lookup.ts';
export type { Found, LookupOptions } from './lookup.ts';
export { Pods, leanPod } from './pods.ts';
export type { PodAt } from './pods.ts';
export type { NameRecords, ServiceEntry, Versioned } from './service-entry.ts';
export { Zone } from './zone.ts';
