/**
 * One informer per kind, shared by all loops. A kind is watched when the first loop asks for it.
 *
 *   const pods = views.of(resources.pods);
 */
import type { CustomResourceDefinition } from '../api/gen/types.ts';
import { groupResourceOf, resources } from '../api/resources.ts';
import type { KubeObject, Live } from '../api/object.ts';
import type { Resource } from '../api/resources.ts';
import { createInformer } from '../client/index.ts';
import type { Client } from '../client/index.ts';
import { slimPod } from './pods.ts';
import { createView } from './view.ts';
import type { View } from './view.ts';

export interface Views {
  of<T extends KubeObject>(resource: Resource<T>): View<T>;
  /** The server has the kind no more: its view gets no further event, and `of` would make a new one. */
  drop(resource: Resource): void;
  /** Resolves when each kind asked for so far is complete. */
  synced(): Promise<void>;
}

export function createViews(client: Client, signal: AbortSignal): Views {
  const views = new Map<string, View<KubeObject>>();
  const ends = new Map<string, AbortController>();
  return {
    of<T extends KubeObject>(resource: Resource<T>) {
      const name = groupResourceOf(resource);
      let view = views.get(name);
      if (view === undefined) {
        const transform = transforms[name] ?? metadataOnly;
        const end = new AbortController();
        const lifetime = AbortSignal.any([signal, end.signal]);
        view = createView(createInformer<KubeObject>(client, resource, { transform }, lifetime));
        views.set(name, view);
        ends.set(name, end);
      }
      return view as unknown as View<T>;
    },
    drop(resource) {
      const name = groupResourceOf(resource);
      ends.get(name)?.abort();
      ends.delete(name);
      views.delete(name);
    },
    async synced() {
      await Promise.all([...views.values()].map((view) => view.synced));
    },
  };
}

type Transform = (object: Live<KubeObject>) => Live<KubeObject>;

const whole: Transform = (object) => object;

/** What the loops read of each kind; of any other kind only the garbage collector asks, and only for metadata. */
const transforms: Readonly<Record<string, Transform>> = {
  ...Object.fromEntries(
    [
      resources.namespaces,
      resources.nodes,
      resources.services,
      resources.endpoints,
      resources.endpointSlices,
      resources.deployments,
      resources.replicaSets,
      resources.leases,
      resources.clusterRoles,
      resources.serviceCIDRs,
      resources.replicationControllers,
      resources.daemonSets,
      resources.statefulSets,
      resources.controllerRevisions,
      resources.cronJobs,
      resources.jobs,
      resources.podDisruptionBudgets,
      resources.certificateSigningRequests,
      resources.persistentVolumes,
      resources.persistentVolumeClaims,
    ].map((resource) => [groupResourceOf(resource), whole]),
  ),
  [groupResourceOf(resources.pods)]: slimPod,
  [groupResourceOf(resources.configMaps)]: (object) =>
    object.metadata.name === 'kube-root-ca.crt' ? object : metadataOnly(object),
  // Schemas are large; whether it is established is all that anybody asks.
  [groupResourceOf(resources.customResourceDefinitions)]: (object) => {
    const { conditions } = (object as CustomResourceDefinition).status ?? {};
    return { ...metadataOnly(object), ...(conditions === undefined ? {} : { status: { conditions } }) };
  },
};

function metadataOnly({ apiVersion, kind, metadata }: Live<KubeObject>): Live<KubeObject> {
  delete metadata.annotations;
  return { apiVersion, kind, metadata };
}
