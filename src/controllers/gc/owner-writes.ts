/** What the collector writes into objects that stay: owners that are forgotten or no longer held up, finalizers that have served. */
import { isReason } from '../../api/errors.ts';
import { applyWrites, isNamespaceTerminating, mergePatch, strategicPatch } from '../writes.ts';
import type { Write, Writer } from '../writes.ts';
import type { GraphNode } from './graph.ts';

export async function forgetOwners(writer: Writer, node: GraphNode, uids: readonly string[]): Promise<void> {
  const ownerReferences = node.owners.filter((owner) => !uids.includes(owner.uid));
  const metadata = { uid: node.uid, ownerReferences: uids.map((uid) => ({ $patch: 'delete', uid })) };
  // Custom resources know no strategic merge: their groups are full domain names.
  const isBuiltIn = !node.resource.group.includes('.') || node.resource.group.endsWith('.k8s.io');
  const write = isBuiltIn
    ? strategicPatch(node.resource, node.key, { metadata })
    : mergePatch(node.resource, node.key, { metadata: { uid: node.uid, ownerReferences } });
  await writeUnlessGone(writer, write);
}

/** They wait for this one no longer. */
export async function unblockOwners(writer: Writer, node: GraphNode): Promise<void> {
  const ownerReferences = node.owners.map((owner) => ({ ...owner, blockOwnerDeletion: false }));
  await writeUnlessGone(writer, mergePatch(node.resource, node.key, { metadata: { uid: node.uid, ownerReferences } }));
}

export async function dropFinalizer(writer: Writer, node: GraphNode, finalizer: string): Promise<void> {
  const live = await writer.client.get(node.resource, node.key).catch((error: unknown) => {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  });
  if (live?.metadata.uid !== node.uid) return;
  const finalizers = (live.metadata.finalizers ?? []).filter((name) => name !== finalizer);
  const metadata = { uid: node.uid, resourceVersion: live.metadata.resourceVersion, finalizers };
  await writeUnlessGone(writer, mergePatch(node.resource, node.key, { metadata }));
}

async function writeUnlessGone(writer: Writer, write: Write): Promise<void> {
  try {
    await applyWrites(writer, [write]);
  } catch (error) {
    if (!isReason(error, 'NotFound') && !isNamespaceTerminating(error)) throw error;
  }
}
