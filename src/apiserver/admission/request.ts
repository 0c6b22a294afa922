/** What admission sees of a request, and what a plugin is. */
import type { Authorizer } from '../auth/authorize.ts';
import type { User } from '../auth/user.ts';
import type { Metrics } from '../metrics.ts';
import type { Registry } from '../registry.ts';
import type { KindForm } from '../../api/kind.ts';
import type { KubeObject, Live } from '../../api/object.ts';
import type { Resource } from '../../api/resources.ts';

/** Who asks, and whom to ask what he may. */
export interface Requester {
  readonly user: User;
  readonly server: {
    readonly authorizer: Authorizer;
    readonly metrics: Metrics;
    readonly registry: Registry;
    readonly options?: { readonly disabledAdmission?: readonly string[] };
  };
}

export interface BodyKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface AdmissionRequest {
  /** undefined: the server itself. */
  readonly by?: Requester | undefined;
  readonly verb: 'create' | 'update' | 'delete' | 'connect';
  readonly resource: Resource;
  /** Of a kind with several: who wants to see another than the request's is shown that. */
  readonly forms?: readonly KindForm[] | undefined;
  /** '' for the object itself, else `status`, `binding`, … */
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** The body, a private copy that admission may change; undefined on delete. */
  readonly object: KubeObject | undefined;
  readonly old: Live<KubeObject> | undefined;
  /** Of a body that is not of the resource's own kind: a Binding, the options of a connection. */
  readonly bodyKind?: BodyKind;
  /** Filled for the Warning headers. */
  readonly warnings?: string[];
}

/** Reads inside the write transaction. */
export interface AdmissionView {
  get<U extends KubeObject>(
    resource: Resource<U>,
    key: { readonly namespace: string; readonly name: string },
  ): Live<U> | undefined;
  list<U extends KubeObject>(
    resource: Pick<Resource<U>, 'group' | 'plural' | 'object'>,
    namespace?: string,
  ): Iterable<Live<U>>;
}

/** Changes `request.object`, or throws an ApiError to refuse. */
export type AdmissionPlugin = (request: AdmissionRequest, view: AdmissionView) => void;

/** The body when the request creates or updates this kind itself, or this part of it. */
export function bodyOf<T extends KubeObject>(
  request: AdmissionRequest,
  resource: Resource<T>,
  verbs: readonly AdmissionRequest['verb'][],
  part = '',
): T | undefined {
  const { object, subresource, verb } = request;
  if (subresource !== part || !verbs.includes(verb)) return undefined;
  const same = request.resource.group === resource.group && request.resource.plural === resource.plural;
  return same ? (object as T | undefined) : undefined;
}
