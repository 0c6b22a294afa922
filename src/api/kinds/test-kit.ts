/** For tests: the way of a body through a kind, without server and store. */
import assert from 'node:assert/strict';
import type { FieldError } from '../field-errors.ts';
import type { KindDefinition, WriteView } from '../kind.ts';
import type { KubeObject, Live } from '../object.ts';
import type { Resource } from '../resources.ts';
import { decodeObject } from '../decode.ts';
import { buildKinds } from './index.ts';
import type { KindOptions } from './index.ts';

export interface Outcome<T> {
  readonly object: T;
  /** `spec.ports: Required value` */
  readonly errors: readonly string[];
}

export class Pipeline {
  readonly #kinds: readonly KindDefinition[];
  /** Undo steps of the last write. */
  rollbacks: (() => void)[] = [];
  dryRun = false;
  /** What the writes have put along: `ipaddresses/10.96.0.1`. */
  readonly beside = new Map<string, KubeObject>();

  constructor(options: KindOptions = {}) {
    this.#kinds = buildKinds(options);
  }

  kind(resource: Resource): KindDefinition {
    const found = this.#kinds.find((kind) => kind.resource === resource);
    if (found === undefined) throw new Error(`no kind ${resource.plural}`);
    return found;
  }

  create<T extends KubeObject>(resource: Resource<T>, body: unknown): Outcome<T> {
    const kind = this.kind(resource);
    const { object } = decodeObject(resource, body);
    const metadata = object.metadata ?? {};
    if (resource.namespaced) metadata.namespace ??= 'default';
    Object.assign(object, { metadata });
    kind.applyDefaults?.(object);
    kind.prepareForCreate?.(object);
    const errors = kind.validate(object);
    if (errors.length === 0) kind.onWrite?.(this.#view(), object, undefined);
    return { object, errors: texts(errors) };
  }

  update<T extends KubeObject>(resource: Resource<T>, old: T | Live<T>, body: unknown): Outcome<T> {
    const kind = this.kind(resource);
    const { object } = decodeObject(resource, body);
    kind.applyDefaults?.(object);
    kind.prepareForUpdate?.(object, old as unknown as Live<KubeObject>);
    const errors = (kind.validateUpdate ?? kind.validate)(object, old as unknown as Live<KubeObject>);
    if (errors.length === 0) kind.onWrite?.(this.#view(), object, old as unknown as Live<KubeObject>);
    return { object, errors: texts(errors) };
  }

  updateStatus<T extends KubeObject>(resource: Resource<T>, old: T, body: unknown): Outcome<T> {
    const kind = this.kind(resource);
    const { object } = decodeObject(resource, body);
    kind.applyDefaults?.(object);
    kind.status?.prepareForUpdate?.(object, old as unknown as Live<KubeObject>);
    const errors = kind.status?.validateUpdate?.(object, old as unknown as Live<KubeObject>) ?? [];
    return { object, errors: texts(errors) };
  }

  delete<T extends KubeObject>(resource: Resource<T>, old: T): void {
    this.kind(resource).onWrite?.(this.#view(), undefined, old as unknown as Live<KubeObject>);
  }

  /** What `kubectl get` shows; wide columns after a bar. */
  row<T extends KubeObject>(resource: Resource<T>, object: T | Live<T>, now = 0): string {
    const { columns } = this.kind(resource);
    const cells = (priority: number): string =>
      columns
        .filter((column) => column.priority === priority)
        .map((column) => String(column.cell(object as unknown as Live<KubeObject>, now)))
        .join(' ');
    const wide = cells(1);
    return wide === '' ? cells(0) : `${cells(0)} | ${wide}`;
  }

  header(resource: Resource): string {
    return this.kind(resource)
      .columns.filter((column) => column.priority === 0)
      .map((column) => column.name.toUpperCase())
      .join(' ');
  }

  #view(): WriteView {
    this.rollbacks = [];
    return {
      get: () => undefined,
      list: () => [],
      put: (resource, object) => {
        this.beside.set(`${resource.plural}/${object.metadata?.name ?? ''}`, object);
      },
      remove: (resource, key) => {
        this.beside.delete(`${resource.plural}/${key.name}`);
      },
      onRollback: (undo) => {
        this.rollbacks.push(undo);
      },
      dryRun: this.dryRun,
    };
  }
}

export function texts(errors: readonly FieldError[]): readonly string[] {
  return errors.map((error) => `${error.field}: ${error.message}`);
}

/** A body that is refused, and how an error of it begins. */
export type Refusal = readonly [resource: Resource, body: object, error: string];

export function assertRefusals(
  create: (resource: Resource, body: object) => Outcome<unknown>,
  refusals: readonly Refusal[],
): void {
  for (const [resource, body, error] of refusals) {
    const { errors } = create(resource, body);
    assert.ok(
      errors.some((text) => text.startsWith(error)),
      `${resource.plural}: ${error}\ngot: ${errors.join('\n')}`,
    );
  }
}
