/**
 * What a conversion webhook made of stored objects, in one version. Code that cannot wait throws NotLoaded for what it has not, and is
 * tried again. Upstream: apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go.
 */
import { createHash } from 'node:crypto';
import type { KubeObject, Live } from '../object.ts';
import { NotLoaded } from '../../util/lazy.ts';

/** Asks the webhook. */
export interface Converter {
  /** All objects of the definition. */
  stored(): readonly Live<KubeObject>[];
  convert(objects: readonly Live<KubeObject>[], apiVersion: string): Promise<readonly KubeObject[]>;
}

export interface Conversions {
  /** Throws NotLoaded. */
  readonly of: (object: Live<KubeObject>) => KubeObject;
  readonly prepare: () => Promise<void>;
}

export function conversionsTo(apiVersion: string, converter: Converter): Conversions {
  const known = new Map<string, KubeObject>();
  const load = async (objects: readonly Live<KubeObject>[]): Promise<void> => {
    const asked = objects.filter((object) => object.apiVersion !== apiVersion && !known.has(keyOf(object)));
    if (asked.length === 0) return;
    const converted = await converter.convert(asked, apiVersion);
    if (known.size > mostKept) known.clear();
    for (const [index, object] of asked.entries()) {
      const one = converted[index];
      if (one !== undefined) known.set(keyOf(object), withIdentity(one, object));
    }
  };
  return {
    of(object) {
      if (object.apiVersion === apiVersion) return object;
      const found = known.get(keyOf(object));
      if (found === undefined) throw new NotLoaded(() => load([object]));
      return found;
    },
    prepare: () => load(converter.stored()),
  };
}

/** By content: the store may parse a value again. */
function keyOf(object: Live<KubeObject>): string {
  return createHash('sha1').update(JSON.stringify(object)).digest('base64');
}

const mostKept = 20_000;

/** Labels and annotations are all of the metadata that a webhook may change. */
function withIdentity(converted: KubeObject, { metadata }: Live<KubeObject>): KubeObject {
  const { labels, annotations } = converted.metadata ?? {};
  const { labels: _labels, annotations: _annotations, ...own } = metadata;
  return {
    ...converted,
    metadata: {
      ...own,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}
