/**
 * The search list, walked here instead of by the client: one question instead of five (CoreDNS's autopath plugin).
 *
 *   resolv.conf of a pod in `shop`:  search shop.svc.cluster.local svc.cluster.local cluster.local · ndots:5
 *
 *   pod asks  example.com.shop.svc.cluster.local   does not exist, so
 *             example.com.svc.cluster.local        does not exist
 *             example.com.cluster.local            does not exist
 *             example.com                          exists
 *   answer    example.com.shop.svc.cluster.local CNAME example.com, and what is there
 *
 * Only for the first name of the list, and only for the pod whose list it is: asked by others the name does not exist.
 */
import type { Query, WireName } from '../wire/index.ts';
import { addressKey, foldCase, nameFromText, rootName, rrType, zoneOffset } from '../wire/index.ts';
import type { PodAt, Pods } from '../zone/index.ts';

export interface AutopathOptions {
  readonly pods: Pods;
  readonly clusterDomain: string;
  /** What the node's resolv.conf adds after the cluster's domains. */
  readonly nodeSearches: readonly string[];
}

export class Autopath {
  readonly #pods: Pods;
  readonly #domain: string;
  readonly #nodeSearches: readonly string[];

  constructor({ pods, clusterDomain, nodeSearches }: AutopathOptions) {
    this.#pods = pods;
    this.#domain = clusterDomain;
    this.#nodeSearches = nodeSearches;
  }

  /** May a name that does not exist be another one for this client? */
  mayComplete(client: string): boolean {
    return this.#podOf(client) !== undefined;
  }

  /** The names that the client would ask next, in its order; none: the question is not the first of a search. */
  candidates({ name, type }: Pick<Query, 'name' | 'type'>, client: string): readonly WireName[] {
    if (type !== rrType.A && type !== rrType.AAAA) return [];
    const pod = this.#podOf(client);
    if (pod === undefined) return [];
    const start = zoneOffset(foldCase(name), nameFromText(`${pod.namespace}.svc.${this.#domain}`.toLowerCase()));
    if (start <= 0) return [];
    const base = name.slice(0, start);
    const suffixes = [`svc.${this.#domain}`, this.#domain, ...this.#nodeSearches, ...pod.searches].map(nameFromText);
    return [...suffixes, rootName].map((suffix) => base + suffix).filter((candidate) => candidate.length <= 255);
  }

  #podOf(client: string): PodAt | undefined {
    const key = addressKey(client.replace(/^::ffff:(?=[0-9.]+$)/, ''));
    const pod = key === undefined ? undefined : this.#pods.at(key);
    return pod?.clusterFirst === true ? pod : undefined;
  }
}
