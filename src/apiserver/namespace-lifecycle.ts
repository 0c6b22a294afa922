/** What lives in a namespace needs the namespace. Upstream: admission plugin NamespaceLifecycle. */
import type { WriteView } from '../api/kind.ts';
import { resources } from '../api/resources.ts';
import type { Resource } from '../api/resources.ts';
import { forbidden, notFound } from './errors.ts';

/** Undeletable. */
export const immortalNamespaces: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

export function checkNamespaceLives(view: WriteView, resource: Resource, namespace: string, name: string): void {
  if (!resource.namespaced) return;
  const found = view.get(resources.namespaces, { namespace: '', name: namespace });
  if (found === undefined) throw notFound(resources.namespaces, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  throw forbidden(resource, name, why, [cause]);
}
