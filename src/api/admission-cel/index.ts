/** Expressions of admission: policies, match conditions. Loaded when there is one (lazy.ts). */
export { compileConditions, compileExpression, compileMutatingPolicy, compilePolicy } from './compile.ts';
export type {
  Compiled,
  CompiledMutatingPolicy,
  CompiledMutation,
  CompiledParts,
  CompiledPolicy,
  CompiledValidation,
  NamedExpression,
} from './compile.ts';
export { typeWarnings } from './type-check.ts';
export type { KnownKind } from './type-check.ts';
