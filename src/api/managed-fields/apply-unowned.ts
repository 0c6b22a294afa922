/**
 * A configuration laid over an object by somebody who will own nothing of it: what a MutatingAdmissionPolicy applies.
 * Upstream: apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go.
 */
import { checkValue, joinErrors } from './check.ts';
import { elementText, fieldElement } from './element.ts';
import { isMap } from './json.ts';
import { MergeError } from './merge-error.ts';
import type { MergeType } from './merge-type.ts';
import { mergeValues } from './merge.ts';

/** Throws MergeError in upstream's words. The result shares with both. */
export function applyUnowned(type: MergeType, live: object, config: object): unknown {
  const errors = checkValue(type, config);
  if (errors.length > 0) {
    throw new MergeError(`failed to convert patch object to typed object: ${joinErrors(errors)}`);
  }
  // Who sets a part of what is replaced as a whole would remove the rest unawares.
  const atomics = [...atomicPaths(type, config, '')];
  if (atomics.length > 0) {
    const why = `may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`;
    throw new MergeError(`invalid ApplyConfiguration: ${why}`);
  }
  return mergeValues(type, live, config);
}

function* atomicPaths({ map, list }: MergeType, value: unknown, path: string): Iterable<string> {
  if (map !== undefined && isMap(value)) {
    if (map.atomic) yield path;
    for (const [key, child] of Object.entries(value)) {
      const field = map.fields.get(key);
      if (field !== undefined) yield* atomicPaths(field.type, child, path + elementText(fieldElement(key)));
    }
  }
  if (list !== undefined && Array.isArray(value)) {
    if (list.atomic) yield path;
    for (const [index, item] of value.entries()) yield* atomicPaths(list.element, item, `${path}[${String(index)}]`);
  }
}
