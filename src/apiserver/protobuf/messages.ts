/**
 * The messages of the built-in kinds: which field has which number and type. The table is fields.json, written by
 * scripts/generate-protobuf-fields.ts from upstream's generated.proto; it is read at the first question.
 *
 *   messageOf('apps/v1', 'Deployment') ──> 'apps.v1.Deployment' ── fieldsOf ──> 1 metadata, 2 spec, 3 status
 */
import { readFileSync } from 'node:fs';

export interface Field {
  readonly number: number;
  /** As the JSON has it. */
  readonly name: string;
  /** A scalar's name, or a message's. */
  readonly type: string;
  readonly shape: 'one' | 'list' | 'map';
  /** Zero is left out of the JSON. */
  readonly omit: boolean;
  /** An embedded struct: its fields are the parent's. */
  readonly inline: boolean;
}

export type Json = Record<string, unknown>;

type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

let table: Table | undefined;
const parsed = new Map<string, readonly Field[]>();

/** undefined: no message has that name. Options have the version of what they are for, answers of all groups a Status. */
export function messageOf(apiVersion: string, kind: string): string | undefined {
  if (kind === 'DeleteOptions') return 'meta.v1.DeleteOptions';
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? 'core' : (apiVersion.slice(0, slash).split('.')[0] ?? '');
  const version = apiVersion.slice(slash + 1);
  const name = `${group}.${version}.${kind}`;
  if (isBuiltIn(apiVersion) && Object.hasOwn(load(), name)) return name;
  const meta = `meta.v1.${kind}`;
  return apiVersion === 'v1' && metaKinds.has(kind) && Object.hasOwn(load(), meta) ? meta : undefined;
}

/** Upstream registers them in the core group too (metav1.AddToGroupVersion, `Unversioned`). */
const metaKinds: ReadonlySet<string> = new Set([
  'Status',
  'APIVersions',
  'APIGroup',
  'APIGroupList',
  'APIResourceList',
]);

/** A custom group may begin like a built-in one: `apps.example.com`. */
function isBuiltIn(apiVersion: string): boolean {
  const [group = ''] = apiVersion.split('/');
  return !group.includes('.') || group.endsWith('.k8s.io');
}

export function fieldsOf(message: string): readonly Field[] {
  let fields = parsed.get(message);
  if (fields === undefined) {
    fields = Object.entries(load()[message] ?? {}).map(([number, text]) => parseField(Number(number), text));
    parsed.set(message, fields);
  }
  return fields;
}

function parseField(number: number, text: string): Field {
  const [name = '', type = '', ...flags] = text.split(' ');
  const shape = flags.includes('list') ? 'list' : flags.includes('map') ? 'map' : 'one';
  return { number, name, type, shape, omit: flags.includes('omit'), inline: flags.includes('inline') };
}

function load(): Table {
  table ??= JSON.parse(readFileSync(new URL('fields.json', import.meta.url), 'utf8')) as Table;
  return table;
}
