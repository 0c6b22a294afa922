/**
 * The APIService objects of what this server speaks for itself: one for each group and version, kept as kinds are installed and go.
 * Upstream: kube-aggregator's autoregister controller, pkg/controlplane/controller/crdregistration.
 */
import type { APIService } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import type { Tx } from '../store/index.ts';
import { priorityOf } from './group-priorities.ts';
import { bucketOf } from './registry.ts';
import type { Registry } from './registry.ts';
import { reviewKinds } from './reviews.ts';
import { createIn, slotOf } from './write.ts';

const label = 'kube-aggregator.kubernetes.io/automanaged';
const ownGroup = resources.apiServices.group;

/** In the transaction: what is missing is made, what was made for kinds that are gone is removed. */
export function ensureApiServices(tx: Tx, registry: Registry): void {
  const kind = registry.find(ownGroup, resources.apiServices.version, resources.apiServices.plural);
  if (kind === undefined) return;
  const wanted = new Map(ownServices(registry).map((object) => [object.metadata?.name ?? '', object]));
  const options = { dryRun: false, warnings: [] };
  for (const [name, object] of wanted) {
    if (tx.get(slotOf(resources.apiServices, { namespace: '', name })) !== undefined) continue;
    createIn(tx, kind, '', object, options);
  }
  for (const { name, value } of [...tx.list(bucketOf(resources.apiServices))]) {
    const { metadata } = value as APIService;
    if (metadata?.labels?.[label] === undefined || wanted.has(name)) continue;
    tx.delete(slotOf(resources.apiServices, { namespace: '', name }));
  }
}

function ownServices(registry: Registry): readonly APIService[] {
  const custom = new Set(registry.customKinds.map(({ resource }) => resource.group));
  const all = [...registry.groupVersions(), ...reviewKinds];
  return all
    .filter(({ group }) => group !== ownGroup)
    .map(({ group, version }) => {
      const priority = priorityOf({ group, version });
      return {
        metadata: { name: `${version}.${group}`, labels: { [label]: custom.has(group) ? 'true' : 'onstart' } },
        spec: {
          ...(group === '' ? {} : { group }),
          version,
          groupPriorityMinimum: priority.group,
          versionPriority: priority.version,
        },
      };
    });
}
