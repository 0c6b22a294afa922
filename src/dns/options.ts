/**
 * What the caller decides about a node's DNS server. The process runs inside the node's network namespace; only sockets
 * towards upstream servers may be opened in another one (`upstreamNetns`).
 */
import type { EndpointSlice, Namespace, Node, Pod, Service, ServiceCIDR } from '../api/gen/types.ts';
import type { Client, Informer } from '../client/index.ts';

export interface Listen {
  /** An address of this network namespace; `0.0.0.0` and `::` work too. */
  readonly address: string;
  /** 0: the kernel chooses (tests). */
  readonly port: number;
}

/** Informers that the process has anyway (the proxy's): shared instead of doubled. */
export interface DnsInformers {
  readonly services: Informer<Service>;
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly namespaces: Informer<Namespace>;
  /** Pods that may ask (all of the cluster, or this node's): needed for autopath and verified pod records. */
  readonly pods?: Informer<Pod>;
  /** Their addresses may ask too, beside `allowFrom`: the host processes of the cluster's nodes. */
  readonly nodes?: Informer<Node>;
  /** Service ranges beside `serviceCidrs`, as they come and go. */
  readonly serviceCIDRs?: Informer<ServiceCIDR>;
}

/** `1.2.3.4`, `1.2.3.4:5353`, `[2001:db8::1]:53`; or the file that names them, read again when it changes. */
export type Upstreams = readonly string[] | { readonly resolvConf: string };

export interface DnsOptions {
  readonly client: Client;
  readonly informers?: DnsInformers;
  /** UDP and TCP on each. */
  readonly listen: readonly Listen[];
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Their reverse zones are ours and are never forwarded. */
  readonly serviceCidrs: readonly string[];
  /** As serviceCidrs; and pod records (`10-244-1-2.ns.pod.…`) exist for addresses in here only. */
  readonly podCidrs: readonly string[];
  /** CIDRs that may ask; everybody else is REFUSED. Unset: everybody may. */
  readonly allowFrom?: readonly string[];
  /** Where every other name is asked. Empty: SERVFAIL. */
  readonly upstreams: Upstreams;
  /** `zone=1.2.3.4,5.6.7.8:5353`: names in this zone are asked there and nowhere else (stub domains). */
  readonly forward?: readonly string[];
  /** Complete the search list of the pod that asks (CoreDNS's autopath). */
  readonly autopath?: boolean;
  /** Records below pod.DOMAIN: default `insecure`, as kubeadm configures CoreDNS. */
  readonly podRecords?: 'disabled' | 'insecure' | 'verified';
  /** Told each question and its answer in one line. */
  readonly queryLog?: (line: string) => void;
  /** Path of the network namespace in which upstream sockets are opened (`/proc/1/ns/net`, `/run/netns/NAME`). */
  readonly upstreamNetns?: string;
  readonly nodeName?: string;
  readonly nodeIP?: string;
  /** Write EndpointSlice kube-system/kube-dns-NODENAME, so that the kube-dns Service leads here. */
  readonly announce?: boolean;
  /** Cluster IPs of kube-dns, which other nodes' servers answer when this one is gone. Changes the kernel's tables. */
  readonly failover?: readonly string[];
  /** `/metrics` under CoreDNS's names, `/health` and `/ready`: on each. */
  readonly metrics?: readonly Listen[];
}

export interface DnsServer {
  /** What is bound, in the order of `listen`, with the ports that the kernel chose. */
  readonly listening: readonly Listen[];
  /** Likewise, of `metrics`. */
  readonly metrics: readonly Listen[];
  /** Answers are authoritative from here on. Never rejects; stays pending when the signal aborts first. */
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  /** After the signal: every socket is closed and the announcement withdrawn. */
  readonly stopped: Promise<void>;
}
