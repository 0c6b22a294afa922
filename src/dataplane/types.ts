/**
 * The wall between meaning and kernel: logical entries in, packets forwarded. nftables is the first implementation; another
 * one (eBPF at connect time) has the same contract.
 *
 *   ServiceTable ── start ──> what the kernel still has is read, the difference is applied
 *   TableDiff ───── apply ──> in the kernel when the promise resolves, whole or not at all
 *                   audit ──> was anything of ours changed by others? mended, and told
 */
import type { EntryKey, TableEntry } from '../model/index.ts';

export interface TableDiff {
  /** New, or changed. */
  readonly set: readonly TableEntry[];
  readonly remove: readonly EntryKey[];
}

/** What an apply did, for metrics, logs and the conntrack cleaner. */
export interface Applied {
  /** Elements written and deleted; 0: the kernel had it all. */
  readonly changes: number;
  readonly milliseconds: number;
  /** Keys that the kernel was found to hold for nobody: of services that went while no proxy was there. */
  readonly unclaimed?: readonly EntryKey[];
  /** Set when something of ours had been changed by others: what, for people. */
  readonly mended?: string;
}

export interface DataPlane {
  /** Once, with the complete table. Until then the kernel goes on with what it has. */
  start(entries: Iterable<TableEntry>): Promise<Applied>;
  apply(diff: TableDiff): Promise<Applied>;
  audit(): Promise<Applied>;
  /** Takes every table of ours away: for `down`, never at the end of a process. */
  remove(): Promise<void>;
  close(): void;
}

export interface DataPlaneOptions {
  /** Path of a network namespace; default the process's own. */
  readonly netns?: string;
  /** Default `portolan`. */
  readonly table?: string;
  /** Pods of this node: they may use cluster IPs, and keep their address. */
  readonly podCidrs: readonly string[];
  /** Refused where no service claims the address. */
  readonly serviceCidrs: readonly string[];
  /** Networks outside the cluster whose hosts may use cluster IPs through this node. Default none. */
  readonly clusterIpClients?: readonly string[];
  /** podCidrs are those of all nodes: which pods are this node's cannot be told. Default false. */
  readonly podsOfAllNodes?: boolean;
  /** Pods' packets to anywhere else leave with the node's address (ip-masq-agent's nonMasqueradeCIDRs); 0.0.0.0/0: to nowhere. */
  readonly nonMasqueradeCidrs: readonly string[];
  /** Never a source port of a masqueraded connection. Default 30000-32767. */
  readonly nodePortRange?: readonly [number, number];
  /**
   * Links of pods have names that begin so, and each pod a route of its own there: what comes with a pod's address from anywhere
   * else, or from a pod with another one, is forged and dropped. Not given: other pod networks have other routes.
   */
  readonly podLinks?: string;
  /** Load balancers that check source ranges themselves: let through to node ports of services with source ranges. */
  readonly trustedSources?: readonly string[];
}
