/** Validation helpers for kinds. */
export * from './address-warnings.ts';
export * from './addresses.ts';
export * from './domain-path.ts';
export * from './names.ts';
export * from './metadata.ts';
export * from './node-selector.ts';
