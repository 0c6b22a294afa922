/** What a CustomResourceDefinition means: its validation and names, and the kinds that it makes. Pure. */
export { acceptNames, cleanupFinalizer, hasCondition, setCondition } from './conditions.ts';
export { customKinds } from './kind.ts';
export type { Converter } from './conversions.ts';
export { customOpenApi } from './openapi.ts';
export { validateDefinition, validateDefinitionStatus, validateDefinitionUpdate } from './validate-definition.ts';
