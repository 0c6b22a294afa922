/**
 * What expressions are given of a request: object, oldObject, request, namespaceObject, authorizer, params.
 * Upstream: apiserver/pkg/admission/plugin/cel/condition.go and activation.go. Loaded with them (expressions.ts).
 */
import { AuthorizerValue, CelMap, ResourceCheck, Struct, Timestamp } from '../../api/cel/index.ts';
import type { Asked, Decide, Value } from '../../api/cel/index.ts';
import { parseTimestamp } from '../../api/cel/time.ts';
import type { Namespace } from '../../api/gen/types.ts';
import type { KubeObject } from '../../api/object.ts';
import { groupVersionOf } from '../../api/resources.ts';
import type { Resource } from '../../api/resources.ts';
import type { User } from '../auth/user.ts';
import { converter } from '../../api/views.ts';
import { resourceAttributes } from '../auth/attributes.ts';
import type { Attributes } from '../auth/attributes.ts';
import type { Authorizer } from '../auth/authorize.ts';
import type { AdmissionRequest } from './request.ts';

export interface Input {
  readonly request: AdmissionRequest;
  /** The version in which the object is shown. */
  readonly as: Resource;
  readonly user: User;
  readonly dryRun: boolean;
  readonly authorizer: Authorizer;
  readonly namespace: Namespace | undefined;
  readonly params: KubeObject | undefined;
}

/** Variables by name, made when they are asked for. */
export function variablesOf(input: Input): (name: string) => Value | undefined {
  const known = new Map<string, Value>();
  return (name) => {
    const value = known.get(name) ?? make(name, input);
    if (value !== undefined) known.set(name, value);
    return value;
  };
}

function make(name: string, input: Input): Value | undefined {
  const { request, as, params } = input;
  switch (name) {
    case 'object':
      return request.bodyKind === undefined ? shown(request, request.object, as) : jsonValue(request.object);
    case 'oldObject':
      return shown(request, request.old, as);
    case 'request':
      return requestValue(input);
    case 'namespaceObject':
      return input.namespace === undefined ? null : namespaceValue(input.namespace);
    case 'params':
      return params === undefined ? null : jsonValue(params);
    case 'authorizer':
      return authorizerOf(input);
    case 'authorizer.requestResource':
      return resourceCheckOf(input);
    default:
      return undefined;
  }
}

function shown({ resource, forms }: AdmissionRequest, object: KubeObject | undefined, as: Resource): Value {
  if (object === undefined) return null;
  return jsonValue({ ...converter(forms, resource, as)(object), apiVersion: groupVersionOf(as), kind: as.kind });
}

/** Without a schema: what JSON says. */
export function jsonValue(json: unknown): Value {
  if (json === null || json === undefined) return null;
  if (typeof json === 'number') return Number.isInteger(json) ? BigInt(json) : json;
  if (typeof json === 'string' || typeof json === 'boolean') return json;
  if (Array.isArray(json)) return json.map(jsonValue);
  return CelMap.of(
    Object.entries(json).flatMap(([key, value]) => (value === undefined ? [] : [[key, jsonValue(value)] as const])),
  );
}

function struct(name: string, fields: Readonly<Record<string, Value | undefined>>): Struct {
  const found = new Map<string, () => Value>();
  for (const [field, value] of Object.entries(fields)) if (value !== undefined) found.set(field, () => value);
  return new Struct(name, found);
}

function requestValue({ request, as, user, dryRun }: Input): Value {
  const { resource, subresource, verb, name, namespace } = request;
  const kindOf = ({ group, version, kind }: Resource): Value =>
    struct('kubernetes.GroupVersionKind', { group, version, kind });
  const resourceOf = ({ group, version, plural }: Resource): Value =>
    struct('kubernetes.GroupVersionResource', { group, version, resource: plural });
  const operation = verb.toUpperCase();
  const options = `${operation.slice(0, 1)}${operation.slice(1).toLowerCase()}Options`;
  return struct('kubernetes.AdmissionRequest', {
    kind: request.bodyKind === undefined ? kindOf(as) : struct('kubernetes.GroupVersionKind', { ...request.bodyKind }),
    resource: resourceOf(as),
    subResource: subresource,
    requestKind: kindOf(resource),
    requestResource: resourceOf(resource),
    requestSubResource: subresource,
    name,
    namespace,
    operation,
    userInfo: userValue(user),
    dryRun,
    options: jsonValue({ kind: options, apiVersion: 'meta.k8s.io/v1', ...(dryRun ? { dryRun: ['All'] } : {}) }),
  });
}

function userValue({ name, uid, groups, extra }: User): Value {
  const more = Object.entries(extra ?? {}).map(([key, values]) => [key, [...values]] as const);
  return struct('kubernetes.UserInfo', { username: name, uid: uid ?? '', groups: [...groups], extra: CelMap.of(more) });
}

function namespaceValue({ metadata = {}, spec, status }: Namespace): Value {
  const time = (text: string | undefined): Value | undefined => {
    const nanos = text === undefined ? undefined : parseTimestamp(text);
    return nanos === undefined ? undefined : new Timestamp(nanos);
  };
  const map = (of: Readonly<Record<string, string>> | undefined): Value | undefined =>
    of === undefined ? undefined : CelMap.of(Object.entries(of));
  return struct('kubernetes.Namespace', {
    metadata: struct('kubernetes.NamespaceMetadata', {
      name: metadata.name,
      generateName: metadata.generateName,
      namespace: metadata.namespace,
      labels: map(metadata.labels),
      annotations: map(metadata.annotations),
      UID: metadata.uid,
      creationTimestamp: time(metadata.creationTimestamp),
      deletionTimestamp: time(metadata.deletionTimestamp),
      generation: metadata.generation === undefined ? undefined : BigInt(metadata.generation),
      resourceVersion: metadata.resourceVersion,
      finalizers: metadata.finalizers,
    }),
    spec: struct('kubernetes.NamespaceSpec', { finalizers: spec?.finalizers }),
    status: struct('kubernetes.NamespaceStatus', { phase: status?.phase }),
  });
}

function authorizerOf({ authorizer, user }: Input): AuthorizerValue {
  const decide: Decide = (asked, account) => {
    const who = account === undefined ? user : serviceAccountUser(account.namespace, account.name);
    return authorizer.decide(who, attributesOf(asked));
  };
  return new AuthorizerValue(decide);
}

function resourceCheckOf(input: Input): ResourceCheck {
  const { resource, subresource, namespace, name } = input.request;
  return new ResourceCheck(authorizerOf(input), {
    kind: 'resource',
    group: resource.group,
    resource: resource.plural,
    subresource,
    namespace,
    name,
    fieldSelector: '',
    labelSelector: '',
  });
}

function serviceAccountUser(namespace: string, name: string): User {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  return { name: `system:serviceaccount:${namespace}:${name}`, groups };
}

/** The rules of roles know no selectors, so those can only be left out, as upstream's RBAC does. */
function attributesOf(asked: Asked): Attributes {
  if (asked.kind === 'path') return { kind: 'path', path: asked.path, verb: asked.verb.toLowerCase() };
  const { verb, group, resource, subresource, namespace, name } = asked;
  return resourceAttributes(verb, { group, resource, subresource, namespace, name });
}
