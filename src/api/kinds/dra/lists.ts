/** Lists with a greatest length and keys of their own. Upstream: validateSet in pkg/apis/resource/validation. */
import type { FieldError } from '../../field-errors.ts';
import { duplicateField, tooManyField } from '../../field-errors.ts';

/** Too many items say so and nothing else; without `keyOf` the same item may come twice. */
export function validateItems<T>(
  items: readonly T[] | undefined,
  field: string,
  most: number,
  validate: (item: T, field: string) => readonly FieldError[],
  keyOf?: (item: T) => string,
): FieldError[] {
  const list = items ?? [];
  if (list.length > most) return [tooManyField(field, list.length, most)];
  const errors = list.flatMap((item, index) => [...validate(item, `${field}[${index}]`)]);
  if (keyOf === undefined) return errors;
  const keys = list.map(keyOf);
  const again = keys.flatMap((key, index) =>
    keys.indexOf(key) < index ? [duplicateField(`${field}[${index}]`, key)] : [],
  );
  return [...errors, ...again];
}
