/** What an API server is told at start. */
import type { SendTimeouts } from './http/listener.ts';
import type { QuotaOptions } from './quotas.ts';

export interface ApiServerOptions {
  /** Holds `store/`. */
  readonly dataDir: string;
  /** ca.crt apiserver.crt/.key apiserver-kubelet-client.crt/.key sa.key sa.pub */
  readonly pkiDir: string;
  /** `host:port`, `[v6]:port`; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** What the `kubernetes` Service's endpoints say. */
  readonly advertiseAddress: string;
  /** One or two CIDRs of different family; the first is the primary family. */
  readonly serviceClusterIPRange: readonly string[];
  /** `30000-32767` */
  readonly serviceNodePortRange: string;
  /** Names of admission plugins that are off (admission/plugin-names.ts). */
  readonly disabledAdmission?: readonly string[];
  /** Of `controller-manager` and `scheduler`, those that run in this process: componentstatuses need not ask after them. */
  readonly components?: readonly string[];
  /** Off: HTTP/1.1 only. Default on. */
  readonly http2?: boolean;
  /** How long a client may take to send; default 10 s for headers, 60 s for a whole request. */
  readonly timeouts?: SendTimeouts;
  /** Requests and watches that one user may have under way; default 600 and 5,000. */
  readonly quotas?: QuotaOptions;
  /** How far back watches can resume: events, and bytes of superseded versions. Default 10,000 and 32 MB. */
  readonly watchHistory?: { readonly events: number; readonly bytes: number };
}

export interface ApiServer {
  /** `host:port` of each listener, ports resolved, in the order of `listen`. */
  readonly addresses: readonly string[];
  /** The first of them. */
  readonly address: string;
  /** Stops taking requests, ends watches, writes what is queued, lets go of the file. Safe to call twice. */
  close(): Promise<void>;
}
