/**
 * A stable number for each node address:port, so that the kernel's affinity entries mean the same after every change and after a
 * restart. 0 is never given: an unset mark must not name anybody.
 */
import type { LbTarget } from './targets.ts';

export interface IdBook {
  idOf(target: LbTarget): number;
  /** What the kernel already has. */
  adopt(id: number, target: LbTarget): void;
  /** Forgets everybody else; a number is given again only after all others. */
  keep(targets: Iterable<LbTarget>): void;
}

const limit = 2 ** 31;

export function createIdBook(): IdBook {
  const ids = new Map<string, number>();
  const taken = new Set<number>();
  let last = 0;
  const nextFree = (): number => {
    do last = last + 1 >= limit ? 1 : last + 1;
    while (taken.has(last));
    return last;
  };
  const put = (target: LbTarget, id: number): number => {
    ids.set(keyOf(target), id);
    taken.add(id);
    last = Math.max(last, id);
    return id;
  };
  return {
    idOf: (target) => ids.get(keyOf(target)) ?? put(target, nextFree()),
    adopt: (id, target) => void put(target, id),
    keep(targets) {
      const wanted = new Set([...targets].map(keyOf));
      for (const [key, id] of ids) {
        if (wanted.has(key)) continue;
        ids.delete(key);
        taken.delete(id);
      }
    },
  };
}

function keyOf(target: LbTarget): string {
  return `${target.address} ${target.port}`;
}
