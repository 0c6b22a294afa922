/**
 * What every Kubernetes object has. Wire shape: exactly the JSON of the API (timestamps are strings).
 *
 *   KubeObject          anything with apiVersion, kind, metadata; fields may be missing (a request body)
 *      └ Live<T>        what the API server returned: name, uid, resourceVersion, creationTimestamp are there
 */
import type { ObjectMeta } from './gen/types.ts';

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

export interface LiveMeta extends ObjectMeta {
  name: string;
  uid: string;
  /** One integer that grows over all kinds, as text (KEP-5504). */
  resourceVersion: string;
  /** RFC 3339 with seconds, UTC. */
  creationTimestamp: string;
}

export type Live<T extends KubeObject> = Omit<T, 'metadata'> & { metadata: LiveMeta };

/** Identity of an object within its kind. `namespace` is '' for cluster-scoped kinds. */
export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}

/** `namespace/name`, or `name` for cluster-scoped kinds: client-go's MetaNamespaceKey. */
export function keyText(key: ObjectKey): string {
  return key.namespace === '' ? key.name : `${key.namespace}/${key.name}`;
}

export function keyOf(object: KubeObject): ObjectKey {
  return { namespace: object.metadata?.namespace ?? '', name: object.metadata?.name ?? '' };
}
