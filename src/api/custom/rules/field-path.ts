/** `fieldPath` of a rule: `.spec['a.b'].c`, of fields and keys of maps only. Upstream: schema/cel/validation.go ValidFieldPath. */
import { propertyOf, valuesOf } from '../schema.ts';
import type { Schema } from '../schema.ts';

/** As errors write it, undefined if the schema has no such field. */
export function normalFieldPath(path: string, schema: Schema): string | undefined {
  let text = '';
  let place: Schema | undefined = schema;
  let rest = path;
  while (rest !== '') {
    const [all, plain, quoted] = /^(?:\.([^.[\]']+|)|\['((?:[^'\\]|\\.)*)'\])/.exec(rest) ?? [];
    if (all === undefined || all === '.') return undefined;
    const name = plain ?? (quoted ?? '').replace(/\\(.)/g, '$1');
    if (place.properties !== undefined) {
      text += text === '' ? name : `.${name}`;
      place = propertyOf(place, name);
    } else {
      text += `[${name}]`;
      place = valuesOf(place);
    }
    if (place === undefined) return undefined;
    rest = rest.slice(all.length);
  }
  return text;
}
