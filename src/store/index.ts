/** The door of the store: revisioned objects, atomic transactions, watch history on disk. */
export { openStore } from './store.ts';
export { CompactedError, StoreFileError } from './types.ts';
export type {
  Reader,
  Slot,
  Snapshot,
  Store,
  StoreEvent,
  StoreOptions,
  Stored,
  TransactOptions,
  Tx,
  WatchCursor,
} from './types.ts';
