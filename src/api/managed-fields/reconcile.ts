/**
 * A set that was written when a field was still granular, brought to a schema where it is atomic: who owned something in it owns the
 * whole now. The other way needs nothing. Upstream: structured-merge-diff typed/reconcile_schema.go.
 */
import type { FieldSet, MutableSet } from './field-set.ts';
import { childrenOf, isEmpty, isMember, leaf, nodeOf } from './field-set.ts';
import { isEmptyMap } from './json.ts';
import type { MergeType } from './merge-type.ts';
import { fieldType } from './merge-type.ts';

/** The same set where nothing is to be done. */
export function reconcileSet(type: MergeType, set: FieldSet): FieldSet {
  let out: MutableSet | undefined;
  for (const [element, node] of Object.entries(set)) {
    if (isEmptyMap(node)) continue;
    const child = typeBelow(type, element);
    if (child === undefined || isDeduced(child)) continue;
    const reconciled = reconcileNode(child, node);
    if (reconciled === node) continue;
    out ??= { ...set };
    out[element] = reconciled;
  }
  return out ?? set;
}

function reconcileNode(type: MergeType, node: FieldSet): FieldSet {
  const children = childrenOf(node);
  if (isEmpty(children)) return node;
  const atomic = type.map?.atomic ?? type.list?.atomic ?? false;
  if (atomic) return leaf;
  const below = reconcileSet(type, children);
  return below === children ? node : (nodeOf(isMember(node), below) ?? leaf);
}

function typeBelow(type: MergeType, element: string): MergeType | undefined {
  if (!element.startsWith('f:')) return type.list?.element;
  return type.map === undefined ? undefined : fieldType(type.map, element.slice(2));
}

/** Upstream leaves what has no schema as it is. */
function isDeduced({ scalar, map }: MergeType): boolean {
  return scalar === 'untyped' && map !== undefined;
}
