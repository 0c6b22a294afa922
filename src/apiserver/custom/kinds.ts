/**
 * The kinds that CustomResourceDefinitions make, read from the store at each question: what is committed is served, with nothing to
 * keep in step. A definition is compiled again only when what it says has changed; the watches of its old form end then.
 */
import type { CustomResourceDefinition } from '../../api/gen/types.ts';
import { customKinds, hasCondition } from '../../api/custom/index.ts';
import type { KindDefinition } from '../../api/kind.ts';
import { resources } from '../../api/resources.ts';
import { converterOf } from './convert.ts';
import type { Resource } from '../../api/resources.ts';
import type { Store, Stored } from '../../store/index.ts';

const bucket = `${resources.customResourceDefinitions.group}/${resources.customResourceDefinitions.plural}`;

interface Entry {
  /** The version that it was made from; the text of what matters in it. */
  source: Stored;
  readonly meaning: string;
  readonly kinds: readonly KindDefinition[];
  readonly replaced: AbortController;
}

const none: readonly KindDefinition[] = [];

export class CustomKinds {
  readonly #store: Store;
  readonly #entries = new Map<string, Entry>();
  readonly #ends = new WeakMap<KindDefinition, AbortSignal>();
  #all: readonly KindDefinition[] = none;
  #listed: readonly Entry[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  find(group: string, version: string, plural: string): KindDefinition | undefined {
    const stored = this.#store.get({ resource: bucket, namespace: '', name: `${plural}.${group}` });
    if (stored === undefined) return undefined;
    return this.#entryOf(stored)?.kinds.find(({ resource }) => resource.version === version);
  }

  /** The same array as long as nothing has changed. */
  all(): readonly KindDefinition[] {
    const stored = this.#store.list(bucket);
    for (const name of this.#entries.keys()) if (!stored.some((item) => item.name === name)) this.#drop(name);
    const entries = stored.flatMap((item) => this.#entryOf(item) ?? []);
    if (entries.length !== this.#listed.length || entries.some((entry, index) => entry !== this.#listed[index])) {
      this.#listed = entries;
      this.#all = entries.length === 0 ? none : entries.flatMap(({ kinds }) => kinds);
    }
    return this.#all;
  }

  /** Aborts when the kind is no longer what it was. */
  endOf(kind: KindDefinition): AbortSignal | undefined {
    return this.#ends.get(kind);
  }

  #entryOf(stored: Stored): Entry | undefined {
    const known = this.#entries.get(stored.name);
    if (known?.source === stored) return known;
    const definition = stored.value as CustomResourceDefinition;
    if (!hasCondition(definition, 'Established')) {
      this.#drop(stored.name);
      return undefined;
    }
    const meaning = JSON.stringify([definition.metadata?.uid, definition.spec, definition.status?.acceptedNames]);
    if (known?.meaning === meaning) {
      known.source = stored;
      return known;
    }
    this.#drop(stored.name);
    const kinds = customKinds(definition, converterOf(this.#store, definition));
    const entry = { source: stored, meaning, kinds, replaced: new AbortController() };
    for (const kind of entry.kinds) this.#ends.set(kind, entry.replaced.signal);
    this.#entries.set(stored.name, entry);
    return entry;
  }

  #drop(name: string): void {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    entry?.replaced.abort();
  }
}

/** The bucket of a definition's objects. */
export function bucketOfDefinition({ spec }: CustomResourceDefinition): string {
  const of: Pick<Resource, 'group' | 'plural'> = { group: spec.group, plural: spec.names.plural };
  return `${of.group}/${of.plural}`;
}
