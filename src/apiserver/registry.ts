/**
 * The kinds that are served, by URL. One entry of `src/api/kinds` becomes every verb, watch, table, and line of discovery; a
 * CustomResourceDefinition makes such entries while the server runs (`custom/kinds.ts`).
 */
import type { KindDefinition } from '../api/kind.ts';
import { groupVersionOf } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import type { CustomKinds } from './custom/index.ts';

export class Registry {
  readonly builtIn: readonly KindDefinition[];
  readonly custom: CustomKinds | undefined;
  readonly #byPath = new Map<string, KindDefinition>();

  constructor(kinds: readonly KindDefinition[], custom?: CustomKinds) {
    this.builtIn = kinds;
    this.custom = custom;
    for (const kind of kinds) this.#byPath.set(pathKey(kind.resource), kind);
  }

  get kinds(): readonly KindDefinition[] {
    return [...this.builtIn, ...this.customKinds];
  }

  /** The same array as long as nothing has changed. */
  get customKinds(): readonly KindDefinition[] {
    return this.custom?.all() ?? [];
  }

  find(group: string, version: string, plural: string): KindDefinition | undefined {
    return this.#byPath.get(pathKey({ group, version, plural })) ?? this.custom?.find(group, version, plural);
  }

  hasGroup(group: string): boolean {
    return this.kinds.some(({ resource }) => resource.group === group);
  }

  /** The kinds that show the same objects in another version or group. */
  equivalentsOf(resource: Resource): readonly KindDefinition[] {
    const own = this.find(resource.group, resource.version, resource.plural);
    if (own === undefined) return [];
    const bucket = bucketOf(storedAs(own));
    const among = own.forms === undefined ? this.customKinds : this.builtIn;
    return among.filter((kind) => kind !== own && bucketOf(storedAs(kind)) === bucket);
  }

  /** In the order of first appearance. */
  groupVersions(): readonly { readonly group: string; readonly version: string }[] {
    const seen = new Map<string, { group: string; version: string }>();
    for (const { resource } of this.kinds) {
      const { group, version } = resource;
      if (!seen.has(groupVersionOf(resource))) seen.set(groupVersionOf(resource), { group, version });
    }
    return [...seen.values()];
  }

  inGroupVersion(group: string, version: string): readonly KindDefinition[] {
    return this.kinds.filter(({ resource }) => resource.group === group && resource.version === version);
  }
}

/** A write asks twenty times, and maps look faster for a text that they have seen than for a new one that is equal. */
const buckets = new WeakMap<Pick<Resource, 'group' | 'plural'>, string>();

/** The store's bucket: one per group and plural, whatever the version. */
export function bucketOf(resource: Pick<Resource, 'group' | 'plural'>): string {
  let bucket = buckets.get(resource);
  if (bucket === undefined) buckets.set(resource, (bucket = `${resource.group}/${resource.plural}`));
  return bucket;
}

/** Where a kind's objects are: its own, or those of the kind that it is a view of. */
export function storedAs(kind: KindDefinition): Resource {
  return kind.kept?.resource ?? kind.resource;
}

function pathKey(of: Pick<Resource, 'group' | 'version' | 'plural'>): string {
  return `${of.group}/${of.version}/${of.plural}`;
}
