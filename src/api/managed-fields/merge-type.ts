/**
 * How values of a type merge: what owns a field, what is replaced as a whole, what identifies an element of a list.
 *
 *   scalar   owned and replaced as one
 *   list     atomic: as one · set: each value · map: each element by its keys
 *   map      atomic: as one · granular: each field or key
 *
 * The engine knows nothing else of a schema, so built-in types (built-in.ts) and CustomResourceDefinitions (structural.ts) are the
 * same to it. Upstream: sigs.k8s.io/structured-merge-diff/v6 schema/elements.go.
 */
export type ScalarKind = 'string' | 'numeric' | 'boolean' | 'untyped';

export interface ListType {
  readonly atomic: boolean;
  /** Fields that identify an element; none: a set of plain values. */
  readonly keys: readonly string[];
  readonly element: MergeType;
}

export interface MapField {
  /** In a path: `f:spec`. */
  readonly step: string;
  readonly type: MergeType;
  /** Of a key field: what it counts as when it is left out. */
  readonly default?: unknown;
  /** What Go's struct has where JSON has nothing: {} for a struct held by value, null for a list that is always written. */
  readonly zero?: object | '' | null;
}

export interface MapType {
  readonly atomic: boolean;
  readonly fields: ReadonlyMap<string, MapField>;
  /** Of keys that are not among `fields`; undefined: there may be none. */
  readonly element: MergeType | undefined;
}

/** Several members: any of them may stand there (IntOrString is a plain `untyped` scalar, RawExtension is all three). */
export interface MergeType {
  readonly scalar?: ScalarKind;
  readonly list?: ListType;
  readonly map?: MapType;
}

export type Shape = 'scalar' | 'list' | 'map';

const noFields: ReadonlyMap<string, MapField> = new Map();

export function scalarType(scalar: ScalarKind): MergeType {
  return { scalar };
}

export function mapOf(element: MergeType, atomic = false): MergeType {
  return { map: { atomic, fields: noFields, element } };
}

/** Whatever stands there is owned as one. */
const atomicValue: MergeType = recursive((self) => ({
  scalar: 'untyped',
  list: { atomic: true, keys: [], element: self },
  map: { atomic: true, fields: noFields, element: self },
}));

/** A value without a schema: maps are granular, lists are not. */
export const deducedValue: MergeType = recursive((self) => ({
  scalar: 'untyped',
  list: { atomic: true, keys: [], element: atomicValue },
  map: { atomic: false, fields: noFields, element: self },
}));

/** A type that refers to itself. */
export function recursive(define: (self: MergeType) => MergeType): MergeType {
  const self: { -readonly [K in keyof MergeType]: MergeType[K] } = {};
  return Object.assign(self, define(self));
}

/** What the value is, where the type allows it; undefined: it fits nothing, or says nothing (null, absent). */
export function shapeOfValue(type: MergeType, value: unknown): Shape | undefined {
  if (value === undefined || value === null) return onlyShape(type);
  if (Array.isArray(value)) return type.list === undefined ? onlyShape(type) : 'list';
  if (typeof value === 'object') return type.map === undefined ? onlyShape(type) : 'map';
  return type.scalar === undefined ? onlyShape(type) : 'scalar';
}

/** The shape to treat a value as. Upstream: handleAtom. */
export function shapeToWalk(type: MergeType, shape: Shape | undefined): Shape {
  if (shape !== undefined) return shape;
  return type.map !== undefined ? 'map' : type.scalar !== undefined ? 'scalar' : 'list';
}

function onlyShape({ scalar, list, map }: MergeType): Shape | undefined {
  if (map !== undefined) return scalar === undefined && list === undefined ? 'map' : undefined;
  if (scalar !== undefined) return list === undefined ? 'scalar' : undefined;
  return list === undefined ? undefined : 'list';
}

export function fieldType(map: MapType, key: string): MergeType | undefined {
  return map.fields.get(key)?.type ?? map.element;
}
