/** What Go's decoder says of a value that does not fit its field: `json: cannot unmarshal number into Go struct field Probe.spec…`. */
import type { FieldSchema } from './schema.ts';
import { goFields, schemaField } from './schema.ts';

/** A value that does not fit its field; the message is Go's. */
export class DecodeError extends Error {}

export type Path = readonly (string | number)[];
/** Where in a body of type `root`. */
export interface Place {
  readonly root: string;
  readonly path: Path;
}
/** Where a value sits: the type and field that hold it. */
export interface Holder {
  readonly type: string;
  readonly field: string;
  /** Its texts are Go's resource.Quantity. */
  readonly quantity: boolean;
}

/** Types that our schema calls otherwise than Go, because several have the name. */
const goNames: Readonly<Record<string, string>> = {
  CoreEndpointPort: 'EndpointPort',
  CoreResourceClaim: 'ResourceClaim',
  EventsEvent: 'Event',
  EventsEventSeries: 'EventSeries',
  FlowcontrolSubject: 'Subject',
  RbacSubject: 'Subject',
  StorageTokenRequest: 'TokenRequest',
  AdmissionregistrationServiceReference: 'ServiceReference',
  AdmissionregistrationWebhookClientConfig: 'WebhookClientConfig',
  ApiextensionsServiceReference: 'ServiceReference',
  ApiregistrationServiceReference: 'ServiceReference',
};

export function mismatch(
  value: unknown,
  type: string,
  holder: Holder | undefined,
  place: Place,
  what?: string,
): DecodeError {
  const found = what ?? jsonKind(value);
  if (holder === undefined) return new DecodeError(`json: cannot unmarshal ${found} into Go value of type ${type}`);
  const where = `${goNames[holder.type] ?? holder.type}.${goPath(place)}`;
  return new DecodeError(`json: cannot unmarshal ${found} into Go struct field ${where} of type ${type}`);
}

/** Fields only, with the embedded structs that they are of. */
function goPath({ root, path }: Place): string {
  const { inlined } = goFields();
  let type: string | undefined = root;
  const names: string[] = [];
  for (const part of path) {
    if (typeof part === 'number') continue;
    const within = inlined[`${type ?? ''}.${part}`];
    if (within !== undefined) names.push(within);
    names.push(part);
    const field: FieldSchema | undefined = type === undefined ? undefined : schemaField(type, part);
    type = field?.ref ?? field?.items?.ref ?? field?.values?.ref;
  }
  return names.join('.');
}

export function goType(schema: FieldSchema, holder: Holder): string {
  if (schema.items !== undefined) return `[]${goType(schema.items, holder)}`;
  if (schema.values !== undefined) return `map[string]${goType(schema.values, holder)}`;
  if (schema.ref !== undefined) return `v1.${schema.ref}`;
  switch (schema.type) {
    case 'integer':
      return schema.format ?? 'int64';
    case 'boolean':
      return 'bool';
    case 'number':
      return 'float64';
    case 'int-or-string':
      return 'intstr.IntOrString';
    default:
      if (schema.format === 'byte') return '[]uint8';
      return goFields().texts[`${holder.type}.${holder.field}`] ?? 'string';
  }
}

export function jsonKind(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  return { boolean: 'bool', number: 'number', string: 'string' }[typeof value as string] ?? 'object';
}
