/** Expressions of policies and match conditions, compiled once. Upstream: apiserver/pkg/admission/plugin/cel/compile.go. */
import { checkExpression, compile, CompileError, formatType, InstantiationError, types } from '../cel/index.ts';
import type { Program, Type, TypeKind } from '../cel/index.ts';
import type { ValidatingAdmissionPolicySpec } from '../gen/types.ts';
import { environmentOf } from './environment.ts';
import type { Declared } from './environment.ts';

export interface Compiled {
  readonly source: string;
  readonly program: Program | undefined;
  /** Why there is no program. */
  readonly error: string | undefined;
  readonly type: Type;
}

/** `wanted`: the kinds of value that it may have; empty: any. */
export function compileExpression(source: string, declared: Declared, wanted: readonly TypeKind[]): Compiled {
  const failed = (error: string): Compiled => ({ source, program: undefined, error, type: types.dyn });
  try {
    const checked = checkExpression(source, environmentOf(declared));
    const { type } = checked;
    if (wanted.length > 0 && !wanted.includes(type.kind)) {
      const names = wanted.map((kind) => (kind === 'null' ? 'null_type' : kind));
      const what = names.length === 1 ? names.join('') : `one of [${names.join(' ')}]`;
      return failed(`must evaluate to ${what} but got ${type.kind === 'null' ? 'null_type' : formatType(type)}`);
    }
    return { source, program: compile(checked), error: undefined, type };
  } catch (error) {
    if (error instanceof CompileError) return failed(`compilation failed: ${error.message}`);
    if (error instanceof InstantiationError) return failed(`program instantiation failed: ${error.message}`);
    throw error;
  }
}

export interface NamedExpression {
  readonly name: string;
  readonly expression: Compiled;
}

export interface CompiledValidation {
  readonly expression: Compiled;
  readonly messageExpression: Compiled | undefined;
  readonly message: string;
  readonly reason: string | undefined;
}

export interface CompiledPolicy {
  readonly matchConditions: readonly NamedExpression[];
  readonly variables: readonly NamedExpression[];
  readonly validations: readonly CompiledValidation[];
  readonly auditAnnotations: readonly NamedExpression[];
}

export function compileConditions(
  conditions: readonly { readonly name: string; readonly expression: string }[] | undefined,
  hasParams: boolean,
): readonly NamedExpression[] {
  return (conditions ?? []).map(({ name, expression }) => ({
    name,
    expression: compileExpression(expression.trim(), { hasParams, hasAuthorizer: true }, ['bool']),
  }));
}

/** `typed`: against this schema, any value is right. */
export function compilePolicy(
  spec: ValidatingAdmissionPolicySpec,
  typed?: { readonly object: Type; readonly params: Type | undefined },
): CompiledPolicy {
  const hasParams = spec.paramKind !== undefined;
  const known = new Map<string, Type>();
  const any = typed !== undefined;
  const declared: Declared = {
    hasParams,
    hasAuthorizer: true,
    ...((spec.variables ?? []).length > 0 ? { variables: known } : {}),
    ...(typed === undefined ? {} : { object: typed.object }),
    ...(typed?.params === undefined ? {} : { params: typed.params }),
  };
  const variables = (spec.variables ?? []).map(({ name, expression }) => {
    const compiled = compileExpression(expression, declared, []);
    known.set(name, compiled.type);
    return { name, expression: compiled };
  });
  // A message may not ask what somebody may do.
  const messages: Declared = { ...declared, hasAuthorizer: false };
  return {
    matchConditions: compileConditions(spec.matchConditions, hasParams),
    variables,
    validations: (spec.validations ?? []).map((validation) => ({
      expression: compileExpression(validation.expression, declared, any ? [] : ['bool']),
      messageExpression:
        (validation.messageExpression ?? '').trim() === ''
          ? undefined
          : compileExpression(validation.messageExpression ?? '', any ? declared : messages, any ? [] : ['string']),
      message: (validation.message ?? '').trim(),
      reason: validation.reason,
    })),
    auditAnnotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      name: key,
      expression: compileExpression(valueExpression.trim(), declared, ['string', 'null']),
    })),
  };
}
