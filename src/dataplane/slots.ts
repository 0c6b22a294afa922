/**
 * The order of endpoints in a pool. Wanted is a set; the kernel has numbered slots. Endpoints that stay keep their slot where
 * they can, so that a change is as few elements as it can be, and what leaves is replaced by the last:
 *
 *   a b c d  wanted a c d e f   ──>   a e c d f      slot 1 rewritten, slot 4 added
 *   a b c d  wanted a d         ──>   a d            slot 1 rewritten, slots 2 and 3 deleted
 */

export function arrange(old: readonly string[], wanted: readonly string[]): readonly string[] {
  if (old === wanted) return old;
  // A start: the model names each endpoint once.
  if (old.length === 0) return wanted.length === 0 ? old : wanted;
  // A start that finds its own tables: nearly always in the same order.
  if (old.length === wanted.length && old.every((endpoint, i) => endpoint === wanted[i])) return old;
  const want = new Set(wanted);
  const held = new Set(old);
  if (old.length === want.size && held.size === old.length && old.every((endpoint) => want.has(endpoint))) return old;
  const arriving = [...want].filter((endpoint) => !held.has(endpoint));
  const slots: (string | undefined)[] = [];
  const seen = new Set<string>();
  for (let i = 0; i < want.size; i++) {
    const endpoint = old[i];
    // What is read back from a damaged table may hold an endpoint twice.
    const stays = endpoint !== undefined && want.has(endpoint) && !seen.has(endpoint);
    if (stays) seen.add(endpoint);
    slots.push(stays ? endpoint : undefined);
  }
  const moving = old.slice(want.size).filter((endpoint) => want.has(endpoint) && !seen.has(endpoint));
  const late = [...want].filter((endpoint) => held.has(endpoint) && !seen.has(endpoint) && !moving.includes(endpoint));
  const spare = [...new Set(moving), ...late, ...arriving];
  return slots.map((endpoint) => endpoint ?? spare.shift() ?? '');
}
