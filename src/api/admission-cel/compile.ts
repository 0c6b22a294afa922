/** Expressions of policies and match conditions, compiled once. Upstream: apiserver/pkg/admission/plugin/cel/compile.go. */
import {
  checkExpression,
  compile,
  CompileError,
  formatType,
  InstantiationError,
  sameType,
  types,
} from '../cel/index.ts';
import type { Program, Type, TypeKind } from '../cel/index.ts';
import type { MutatingAdmissionPolicySpec, ValidatingAdmissionPolicySpec } from '../gen/types.ts';
import { environmentOf } from './environment.ts';
import type { Declared } from './environment.ts';
import { objectType, patchListType } from './patch-types.ts';

export interface Compiled {
  readonly source: string;
  readonly program: Program | undefined;
  /** Why there is no program. */
  readonly error: string | undefined;
  readonly type: Type;
}

/** `wanted`: the kinds of value that it may have, or the very type; empty: any. */
export function compileExpression(source: string, declared: Declared, wanted: readonly (TypeKind | Type)[]): Compiled {
  const failed = (error: string): Compiled => ({ source, program: undefined, error, type: types.dyn });
  try {
    const checked = checkExpression(source, environmentOf(declared));
    const { type } = checked;
    const fits = (one: TypeKind | Type): boolean => (typeof one === 'string' ? one === type.kind : sameType(one, type));
    if (wanted.length > 0 && !wanted.some(fits)) {
      const names = wanted.map((one) =>
        typeof one !== 'string' ? formatType(one) : one === 'null' ? 'null_type' : one,
      );
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

/** What policies of both sorts have. */
export interface CompiledParts {
  readonly matchConditions: readonly NamedExpression[];
  readonly variables: readonly NamedExpression[];
}

export interface CompiledMutation {
  readonly patchType: 'ApplyConfiguration' | 'JSONPatch';
  readonly expression: Compiled;
}

export interface CompiledMutatingPolicy extends CompiledParts {
  readonly mutations: readonly CompiledMutation[];
}

export interface CompiledPolicy extends CompiledParts {
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
export function compilePolicy(spec: ValidatingAdmissionPolicySpec, typed?: Typed): CompiledPolicy {
  const any = typed !== undefined;
  const { declared, variables } = compileVariables(spec, typed);
  // A message may not ask what somebody may do.
  const messages: Declared = { ...declared, hasAuthorizer: false };
  return {
    matchConditions: compileConditions(spec.matchConditions, declared.hasParams),
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

interface Typed {
  readonly object: Type;
  readonly params: Type | undefined;
}

interface Composed {
  readonly declared: Declared;
  readonly variables: readonly NamedExpression[];
}

/** Each sees those before it. */
function compileVariables(
  { paramKind, variables: given = [] }: Pick<ValidatingAdmissionPolicySpec, 'paramKind' | 'variables'>,
  typed?: Typed,
): Composed {
  const known = new Map<string, Type>();
  const declared: Declared = {
    hasParams: paramKind !== undefined,
    hasAuthorizer: true,
    ...(given.length > 0 ? { variables: known } : {}),
    ...(typed === undefined ? {} : { object: typed.object }),
    ...(typed?.params === undefined ? {} : { params: typed.params }),
  };
  const variables = given.map(({ name, expression }) => {
    const compiled = compileExpression(expression, declared, []);
    known.set(name, compiled.type);
    return { name, expression: compiled };
  });
  return { declared, variables };
}

/** Upstream: apiserver/pkg/admission/plugin/policy/mutating/compilation.go. */
export function compileMutatingPolicy(spec: MutatingAdmissionPolicySpec): CompiledMutatingPolicy {
  const { declared, variables } = compileVariables(spec);
  const patches: Declared = { ...declared, hasPatchTypes: true };
  return {
    matchConditions: compileConditions(spec.matchConditions, declared.hasParams),
    variables,
    mutations: (spec.mutations ?? []).map(({ patchType, applyConfiguration, jsonPatch }) => {
      const applies = patchType === 'ApplyConfiguration';
      const source = (applies ? applyConfiguration : jsonPatch)?.expression ?? '';
      const compiled = compileExpression(source.trim(), patches, [applies ? objectType : patchListType]);
      return { patchType: applies ? 'ApplyConfiguration' : 'JSONPatch', expression: { ...compiled, source } };
    }),
  };
}
