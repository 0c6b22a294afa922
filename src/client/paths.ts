/**
 * The URL of a resource: `/api/v1/namespaces/ns/pods/name/status`, `/apis/apps/v1/deployments?labelSelector=…`.
 */
import type { KubeObject, ObjectKey } from '../api/object.ts';
import type { Resource } from '../api/resources.ts';
import type { ListOptions, WatchOptions, WriteOptions } from './types.ts';

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Of the collection; namespace unset: all namespaces. */
export function collectionPath<T extends KubeObject>(resource: Resource<T>, namespace: string | undefined): string {
  const root = resource.group === '' ? '/api' : `/apis/${resource.group}`;
  const scope =
    resource.namespaced && namespace !== undefined && namespace !== ''
      ? `/namespaces/${encodeURIComponent(namespace)}`
      : '';
  return `${root}/${resource.version}${scope}/${resource.plural}`;
}

export function objectPath<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, subresource?: string): string {
  if (key.name === '') throw new Error(`${resource.plural}: metadata.name is not set`);
  if (resource.namespaced && key.namespace === '') {
    throw new Error(`${resource.plural} "${key.name}": metadata.namespace is not set`);
  }
  const path = `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

export function listQuery(options: ListOptions): string {
  return query({
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    limit: options.limit,
    continue: options.continue,
  });
}

export function watchQuery(options: WatchOptions): string {
  return query({
    watch: 'true',
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    allowWatchBookmarks: options.allowWatchBookmarks,
    timeoutSeconds: options.timeoutSeconds,
  });
}

export function writeQuery(options: WriteOptions | undefined, force?: boolean): string {
  return query({ fieldManager: options?.fieldManager, force });
}

function query(fields: Query): string {
  const set = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(String(value))}`],
  );
  return set.length === 0 ? '' : `?${set.join('&')}`;
}
