/** x-kubernetes-validations: the rules of a definition, and objects against them. Loaded when a definition has some (../lazy-rules.ts). */
export { checkRules } from './check.ts';
export { expressionLimit, rulesOf } from './evaluate.ts';
export type { Rules } from './evaluate.ts';
