/** The rules of one place in a schema, compiled, with what they may cost. Upstream: schema/cel/compilation.go. */
import {
  checkExpression,
  compile,
  CompileError,
  estimateCost,
  InstantiationError,
  optionalOf,
} from '../../cel/index.ts';
import type { Checked, Environment, Program, Type } from '../../cel/index.ts';
import type { ValidationRule } from '../../gen/types.ts';
import type { Schema } from '../schema.ts';
import { normalFieldPath } from './field-path.ts';

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly error?: string;
  readonly program?: Program;
  readonly usesOldSelf: boolean;
  readonly cost: number;
  readonly message?: Program;
  readonly messageError?: string;
  readonly messageCost: number;
  readonly fieldPath?: string;
}

export function compileRules(schema: Schema, type: Type): readonly CompiledRule[] {
  return (schema['x-kubernetes-validations'] ?? []).map((rule) => compileRule(rule, schema, type));
}

const nothing = { usesOldSelf: false, cost: 0, messageCost: 0 } as const;

function compileRule(rule: ValidationRule, schema: Schema, type: Type): CompiledRule {
  if (rule.rule.trim() === '') return { rule, ...nothing };
  const oldSelf = rule.optionalOldSelf === true ? optionalOf(type) : type;
  const environment: Environment = {
    variables: new Map([
      ['self', type],
      ['oldSelf', oldSelf],
    ]),
  };
  const checked = tried(() => checkExpression(rule.rule, environment));
  if (typeof checked === 'string') return { rule, ...nothing, error: `compilation failed: ${checked}` };
  if (checked.type.kind !== 'bool') return { rule, ...nothing, error: 'cel expression must evaluate to a bool' };
  const usesOldSelf = checked.uses.has('oldSelf');
  const program = tried(() => compile(checked));
  if (typeof program === 'string') {
    return { rule, ...nothing, usesOldSelf, error: `program instantiation failed: ${program}` };
  }
  const fieldPath = rule.fieldPath === undefined ? undefined : normalFieldPath(rule.fieldPath, schema);
  return {
    rule,
    program,
    usesOldSelf,
    cost: estimateCost(checked, type).max,
    ...compileMessage(rule.messageExpression ?? '', environment, type),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

function compileMessage(
  source: string,
  environment: Environment,
  type: Type,
): Pick<CompiledRule, 'message' | 'messageError' | 'messageCost'> {
  if (source === '') return { messageCost: 0 };
  const checked = tried<Checked>(() => checkExpression(source, environment));
  const failed = (messageError: string): Pick<CompiledRule, 'messageError' | 'messageCost'> => ({
    messageError,
    messageCost: 0,
  });
  if (typeof checked === 'string') return failed(`messageExpression compilation failed: ${checked}`);
  if (checked.type.kind !== 'string') return failed('messageExpression must evaluate to a string');
  const message = tried(() => compile(checked));
  if (typeof message === 'string') return failed(`messageExpression instantiation failed: ${message}`);
  return { message, messageCost: estimateCost(checked, type).max };
}

/** Or why not. */
function tried<T>(make: () => T): T | string {
  try {
    return make();
  } catch (error) {
    if (error instanceof CompileError || error instanceof InstantiationError) return error.message;
    throw error;
  }
}
