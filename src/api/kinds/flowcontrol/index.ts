/** flowcontrol.apiserver.k8s.io/v1: stored. This server shares itself out by its own quotas per user (src/apiserver/quotas.ts). */
export { flowSchemaKind } from './flowschema.ts';
export { priorityLevelConfigurationKind } from './prioritylevelconfiguration.ts';
