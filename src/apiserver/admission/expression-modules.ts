/** What expressions.ts loads. */
export { compileConditions, compileMutatingPolicy, compilePolicy } from '../../api/admission-cel/index.ts';
export { variablesOf } from './expression-input.ts';
export { judgeConditions } from './match-conditions.ts';
export { judgePolicy } from './policies/judge.ts';
export { mutateObject } from './policies/patch.ts';
