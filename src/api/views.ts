/**
 * A kind that is served in several groups or versions and stored once: one entry says how its objects are kept, each further one is
 * another view of it, with two pure functions.
 *
 *   store ─ read ──> as this version shows it ──> columns, selectors, answers, watches
 *   body  ─ defaults of its version ─ write ──> the stored kind's strategies, validation, onWrite ─ read ──> draft ─ write ──> store
 *
 * Upstream converts each body to an internal type and validates that; what is stored here has its place.
 */
import { clone } from './clone.ts';
import type { FieldError } from './field-errors.ts';
import { partNames } from './kind.ts';
import type { Column, KindDefinition, KindForm, StatusStrategy } from './kind.ts';
import type { KubeObject, Live } from './object.ts';
import { groupVersionOf } from './resources.ts';
import type { Resource } from './resources.ts';

/** `S`: as it is stored; `T`: as it is shown. `kind`, `apiVersion` and what the conversions do not touch need not be copied. */
export interface View<S extends KubeObject, T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly read: (stored: S) => T;
  readonly write: (shown: T) => S;
  readonly applyDefaults?: (object: T) => void;
  /** Where a version is stricter than the stored kind. */
  readonly validate?: (stored: S) => readonly FieldError[];
  readonly validateUpdate?: (stored: S, old: Live<S>) => readonly FieldError[];
  /** Its fields' names → the stored kind's; without: the same. */
  readonly fieldNames?: Readonly<Record<string, string>>;
}

/** The stored kind, then its views. */
export function withViews<S extends KubeObject, T extends KubeObject>(
  stored: KindDefinition,
  view: View<S, T>,
): readonly [KindDefinition, KindDefinition] {
  const lens = new Lens(stored.resource, view as unknown as View<KubeObject, KubeObject>);
  const forms = [
    { resource: stored.resource, read: same, write: same },
    { resource: view.resource, read: lens.read, write: lens.write },
  ];
  return [
    { ...stored, forms },
    { ...viewOf(stored, view as unknown as View<KubeObject, KubeObject>, lens), forms },
  ];
}

/** From one form of a kind's objects to another. */
export function converter(
  forms: readonly KindForm[] | undefined,
  from: Resource,
  to: Resource,
): (object: KubeObject) => KubeObject {
  const formOf = (resource: Resource): KindForm | undefined => forms?.find((form) => form.resource === resource);
  const [source, target] = [formOf(from), formOf(to)];
  return source === undefined || target === undefined || source === target
    ? same
    : (object) => target.read(source.write(object));
}

const same = (object: KubeObject): KubeObject => object;

type Shown = Live<KubeObject>;

class Lens {
  readonly #stored: Resource;
  readonly #view: View<KubeObject, KubeObject>;
  /** A version that was read is asked about several times: by selectors, columns, the answer. */
  readonly #shown = new WeakMap<object, Shown>();
  readonly #origin = new WeakMap<object, Shown>();

  constructor(stored: Resource, view: View<KubeObject, KubeObject>) {
    this.#stored = stored;
    this.#view = view;
  }

  /** Of what is in the store: shared, frozen. */
  readonly shown = (stored: Shown): Shown => {
    let shown = this.#shown.get(stored);
    if (shown === undefined) {
      shown = this.read(stored) as Shown;
      this.#shown.set(stored, shown);
      this.#origin.set(shown, stored);
    }
    return shown;
  };

  readonly kept = (shown: Shown): Shown => this.#origin.get(shown) ?? (this.write(shown) as Shown);

  readonly read = (stored: KubeObject): KubeObject => named(this.#view.resource, this.#view.read(clone(stored)));

  readonly write = (shown: KubeObject): KubeObject => named(this.#stored, this.#view.write(clone(shown)));

  /** Does to a draft what the stored kind would. */
  change(draft: KubeObject, change: (stored: KubeObject) => void): void {
    const stored = this.write(draft);
    change(stored);
    const shown = this.read(stored);
    for (const key of Object.keys(draft)) Reflect.deleteProperty(draft, key);
    Object.assign(draft, shown);
  }
}

/** In the order that the store's JSON has. */
function named(resource: Resource, object: KubeObject): KubeObject {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object;
  return { kind: resource.kind, apiVersion: groupVersionOf(resource), ...(metadata ? { metadata } : {}), ...rest };
}

function viewOf(stored: KindDefinition, view: View<KubeObject, KubeObject>, lens: Lens): KindDefinition {
  const { applyDefaults } = view;
  const { prepareForCreate, prepareForUpdate, prepareForDelete, warnings, graceSeconds, onWrite, scale } = stored;
  const validate = view.validate ?? stored.validate;
  const validateUpdate = view.validateUpdate ?? stored.validateUpdate ?? validate;
  const { applyDefaults: _defaults, fieldSelectors: _fields, ...rest } = stored;
  return {
    ...rest,
    resource: view.resource,
    kept: { resource: stored.resource, read: lens.shown, write: lens.write },
    ...(applyDefaults && { applyDefaults }),
    ...(prepareForCreate && { prepareForCreate: (draft) => lens.change(draft, prepareForCreate) }),
    ...(prepareForUpdate && {
      prepareForUpdate: (draft, old) => lens.change(draft, (object) => prepareForUpdate(object, lens.kept(old))),
    }),
    ...(prepareForDelete && { prepareForDelete: (draft) => lens.change(draft, prepareForDelete) }),
    validate: (object) => validate(lens.write(object)),
    validateUpdate: (object, old) => validateUpdate(lens.write(object), lens.kept(old)),
    ...(warnings && { warnings: (object, old) => warnings(lens.write(object), old && lens.kept(old)) }),
    ...partsOf(stored, lens),
    ...(scale && {
      scale: {
        ...scale,
        get: (object) => scale.get(lens.kept(object)),
        set: (draft, replicas) => lens.change(draft, (object) => scale.set(object, replicas)),
      },
    }),
    ...(graceSeconds && { graceSeconds: (object) => graceSeconds(lens.kept(object)) }),
    ...(onWrite && {
      onWrite(writes, draft, old) {
        if (draft === undefined) onWrite(writes, undefined, old && lens.kept(old));
        else lens.change(draft, (object) => onWrite(writes, object, old && lens.kept(old)));
      },
    }),
    columns: stored.columns.map((column): Column<KubeObject> => ({
      ...column,
      cell: (object, now) => column.cell(lens.kept(object), now),
    })),
    ...fieldsOf(stored, view, lens),
  };
}

function partsOf(stored: KindDefinition, lens: Lens): Partial<KindDefinition> {
  const part = ({ prepareForUpdate, validateUpdate }: StatusStrategy<KubeObject>): StatusStrategy<KubeObject> => ({
    ...(prepareForUpdate && {
      prepareForUpdate: (draft, old) => lens.change(draft, (object) => prepareForUpdate(object, lens.kept(old))),
    }),
    ...(validateUpdate && { validateUpdate: (object, old) => validateUpdate(lens.write(object), lens.kept(old)) }),
  });
  const parts = partNames.flatMap((name) => {
    const strategy = stored[name];
    return strategy === undefined ? [] : [[name, part(strategy)] as const];
  });
  return Object.fromEntries(parts);
}

function fieldsOf(
  { fieldSelectors }: KindDefinition,
  { fieldNames }: View<KubeObject, KubeObject>,
  lens: Lens,
): Partial<KindDefinition> {
  if (fieldSelectors === undefined) return {};
  const names = fieldNames ?? Object.fromEntries(Object.keys(fieldSelectors).map((name) => [name, name]));
  const read = (name: string) => (object: KubeObject) => fieldSelectors[name]?.(lens.kept(object as Shown)) ?? '';
  return { fieldSelectors: Object.fromEntries(Object.entries(names).map(([shown, name]) => [shown, read(name)])) };
}
