/**
 * The templates that a DaemonSet or StatefulSet had, as ControllerRevisions: what `kubectl rollout history` and `undo` read.
 * Upstream: pkg/controller/history. A revision's data is a patch that puts the template back.
 *
 *   { "spec": { "template": { …, "$patch": "replace" } } }
 */
import type { ControllerRevision, LabelSelector, PodTemplateSpec } from '../../api/gen/types.ts';
import { keyOf } from '../../api/object.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import { resources } from '../../api/resources.ts';
import type { ControllerContext } from '../context.ts';
import { semanticEqual } from '../equality.ts';
import { controllerOf, controllerReference } from '../owners.ts';
import { applyWrite, mergePatch, remove } from '../writes.ts';
import type { Writer } from '../writes.ts';
import { claim } from './claim.ts';
import { templateHash } from './template-hash.ts';

export const revisionHashLabel = 'controller-revision-hash';

export type LiveRevision = Live<ControllerRevision>;

export interface HistoryOwner {
  readonly object: Live<KubeObject>;
  readonly kind: 'DaemonSet' | 'StatefulSet';
  readonly selector: LabelSelector | undefined;
  readonly template: PodTemplateSpec | undefined;
}

export interface History {
  /** Those of the owner, oldest first; orphans that it selects are adopted. */
  list(owner: HistoryOwner): Promise<readonly LiveRevision[]>;
  /** The revision of the template as it is now: made, or made the newest again. */
  current(owner: HistoryOwner, revisions: readonly LiveRevision[]): Promise<LiveRevision>;
  /** Removes the oldest that nobody uses, down to `limit`. */
  truncate(revisions: readonly LiveRevision[], used: ReadonlySet<string>, limit: number): Promise<void>;
}

export function createHistory(context: ControllerContext, writer: Writer): History {
  const view = context.views.of(resources.controllerRevisions);
  const ownedBy = view.indexBy((revision) => controllerOf(revision)?.uid);
  const orphans = view.indexBy((revision) =>
    controllerOf(revision) === undefined ? revision.metadata.namespace : undefined,
  );
  return {
    async list({ object, kind, selector }) {
      const candidates = [...ownedBy(object.metadata.uid), ...orphans(object.metadata.namespace ?? '')];
      const owner = { object, apiVersion: 'apps/v1', kind, selector };
      const { owned, writes } = claim(resources.controllerRevisions, owner, candidates);
      for (const write of writes) await applyWrite(writer, write);
      return owned
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .sort((a, b) => a.revision - b.revision);
    },
    async current(owner, revisions) {
      const data = revisionData(owner.template);
      const newest = revisions.at(-1)?.revision ?? 0;
      const same = revisions.findLast((revision) => semanticEqual(revision.data, data));
      if (same !== undefined) {
        if (same.revision === newest) return same;
        const patch = { revision: newest + 1 };
        const written = await applyWrite(writer, mergePatch(resources.controllerRevisions, keyOf(same), patch));
        return (written ?? same) as LiveRevision;
      }
      return createRevision(writer, owner, data, newest + 1);
    },
    async truncate(revisions, used, limit) {
      const unused = revisions.filter(({ metadata }) => !used.has(metadata.name));
      for (const revision of unused.slice(0, Math.max(0, unused.length - limit))) {
        await applyWrite(writer, remove<ControllerRevision>(resources.controllerRevisions, revision));
      }
    },
  };
}

async function createRevision(
  writer: Writer,
  owner: HistoryOwner,
  data: object,
  revision: number,
): Promise<LiveRevision> {
  const { name, namespace, annotations = {} } = owner.object.metadata;
  const cause = annotations['kubernetes.io/change-cause'];
  for (let collisions: number | undefined; ; collisions = (collisions ?? 0) + 1) {
    const hash = templateHash(owner.template ?? {}, collisions);
    const object: ControllerRevision = {
      metadata: {
        name: `${name}-${hash}`,
        ...(namespace === undefined ? {} : { namespace }),
        labels: { ...owner.template?.metadata?.labels, [revisionHashLabel]: hash },
        ...(cause === undefined ? {} : { annotations: { 'kubernetes.io/change-cause': cause } }),
        ownerReferences: [controllerReference(owner.object, 'apps/v1', owner.kind)],
      },
      data,
      revision,
    };
    const made = await tryCreate(writer, object);
    if (made !== undefined) return made;
  }
}

/** undefined: the name belongs to another template. */
async function tryCreate(writer: Writer, object: ControllerRevision): Promise<LiveRevision | undefined> {
  const resource = resources.controllerRevisions;
  try {
    const made = await writer.client.create(resource, object);
    writer.views.of(resource).wrote(made);
    return made;
  } catch (error) {
    // If there is none, what creating it said is the better reason.
    const existing = await writer.client.get(resource, keyOf(object)).catch(() => undefined);
    if (existing === undefined) throw error;
    const ours = controllerOf(existing)?.uid === controllerOf(object)?.uid;
    if (!ours || !semanticEqual(existing.data, object.data)) return undefined;
    writer.views.of(resource).wrote(existing);
    return existing;
  }
}

function revisionData(template: PodTemplateSpec | undefined): object {
  return { spec: { template: { ...template, $patch: 'replace' } } };
}

export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { spec } = revision.data as { readonly spec?: { readonly template?: PodTemplateSpec & { $patch?: string } } };
  const { $patch: _, ...template } = spec?.template ?? {};
  return template;
}

export function hashOf(revision: LiveRevision): string {
  return revision.metadata.labels?.[revisionHashLabel] ?? '';
}
