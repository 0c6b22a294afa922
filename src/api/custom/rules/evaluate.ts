/**
 * An object against the rules of its schema, within a budget for all of them. Upstream: schema/cel/validation.go.
 *
 *   place ─ its own rules ─ its fields, keys or items, each beside the old value that it came from
 *
 * What a rule says of a value that has not changed is a warning (ratcheting, KEP-4008), unless the rule looks at oldSelf.
 */
import { CostExceeded, EvalError, Optional } from '../../cel/index.ts';
import type { Program, Value } from '../../cel/index.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, requiredField } from '../../field-errors.ts';
import type { ValidationRule } from '../../gen/types.ts';
import { sameJson } from '../../patch/json.ts';
import { childPath, isEmbedded, isObject, itemsOf, valuesOf } from '../schema.ts';
import type { Json, Schema } from '../schema.ts';
import { compileRules } from './compile.ts';
import type { CompiledRule } from './compile.ts';
import { escapeField } from './escape.ts';
import { schemaType } from './schema-type.ts';
import { schemaValue } from './schema-value.ts';
import type { Type } from '../../cel/index.ts';

/** Roughly a second, of all rules of an object. */
const budget = 10_000_000;
/** Of one rule. */
export const expressionLimit = 1_000_000;
const longestMessage = 5 * 1024;
const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run';

export interface RuleResult {
  readonly errors: readonly FieldError[];
  readonly warnings: readonly string[];
  /** For tests. */
  readonly cost: number;
}

export interface Rules {
  /** `old` undefined: a create. Both whole, with apiVersion, kind and metadata. */
  check(object: unknown, old: unknown): RuleResult;
}

/** undefined: there are none. */
export function rulesOf(schema: Schema): Rules | undefined {
  const root = nodeOf(schema, true, schemaType(schema, true));
  if (root === undefined) return undefined;
  return {
    check(object, old) {
      const run: Run = { left: budget, errors: [], warnings: [] };
      const link = old === undefined ? undefined : { value: object, old };
      checkNode(run, root, { path: '', value: object, old, link, parent: undefined, atRoot: true });
      return { errors: run.errors, warnings: run.warnings, cost: budget - Math.max(0, run.left) };
    },
  };
}

/** The parts of a schema that have rules, or lead to such. */
interface Node {
  readonly schema: Schema;
  readonly root: boolean;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, Node>;
  readonly values: Node | undefined;
  readonly items: Node | undefined;
}

function nodeOf(schema: Schema, root: boolean, type: Type | undefined): Node | undefined {
  const rules = type === undefined ? [] : compileRules(schema, type);
  const properties = new Map<string, Node>();
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeField(name);
    const own = escaped === undefined ? schemaType(child, isEmbedded(child)) : type?.fields?.get(escaped);
    const node = own === undefined ? undefined : nodeOf(child, isEmbedded(child), own);
    if (node !== undefined) properties.set(name, node);
  }
  const [items, values] = [itemsOf(schema), valuesOf(schema)];
  const below = {
    items: items === undefined ? undefined : nodeOf(items, isEmbedded(items), type?.params[0]),
    values: values === undefined ? undefined : nodeOf(values, isEmbedded(values), type?.params[1]),
  };
  const empty = rules.length === 0 && properties.size === 0 && below.items === undefined && below.values === undefined;
  return empty ? undefined : { schema, root, rules, properties, ...below };
}

interface Run {
  /** Below zero: nothing more is run. */
  left: number;
  readonly errors: FieldError[];
  readonly warnings: string[];
}

interface Link {
  readonly value: unknown;
  readonly old: unknown;
}

interface Place {
  readonly path: string;
  readonly value: unknown;
  /** What oldSelf is; undefined: nothing. */
  readonly old: unknown;
  /** For ratcheting: the value and the one it was; the nearest above that has one. */
  readonly link: Link | undefined;
  readonly parent: Link | undefined;
  readonly atRoot: boolean;
}

function checkNode(run: Run, node: Node, place: Place): void {
  const { value } = place;
  if (value === undefined || value === null) return;
  checkOwn(run, node, place);
  if (run.left < 0) return;
  if (Array.isArray(value)) checkItems(run, node, place, value as readonly unknown[]);
  else if (isObject(value)) checkFields(run, node, place, value);
}

function checkItems(run: Run, { items, schema }: Node, place: Place, list: readonly unknown[]): void {
  if (items === undefined) return;
  const before = oldItems(schema, place.old);
  const linked = oldItems(schema, place.link?.old);
  for (const [index, value] of list.entries()) {
    const was = linked(value);
    checkNode(run, items, {
      path: childPath(place.path, index),
      value,
      old: before(value),
      ...below(place, value, was),
    });
    if (run.left < 0) return;
  }
}

function checkFields(run: Run, { properties, values }: Node, place: Place, object: Json): void {
  const old = isObject(place.old) ? place.old : {};
  const linked = isObject(place.link?.old) ? place.link.old : {};
  const own = (from: Json, key: string): unknown => (Object.hasOwn(from, key) ? from[key] : undefined);
  for (const [key, value] of Object.entries(object)) {
    const node = values ?? properties.get(key);
    if (node === undefined) continue;
    // Both are converted to one version, so they never change.
    const fixed = place.atRoot && (key === 'apiVersion' || key === 'kind');
    const links = fixed ? { link: undefined, parent: undefined, atRoot: false } : below(place, value, own(linked, key));
    const path = values === undefined ? childPath(place.path, key) : `${place.path}[${key}]`;
    checkNode(run, node, { path, value, old: own(old, key), ...links });
    if (run.left < 0) return;
  }
}

function below(place: Place, value: unknown, was: unknown): Pick<Place, 'link' | 'parent' | 'atRoot'> {
  if (place.link === undefined) return { link: undefined, parent: place.parent, atRoot: false };
  return { link: was === undefined ? undefined : { value, old: was }, parent: place.link, atRoot: false };
}

/** Only the items of lists of type map can be told to be the same ones. */
function oldItems(schema: Schema, old: unknown): (item: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  const keyOf = (item: unknown): string =>
    JSON.stringify(keys.map((key) => (isObject(item) ? item[key] : undefined) ?? null));
  const known = new Map(old.map((item: unknown) => [keyOf(item), item]));
  return (item) => known.get(keyOf(item));
}

function checkOwn(run: Run, node: Node, place: Place): void {
  const { rules, schema, root } = node;
  if (rules.length === 0) return;
  const type = schema.type ?? '';
  const field = place.path === '' ? '<nil>' : place.path;
  const refuse = (why: string): number => run.errors.push(invalidField(field, type, why));
  if (run.left <= 0) {
    refuse(outOfBudget);
    run.left = -1;
    return;
  }
  const known = new Map<string, Value>();
  const once = (name: string, make: () => Value): Value => {
    const value = known.get(name) ?? make();
    known.set(name, value);
    return value;
  };
  const self = (): Value => once('self', () => schemaValue(place.value, schema, root));
  const oldSelf = (): Value => once('oldSelf', () => schemaValue(place.old, schema, root));
  const hasOld = place.old !== undefined && place.old !== null;
  for (const compiled of rules) {
    const { rule, program } = compiled;
    if (compiled.error !== undefined) refuse(`rule compile error: ${compiled.error}`);
    if (program === undefined) continue;
    if (compiled.usesOldSelf && !hasOld && rule.optionalOldSelf !== true) continue;
    const variables = (name: string): Value | undefined => {
      if (name === 'self') return self();
      if (name !== 'oldSelf') return undefined;
      if (rule.optionalOldSelf === true) return hasOld ? new Optional(oldSelf()) : Optional.none;
      return hasOld ? oldSelf() : undefined;
    };
    checkRule({ run, place, field, type, variables }, compiled, program);
    if (run.left < 0) return;
  }
}

/** What the rules of one place have in common. */
interface Site {
  readonly run: Run;
  readonly place: Place;
  readonly field: string;
  readonly type: string;
  readonly variables: (name: string) => Value | undefined;
}

function checkRule(site: Site, compiled: CompiledRule, program: Program): void {
  const { run, field, type } = site;
  const { rule } = compiled;
  const shown = (rule.message ?? '') === '' ? rule.rule.trim() : (rule.message ?? '').trim();
  const refuse = (why: string): number => run.errors.push(invalidField(field, type, why));
  const refuseAndStop = (why: string): void => {
    refuse(why);
    run.left = -1;
  };
  const { value, cost } = program.run(site.variables, expressionLimit);
  if (cost > run.left) return refuseAndStop(outOfBudget);
  run.left -= cost;
  if (value === true) return;
  if (value instanceof CostExceeded) {
    const why = 'no further validation rules will be run due to call cost exceeds limit for rule';
    return refuseAndStop(`'${value.message}': ${why}: ${shown}`);
  }
  if (value instanceof EvalError) refuse(evalFailure(value, shown));
  else refuseValue(site, compiled);
}

function evalFailure({ message }: EvalError, shown: string): string {
  return message.startsWith('no such overload')
    ? `'${message}': call arguments did not match a supported operator, function or macro signature for rule: ${shown}`
    : `${message} evaluating rule: ${shown}`;
}

/** The rule was asked and said no. */
function refuseValue(site: Site, compiled: CompiledRule): void {
  const { run, place, type } = site;
  const { rule } = compiled;
  const at = fieldOf(site.field, compiled.fieldPath);
  const add = (error: FieldError): void => {
    if (!compiled.usesOldSelf && isUnchanged(place)) run.warnings.push(`${error.field}: ${error.message}`);
    else run.errors.push(error);
  };
  const message = compiled.message === undefined ? undefined : messageOf(run, compiled.message, rule, site.variables);
  if (message?.kind === 'failed') {
    add(invalidField(at, type, message.why));
    run.left = -1;
    return;
  }
  const usual = (rule.message ?? '') === '' ? `failed rule: ${rule.rule.trim()}` : (rule.message ?? '').trim();
  add(errorOf(rule, at, type, place.value, message?.text ?? usual));
}

function fieldOf(field: string, fieldPath: string | undefined): string {
  if (fieldPath === undefined) return field;
  return field === '<nil>' ? fieldPath : childPath(field, fieldPath);
}

function isUnchanged({ link, parent }: Place): boolean {
  const compared = link ?? parent;
  return compared !== undefined && sameJson(compared.value, compared.old);
}

type Message =
  | ({ readonly kind: 'text'; readonly text: string | undefined } & { readonly why?: never })
  | { readonly kind: 'failed'; readonly why: string; readonly text?: never };

/** Its text; none if it cannot be had, then the rule's own serves. */
function messageOf(
  run: Run,
  program: Program,
  rule: ValidationRule,
  variables: (name: string) => Value | undefined,
): Message {
  const { value, cost } = program.run(variables, expressionLimit);
  if (cost > run.left) {
    const why =
      'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run';
    return { kind: 'failed', why };
  }
  if (value instanceof CostExceeded) {
    const source = JSON.stringify(rule.messageExpression ?? '');
    const why = `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${source}`;
    return { kind: 'failed', why };
  }
  run.left -= cost;
  return { kind: 'text', text: usableMessage(value) };
}

/** One line, not empty, not too long. */
function usableMessage(value: Value | Error): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' || text.includes('\n') || Buffer.byteLength(text) > longestMessage ? undefined : text;
}

function errorOf(rule: ValidationRule, at: string, type: string, value: unknown, detail: string): FieldError {
  const whole = type === 'object' || type === 'array';
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return forbiddenField(at, detail);
    case 'FieldValueRequired':
      return requiredField(at, detail);
    case 'FieldValueDuplicate':
      return {
        type: 'FieldValueDuplicate',
        field: at,
        message: whole ? 'Duplicate value' : `Duplicate value: ${JSON.stringify(value)}`,
      };
    default:
      return whole
        ? { type: 'FieldValueInvalid', field: at, message: `Invalid value: ${detail}` }
        : invalidField(at, value, detail);
  }
}
