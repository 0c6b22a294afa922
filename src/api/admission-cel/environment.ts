/**
 * What an expression of admission may speak of. Upstream: apiserver/pkg/admission/plugin/cel/compile.go (BuildRequestType,
 * BuildNamespaceType, mustBuildEnvs) and composition.go.
 *
 *   object, oldObject, request, namespaceObject      always
 *   params                                           where the policy has a paramKind
 *   authorizer, authorizer.requestResource           where somebody asks
 *   variables.NAME                                   those of the policy that come before
 *   Object{…}, JSONPatch{…}, jsonpatch.escapeKey     in mutations (patch-types.ts)
 */
import { listOf, mapOf, opaque, types } from '../cel/index.ts';
import type { Environment, Type } from '../cel/index.ts';
import { patchEnvironment } from './patch-types.ts';

export interface Declared {
  readonly hasParams: boolean;
  readonly hasAuthorizer: boolean;
  /** What patches are made of. */
  readonly hasPatchTypes?: true;
  readonly variables?: ReadonlyMap<string, Type>;
  /** For type checking against a schema. */
  readonly object?: Type;
  readonly params?: Type;
}

function objectOf(name: string, fields: Readonly<Record<string, Type>>): Type {
  return { kind: 'object', name, params: [], fields: new Map(Object.entries(fields)) };
}

const { string, bool, dyn, int, timestamp } = types;
const groupVersionKind = objectOf('kubernetes.GroupVersionKind', { group: string, version: string, kind: string });
const groupVersionResource = objectOf('kubernetes.GroupVersionResource', {
  group: string,
  version: string,
  resource: string,
});
const userInfo = objectOf('kubernetes.UserInfo', {
  username: string,
  uid: string,
  groups: listOf(string),
  extra: mapOf(string, listOf(string)),
});

const requestType = objectOf('kubernetes.AdmissionRequest', {
  kind: groupVersionKind,
  resource: groupVersionResource,
  subResource: string,
  requestKind: groupVersionKind,
  requestResource: groupVersionResource,
  requestSubResource: string,
  name: string,
  namespace: string,
  operation: string,
  userInfo,
  dryRun: bool,
  options: dyn,
});

const namespaceType = objectOf('kubernetes.Namespace', {
  metadata: objectOf('kubernetes.NamespaceMetadata', {
    name: string,
    generateName: string,
    namespace: string,
    labels: mapOf(string, string),
    annotations: mapOf(string, string),
    UID: string,
    creationTimestamp: timestamp,
    deletionGracePeriodSeconds: int,
    deletionTimestamp: timestamp,
    generation: int,
    resourceVersion: string,
    finalizers: listOf(string),
  }),
  spec: objectOf('kubernetes.NamespaceSpec', { finalizers: listOf(string) }),
  status: objectOf('kubernetes.NamespaceStatus', { phase: string }),
});

export function environmentOf(declared: Declared): Environment {
  const object = declared.object ?? dyn;
  const variables = new Map<string, Type>([
    ['object', object],
    ['oldObject', object],
    ['request', requestType],
    ['namespaceObject', namespaceType],
  ]);
  if (declared.hasParams) variables.set('params', declared.params ?? dyn);
  if (declared.hasAuthorizer) {
    variables.set('authorizer', opaque('kubernetes.authorization.Authorizer'));
    variables.set('authorizer.requestResource', opaque('kubernetes.authorization.ResourceCheck'));
  }
  if (declared.variables !== undefined) {
    const fields = declared.variables;
    variables.set('variables', { kind: 'object', name: 'kubernetes.variables', params: [], fields });
  }
  return declared.hasPatchTypes === true ? { variables, ...patchEnvironment } : { variables };
}
