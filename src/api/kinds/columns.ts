/**
 * What columns of `kubectl get` are made of. Kinds list theirs in upstream's order; the API server sends cells as they
 * are here. Upstream: pkg/printers/internalversion/printers.go (the server always computes the wide ones, priority 1).
 */
import type { Cell, Column } from '../kind.ts';
import type { KubeObject, Live } from '../object.ts';
import { age } from '../time.ts';

type CellOf<T extends KubeObject> = (object: Live<T>, now: number) => Cell;

export function column<T extends KubeObject>(name: string, description: string, cell: CellOf<T>): Column<T> {
  return { name, type: 'string', description, priority: 0, cell };
}

export function wideColumn<T extends KubeObject>(name: string, description: string, cell: CellOf<T>): Column<T> {
  return { name, type: 'string', description, priority: 1, cell };
}

export function integerColumn<T extends KubeObject>(
  name: string,
  description: string,
  cell: (object: Live<T>) => number,
): Column<T> {
  return { name, type: 'integer', description, priority: 0, cell };
}

export function nameColumn<T extends KubeObject>(): Column<T> {
  return {
    name: 'Name',
    type: 'string',
    format: 'name',
    description:
      'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically.',
    priority: 0,
    cell: (object) => object.metadata.name,
  };
}

export function ageColumn<T extends KubeObject>(): Column<T> {
  return column(
    'Age',
    'CreationTimestamp is a timestamp representing the server time when this object was created.',
    (object, now) => age(object.metadata.creationTimestamp, now),
  );
}
