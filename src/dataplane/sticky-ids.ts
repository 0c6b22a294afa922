/**
 * Numbers that clients with session affinity are remembered by. Upstream remembers a client per service port and endpoint
 * (pkg/proxy/nftables/proxier.go: one set of clients for each), not per address of the service: who came by the cluster IP
 * and comes again by a node port meets the same endpoint. So all frontends of a service port are one group, and share ids:
 *
 *   id   18 bits group │ 14 bits endpoint      a packet's priority on its way: the rules mask the group out of it
 *
 * Ids are the kernel's memory, so a new process takes over those of the endpoints that it finds there. Those of an endpoint that
 * is gone are not given out again before all others of the group were. What only clients remember a new process does not know: who
 * is given such an id gets all clients of the endpoint that had it, which is a choice as good as any.
 */
import type { Sticky } from './held.ts';

const endpointBits = 14;
const endpointsPerGroup = 2 ** endpointBits - 1;
/** Clear of the codes of @route, which go through the packet's priority too. */
const firstGroup = 0x7000_0000 / 2 ** endpointBits;
const lastGroup = 2 ** (32 - endpointBits) - 1;

/** What the rules keep of an id: the group. */
export const groupMask = 0xffff_ffff - endpointsPerGroup;

interface Group {
  readonly name: string;
  readonly ids: Map<string, number>;
  readonly used: Set<number>;
  /** The index that was given out last. */
  last: number;
}

export class StickyIds {
  readonly #numbers = new Map<string, number>();
  readonly #groups = new Map<number, Group>();
  /** By id: how many pools in the kernel lead to it. */
  readonly #uses = new Map<number, number>();
  /** By group: the highest index that somebody remembers. */
  readonly #seen = new Map<number, number>();
  #last = firstGroup - 1;

  /** How the endpoints of a group are called; `before`: as the kernel calls them. 0: there are more than there is room for. */
  of(name: string, before: readonly Sticky[]): (endpoint: string) => number {
    const wishes = new Map(before.map(({ id, endpoint }) => [endpoint, id]));
    const number = this.#numberOf(name, before[0]?.id ?? 0);
    const group = this.#groups.get(number) ?? this.#open(name, number);
    return (endpoint) => group.ids.get(endpoint) ?? give(group, number, endpoint, wishes.get(endpoint) ?? 0);
  }

  /** A pool with this endpoint came into the kernel, or went. */
  count({ id, endpoint }: Sticky, by: 1 | -1): void {
    const uses = (this.#uses.get(id) ?? 0) + by;
    if (uses > 0) {
      this.#uses.set(id, uses);
      return;
    }
    this.#uses.delete(id);
    const number = groupOf(id);
    const group = this.#groups.get(number);
    if (group === undefined || group.ids.get(endpoint) !== id) return;
    group.ids.delete(endpoint);
    group.used.delete(id % (endpointsPerGroup + 1));
    if (group.ids.size > 0) return;
    this.#groups.delete(number);
    this.#seen.set(number, group.last);
    this.#numbers.delete(group.name);
  }

  /** The kernel was read: `ids` are in its memory, and the pools are counted anew. */
  recount(ids: Iterable<number>): void {
    this.#uses.clear();
    for (const id of ids) {
      const number = groupOf(id);
      this.#seen.set(number, Math.max(this.#seen.get(number) ?? 0, id % (endpointsPerGroup + 1)));
      const group = this.#groups.get(number);
      if (group !== undefined) group.last = Math.max(group.last, id % (endpointsPerGroup + 1));
    }
  }

  #numberOf(name: string, found: number): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const wish = groupOf(found);
    const number = wish >= firstGroup && wish <= lastGroup && !this.#groups.has(wish) ? wish : this.#free();
    this.#numbers.set(name, number);
    return number;
  }

  #free(): number {
    for (let i = firstGroup; i <= lastGroup; i++) {
      this.#last = this.#last >= lastGroup ? firstGroup : this.#last + 1;
      if (!this.#groups.has(this.#last) && !this.#seen.has(this.#last)) return this.#last;
    }
    // All were in use once: clients of the group that had it are no loss.
    this.#seen.clear();
    let number = this.#last;
    while (this.#groups.has(number)) number = number >= lastGroup ? firstGroup : number + 1;
    return (this.#last = number);
  }

  #open(name: string, number: number): Group {
    const group: Group = { name, ids: new Map(), used: new Set(), last: this.#seen.get(number) ?? 0 };
    this.#groups.set(number, group);
    return group;
  }
}

function give(group: Group, number: number, endpoint: string, wish: number): number {
  const wished = wish % (endpointsPerGroup + 1);
  let index = groupOf(wish) === number && wished > 0 && !group.used.has(wished) ? wished : 0;
  for (let i = 0; index === 0 && i < endpointsPerGroup; i++) {
    group.last = (group.last % endpointsPerGroup) + 1;
    if (!group.used.has(group.last)) index = group.last;
  }
  if (index === 0) return 0;
  const id = number * (endpointsPerGroup + 1) + index;
  group.used.add(index);
  group.ids.set(endpoint, id);
  return id;
}

function groupOf(id: number): number {
  return Math.floor(id / (endpointsPerGroup + 1));
}
