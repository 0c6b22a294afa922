/**
 * The rules of a CustomResourceDefinition: whole, compiled, and not too dear. Upstream: pkg/apis/apiextensions/validation/validation.go
 * (ValidateCustomResourceDefinitionOpenAPISchema, getCostErrorMessage) and cel_validation.go (cardinality, total cost).
 *
 *   cost of a rule = its own × how often its place may occur
 */
import { most } from '../../cel/range.ts';
import type { Type } from '../../cel/index.ts';
import type { FieldError } from '../../field-errors.ts';
import { forbiddenField, invalidField, notSupportedField, requiredField } from '../../field-errors.ts';
import type { ValidationRule } from '../../gen/types.ts';
import { isEmbedded, isObject, itemsOf, valuesOf } from '../schema.ts';
import type { Schema } from '../schema.ts';
import { compileRules } from './compile.ts';
import type { CompiledRule } from './compile.ts';
import { escapeField } from './escape.ts';
import { normalFieldPath } from './field-path.ts';
import { mostBytes, schemaType } from './schema-type.ts';

const ruleLimit = 10_000_000;
const schemaLimit = 100_000_000;

/** `field`: of the schema. Only for a structural one. */
export function checkRules(schema: Schema, field: string): FieldError[] {
  const walk: Walk = { total: 0, dearest: [] };
  const errors = checkPlace(walk, { schema, field, root: true, times: 1, type: undefined, oldSelfWithin: undefined });
  if (walk.total > schemaLimit) {
    const why = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
    errors.push(...walk.dearest.map(({ at }) => forbiddenField(at, why)));
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
    errors.push(forbiddenField(field, tooDear(what, walk.total, schemaLimit)));
  }
  return errors;
}

interface Walk {
  total: number;
  dearest: readonly { readonly at: string; readonly cost: number }[];
}

interface Place {
  readonly schema: Schema;
  readonly field: string;
  readonly root: boolean;
  /** How often it may occur in one object; undefined: as often as fits. */
  readonly times: number | undefined;
  /** Of a place above that has rules: what this is there. */
  readonly type: Type | undefined;
  /** Where old and new items cannot be told to be the same ones. */
  readonly oldSelfWithin: string | undefined;
}

function checkPlace(walk: Walk, place: Place): FieldError[] {
  const { schema, field } = place;
  const rules = schema['x-kubernetes-validations'] ?? [];
  const scoped = place.type !== undefined || rules.length > 0;
  const type = scoped ? (place.type ?? schemaType(schema, place.root || isEmbedded(schema))) : undefined;
  const below = childrenOf(place, type).flatMap((child) => checkPlace(walk, child));
  if (rules.length === 0) return below;
  const at = `${field}.x-kubernetes-validations`;
  const texts = rules.flatMap((rule, index) => checkTexts(rule, schema, `${at}[${String(index)}]`));
  if (texts.length > 0) return [...below, ...texts];
  if (type === undefined) {
    const why =
      'internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations';
    return [...below, { type: 'InternalError', field: at, message: `Internal error: ${why}` }];
  }
  const times = place.times ?? Math.floor(mostBytes / ((type.least ?? 0) + 1));
  const compiled = compileRules(schema, type);
  const own = compiled.flatMap((rule, index) => checkCompiled(walk, place, rule, `${at}[${String(index)}]`, times));
  return [...below, ...own];
}

function childrenOf(place: Place, type: Type | undefined): Place[] {
  const { schema, field } = place;
  const times = multiplied(place.times, mostChildren(schema));
  const found: Place[] = [];
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeField(name);
    const own = escaped === undefined ? undefined : type?.fields?.get(escaped);
    found.push({ ...place, schema: child, field: `${field}.properties[${name}]`, root: false, times, type: own });
  }
  const items = itemsOf(schema);
  if (items !== undefined) {
    const correlates = schema['x-kubernetes-list-type'] === 'map';
    const oldSelfWithin = correlates ? place.oldSelfWithin : (place.oldSelfWithin ?? field);
    const at = `${field}.items`;
    found.push({ schema: items, field: at, root: false, times, type: type?.params[0], oldSelfWithin });
  }
  const values = valuesOf(schema);
  if (values !== undefined) {
    const at = `${field}.additionalProperties`;
    found.push({ ...place, schema: values, field: at, root: false, times, type: type?.params[1] });
  }
  return found;
}

function mostChildren({ type, additionalProperties, maxProperties, maxItems }: Schema): number | undefined {
  const bounded = (value: number | undefined): number | undefined =>
    value === undefined ? undefined : Math.max(0, value);
  if (type === 'array') return bounded(maxItems);
  if (type !== 'object' || (additionalProperties !== true && !isObject(additionalProperties))) return 1;
  return bounded(maxProperties);
}

function multiplied(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.min(most, a * b);
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

function checkTexts(rule: ValidationRule, schema: Schema, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const text = rule.rule.trim();
  const message = (rule.message ?? '').trim();
  const lines = (value: string): boolean => /[\n\r]/.test(value);
  if (text === '') errors.push(requiredField(`${at}.rule`, 'rule is not specified'));
  else if ((rule.message ?? '') !== '' && message === '') {
    errors.push(invalidField(`${at}.message`, rule.message, 'must be non-empty if specified'));
  } else if (lines(message)) {
    errors.push(invalidField(`${at}.message`, rule.message, 'must not contain line breaks'));
  } else if (lines(text) && message === '') {
    errors.push(requiredField(`${at}.message`, 'message must be specified if rule contains line breaks'));
  }
  if ((rule.messageExpression ?? '') !== '' && rule.messageExpression?.trim() === '') {
    errors.push(requiredField(`${at}.messageExpression`, 'messageExpression must be non-empty if specified'));
  }
  if (rule.reason !== undefined && !reasons.includes(rule.reason)) {
    errors.push(notSupportedField(`${at}.reason`, rule.reason, reasons));
  }
  const path = rule.fieldPath ?? '';
  if (path !== '' && path.trim() === '') {
    errors.push(invalidField(`${at}.fieldPath`, path, 'must be non-empty if specified'));
  }
  if (lines(path)) errors.push(invalidField(`${at}.fieldPath`, path, 'must not contain line breaks'));
  if (path !== '' && normalFieldPath(path, schema) === undefined) {
    errors.push(invalidField(`${at}.fieldPath`, path, 'must be a valid path'));
  }
  return errors;
}

function checkCompiled(walk: Walk, place: Place, compiled: CompiledRule, at: string, times: number): FieldError[] {
  const { rule } = compiled;
  const errors: FieldError[] = [];
  const cost = Math.min(most, compiled.cost * times);
  if (cost > ruleLimit) errors.push(forbiddenField(`${at}.rule`, tooDear('estimated rule cost', cost, ruleLimit)));
  observe(walk, `${at}.rule`, cost);
  if (compiled.error !== undefined) errors.push(invalidField(`${at}.rule`, rule, compiled.error));
  if (compiled.messageError !== undefined) {
    errors.push(invalidField(`${at}.messageExpression`, rule, compiled.messageError));
  } else if (compiled.message !== undefined) {
    if (compiled.messageCost > ruleLimit) {
      const why = tooDear('estimated messageExpression cost', compiled.messageCost, ruleLimit);
      errors.push(forbiddenField(`${at}.messageExpression`, why));
    }
    observe(walk, `${at}.messageExpression`, compiled.messageCost);
  }
  if (compiled.usesOldSelf) {
    if (place.oldSelfWithin !== undefined) {
      const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.oldSelfWithin}`;
      errors.push(invalidField(`${at}.rule`, rule.rule, why));
    }
  } else if (rule.optionalOldSelf !== undefined) {
    const why = 'may not be set if oldSelf is not used in rule';
    errors.push(invalidField(`${at}.optionalOldSelf`, rule.optionalOldSelf, why));
  }
  return errors;
}

/** The four dearest are named when all together cost too much. */
function observe(walk: Walk, at: string, cost: number): void {
  walk.total = Math.min(most, walk.total + cost);
  if (cost < schemaLimit / 100) return;
  walk.dearest = [...walk.dearest, { at, cost }].sort((a, b) => b.cost - a.cost).slice(0, 4);
}

function tooDear(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
