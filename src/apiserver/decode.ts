/** The body of a request as an object of this kind: built-in ones by their type, custom ones by their schema. */
import { decodeBody } from '../api/decode.ts';
import type { FieldValidation } from '../api/decode.ts';
import type { KindDefinition } from '../api/kind.ts';
import type { KubeObject } from '../api/object.ts';

export function decodeFor(
  kind: KindDefinition,
  value: unknown,
  validation: FieldValidation,
  text?: string,
): { readonly object: KubeObject; readonly warnings: readonly string[] } {
  return kind.custom?.decode(value, validation, text) ?? decodeBody(kind.resource, value, validation, text);
}
