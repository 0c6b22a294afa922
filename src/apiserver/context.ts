/** What every verb is given: the running server, and one request with its names resolved. */
import type { KindDefinition } from '../api/kind.ts';
import type { Store } from '../store/index.ts';
import type { Authorizer } from './auth/authorize.ts';
import type { Quotas } from './quotas.ts';
import type { User } from './auth/user.ts';
import type { Incoming, Outgoing } from './http/messages.ts';
import type { ApiServerOptions } from './options.ts';
import type { Pki } from './auth/pki.ts';
import type { Registry } from './registry.ts';
import type { ResourceRequest } from './request-info.ts';
import type { Metrics } from './metrics.ts';

export interface Server {
  readonly options: ApiServerOptions;
  readonly store: Store;
  readonly registry: Registry;
  readonly pki: Pki;
  readonly metrics: Metrics;
  readonly authorizer: Authorizer;
  readonly quotas: Quotas;
  /** Aborts when the server closes: ends watches and streams. */
  readonly stopping: AbortSignal;
}

export interface Exchange {
  readonly server: Server;
  readonly request: Incoming;
  readonly response: Outgoing;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly user: User;
}

export interface ResourceExchange extends Exchange {
  readonly info: ResourceRequest;
  readonly kind: KindDefinition;
}
