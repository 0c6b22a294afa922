/** What is known without asking: the types of literals, and the names of types, which are values themselves. */
import type { Type } from './types.ts';
import { listOf, mapOf, types } from './types.ts';
import type { Value } from './values.ts';
import { Duration, Timestamp, TypeValue, Uint } from './values.ts';

/** The names of types are constants. */
export const typeConstants: ReadonlyMap<string, Type> = new Map(
  [
    types.bool,
    types.int,
    types.uint,
    types.double,
    types.string,
    types.bytes,
    types.timestamp,
    types.duration,
    listOf(types.dyn),
    mapOf(types.dyn, types.dyn),
    { kind: 'null', name: 'null_type', params: [] } as Type,
    { kind: 'type', name: 'type', params: [] } as Type,
    { kind: 'opaque', name: 'optional_type', params: [types.dyn] } as Type,
    { kind: 'opaque', name: 'net.IP', params: [] } as Type,
    { kind: 'opaque', name: 'net.CIDR', params: [] } as Type,
    { kind: 'opaque', name: 'kubernetes.Quantity', params: [] } as Type,
    { kind: 'opaque', name: 'kubernetes.URL', params: [] } as Type,
  ].map((type) => [type.name, type]),
);

export function literalType(value: Value): Type {
  if (value === null) return types.null;
  if (typeof value === 'boolean') return types.bool;
  if (typeof value === 'bigint') return types.int;
  if (typeof value === 'number') return types.double;
  if (typeof value === 'string') return types.string;
  if (value instanceof Uint) return types.uint;
  if (value instanceof Timestamp) return types.timestamp;
  if (value instanceof Duration) return types.duration;
  return value instanceof TypeValue ? types.dyn : types.bytes;
}
