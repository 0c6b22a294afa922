/**
 * Policies against the schemas of the kinds that they are for: what does not fit is told in the status, and changes nothing.
 * Upstream: apiserver/pkg/admission/plugin/policy/validating/typechecking.go.
 */
import { listOf, mapOf, types } from '../cel/index.ts';
import type { Type } from '../cel/index.ts';
import { schemaType } from '../custom/rules/schema-type.ts';
import type { Schema } from '../custom/schema.ts';
import type { ExpressionWarning, ValidatingAdmissionPolicySpec } from '../gen/types.ts';
import { typeSchema } from '../schema.ts';
import type { FieldSchema } from '../schema.ts';
import { compilePolicy } from './compile.ts';

export interface KnownKind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  /** Of ours by name, of others as their definition has it. */
  readonly schema: string | Schema;
}

const mostKinds = 10;

export function typeWarnings(spec: ValidatingAdmissionPolicySpec, kinds: readonly KnownKind[]): ExpressionWarning[] {
  const { apiVersion, kind } = spec.paramKind ?? {};
  const param = kinds.find((one) => one.kind === kind && groupVersion(one) === apiVersion);
  const params = param === undefined ? undefined : typeOf(param);
  const found = new Map<string, string[]>();
  for (const one of checkedKinds(spec, kinds)) {
    const object = typeOf(one);
    if (object === undefined) continue;
    const { validations } = compilePolicy(spec, { object, params });
    for (const [index, { expression, messageExpression }] of validations.entries()) {
      const at = `spec.validations[${String(index)}]`;
      note(found, `${at}.expression`, one, expression.error);
      note(found, `${at}.messageExpression`, one, messageExpression?.error);
    }
  }
  return [...found].map(([fieldRef, texts]) => ({ fieldRef, warning: texts.join('\n') }));
}

function groupVersion({ group, version }: KnownKind): string {
  return group === '' ? version : `${group}/${version}`;
}

function note(found: Map<string, string[]>, field: string, kind: KnownKind, error: string | undefined): void {
  if (error === undefined) return;
  found.set(field, [...(found.get(field) ?? []), `${groupVersion(kind)}, Kind=${kind.kind}: ${error}\n`]);
}

/** Only those that the rules name: a wildcard says nothing of a schema. */
function checkedKinds(spec: ValidatingAdmissionPolicySpec, kinds: readonly KnownKind[]): readonly KnownKind[] {
  const rules = spec.matchConstraints?.resourceRules ?? [];
  const named = kinds.filter(({ group, version, plural }) =>
    rules.some(
      ({ apiGroups = [], apiVersions = [], resources = [] }) =>
        ![...apiGroups, ...apiVersions, ...resources].includes('*') &&
        apiGroups.includes(group) &&
        apiVersions.includes(version) &&
        resources.includes(plural),
    ),
  );
  const nameOf = (kind: KnownKind): string => `${kind.group}/${kind.version}/${kind.kind}`;
  return named.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).slice(0, mostKinds);
}

function typeOf({ schema }: KnownKind): Type | undefined {
  return typeof schema === 'string' ? builtInType(schema) : schemaType(schema, true);
}

const builtIn = new Map<string, Type>();

function builtInType(name: string): Type {
  const known = builtIn.get(name);
  if (known !== undefined) return known;
  const fields = new Map<string, Type>();
  const type: Type = { kind: 'object', name, params: [], fields };
  // First, because a type may contain itself.
  builtIn.set(name, type);
  for (const [field, schema] of typeSchema(name) ?? []) fields.set(field, fieldType(schema));
  return type;
}

function fieldType({ type, format, ref, items, values }: FieldSchema): Type {
  if (items !== undefined) return listOf(fieldType(items));
  if (values !== undefined) return mapOf(types.string, fieldType(values));
  if (ref !== undefined) return typeSchema(ref) === undefined ? types.dyn : builtInType(ref);
  switch (type) {
    case 'string':
      return format === 'date-time' ? types.timestamp : format === 'byte' ? types.bytes : types.string;
    case 'integer':
      return types.int;
    case 'number':
      return types.double;
    case 'boolean':
      return types.bool;
    default:
      return types.dyn;
  }
}
