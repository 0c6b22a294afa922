/**
 * What most kinds with spec and status do alike: a client cannot set status but through /status, which changes nothing
 * else; metadata.generation counts the changes of spec. Upstream: PrepareForCreate, PrepareForUpdate of each strategy.
 */
import type { FieldError } from '../field-errors.ts';
import type { KindDefinition, StatusStrategy } from '../kind.ts';
import type { KubeObject, Live } from '../object.ts';
import { invalidField } from '../field-errors.ts';
import { validateMetadataUpdate } from '../validation/index.ts';
import { sameValue } from './equal.ts';
import { clone } from '../clone.ts';

interface SpecStatus {
  metadata?: KubeObject['metadata'];
  spec?: unknown;
  status?: unknown;
}

type Lifecycle<T extends KubeObject> = Pick<KindDefinition<T>, 'prepareForCreate' | 'prepareForUpdate'>;

/** `emptyStatus`: of a new object. */
export function keepsStatus<T extends KubeObject>(emptyStatus: object = {}): Lifecycle<T> {
  return {
    prepareForCreate(object) {
      (object as SpecStatus).status = clone(emptyStatus);
    },
    prepareForUpdate(object, old) {
      (object as SpecStatus).status = clone((old as SpecStatus).status ?? emptyStatus);
    },
  };
}

/** And the generation follows the spec. */
export function keepsStatusAndCounts<T extends KubeObject>(emptyStatus: object = {}): Lifecycle<T> {
  const status = keepsStatus<T>(emptyStatus);
  return {
    prepareForCreate(object) {
      status.prepareForCreate?.(object);
      (object as SpecStatus).metadata = { ...object.metadata, generation: 1 };
    },
    prepareForUpdate(object, old) {
      status.prepareForUpdate?.(object, old);
      countGeneration(object, old);
    },
  };
}

/** For kinds that have a generation and no status. */
export function countGeneration<T extends KubeObject>(object: T, old: Live<T>): void {
  const before = (old as KubeObject).metadata?.generation ?? 1;
  const same = sameValue((object as SpecStatus).spec, (old as SpecStatus).spec);
  (object as SpecStatus).metadata = { ...object.metadata, generation: same ? before : before + 1 };
}

export function statusOnly<T extends KubeObject>(
  validate?: (object: T, old: Live<T>) => readonly FieldError[],
): StatusStrategy<T> {
  return {
    prepareForUpdate(object, old) {
      (object as SpecStatus).spec = clone((old as SpecStatus).spec);
    },
    validateUpdate: (object, old) => [...validateMetadataUpdate(object, old), ...(validate?.(object, old) ?? [])],
  };
}

/** Upstream: ValidateImmutableField. */
export function validateImmutable(value: unknown, old: unknown, field: string): FieldError[] {
  return sameValue(value, old) ? [] : [invalidField(field, value, 'field is immutable')];
}
