/**
 * A custom kind's objects against its x-kubernetes-validations. What is wrong in itself is not asked about rules.
 * Upstream: apiextensions-apiserver/pkg/registry/customresource/strategy.go (Validate, hasBlockingErr).
 */
import type { FieldError, FieldErrorType } from '../field-errors.ts';
import { invalidField } from '../field-errors.ts';
import type { KubeObject } from '../object.ts';
import type { Resource } from '../resources.ts';
import { rulesModule } from './lazy-rules.ts';
import type { Rules } from './rules/index.ts';
import type { Schema } from './schema.ts';
import { countRules } from './structural.ts';

export interface RuleCheck {
  /** `errors`: what is known to be wrong. Throws NotLoaded. */
  check(object: KubeObject, old: object | undefined, errors: readonly FieldError[]): readonly FieldError[];
  /** Of the last check of this object. */
  warnings(object: KubeObject): readonly string[];
}

const blocking: ReadonlySet<FieldErrorType> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
const notAsked =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

/** undefined: the schema has no rules. */
export function ruleCheckOf(schema: Schema, { group, version, kind }: Resource): RuleCheck | undefined {
  if (countRules(schema) === 0) return undefined;
  const apiVersion = `${group}/${version}`;
  const told = new WeakMap<object, readonly string[]>();
  let rules: Rules | undefined;
  return {
    check(object, old, errors) {
      rules ??= rulesModule().rulesOf(schema);
      if (rules === undefined) return [];
      if (errors.some(({ type }) => blocking.has(type))) return [invalidField('<nil>', undefined, notAsked)];
      const before = old === undefined ? undefined : { ...old, apiVersion, kind };
      const result = rules.check({ ...object, apiVersion, kind }, before);
      told.set(object, result.warnings);
      return result.errors;
    },
    warnings: (object) => told.get(object) ?? [],
  };
}
