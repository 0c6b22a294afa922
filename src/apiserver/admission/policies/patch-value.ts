/**
 * Values of expressions as the JSON that a patch is made of. Upstream: apiserver/pkg/cel/mutation/dynamic/objects.go (ConvertToNative,
 * CheckTypeNamesMatchFieldPathNames), plugin/policy/mutating/patch/json_patch.go.
 */
import { CelMap, Duration, Optional, Struct, Timestamp, Uint } from '../../../api/cel/index.ts';
import type { Value } from '../../../api/cel/index.ts';
import { durationText, timestampText } from '../../../api/cel/time.ts';

/** The names of types say where they stand, and must stand there: `Object.spec` is the type of the field `spec`. '' if all do. */
export function wrongTypeNames(value: Value): string {
  return value instanceof Struct ? [...mismatches(value, value.typeName)].join('\n') : '';
}

function* mismatches(value: Value, path: string): Iterable<string> {
  if (value instanceof Optional && value.value !== undefined) yield* mismatches(value.value, path);
  if (Array.isArray(value)) for (const item of value as readonly Value[]) yield* mismatches(item, path);
  if (value instanceof CelMap) for (const [, item] of value.entries()) yield* mismatches(item, path);
  if (!(value instanceof Struct)) return;
  const { typeName } = value;
  if (typeName !== path) {
    yield `unexpected type name ${JSON.stringify(typeName)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`;
  }
  for (const field of value.fields()) yield* mismatches(value.get(field) ?? null, `${path}.${field}`);
}

export function jsonOfValue(value: Value): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (Array.isArray(value)) return (value as readonly Value[]).map(jsonOfValue);
  if (value instanceof CelMap) {
    return Object.fromEntries([...value.entries()].map(([key, item]) => [String(jsonOfValue(key)), jsonOfValue(item)]));
  }
  if (value instanceof Struct) {
    return Object.fromEntries([...value.fields()].map((field) => [field, jsonOfValue(value.get(field) ?? null)]));
  }
  if (value instanceof Optional) return value.value === undefined ? null : jsonOfValue(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Timestamp) return timestampText(value.nanos);
  if (value instanceof Duration) return durationText(value.nanos);
  return value;
}

/** A list of JSONPatch, or what is wrong with it. */
export function jsonOfPatches(value: Value): readonly object[] | string {
  const patches: object[] = [];
  for (const item of value as readonly Struct[]) {
    const text = (field: string): string => {
      const found = item.get(field);
      return typeof found === 'string' ? found : '';
    };
    const given = item.has('value') ? item.get('value') : undefined;
    const wrong = given === undefined ? '' : wrongTypeNames(given);
    if (wrong !== '') return `type mismatch: ${wrong}`;
    const value = given === undefined ? null : jsonOfValue(given);
    patches.push({ op: text('op'), path: text('path'), from: text('from'), value });
  }
  return patches;
}
