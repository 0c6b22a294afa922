/**
 * The cluster DNS of a node.
 *
 *   const dns = await runDns({ client, listen: [{ address: nodeIP, port: 53 }], … }, signal);
 *   await dns.synced;                          // agent: the node may be Ready
 *   await ensureKubeDns(client, '10.96.0.10'); // control plane, once: the Service kube-system/kube-dns
 */
import type { DnsOptions, DnsServer } from './options.ts';

export { ensureKubeDns } from './announce.ts';
export type { DnsInformers, DnsOptions, DnsServer, Listen, Upstreams } from './options.ts';

/** The server is loaded when it is run: the control plane comes here for the Service only. */
export async function runDns(options: DnsOptions, signal: AbortSignal): Promise<DnsServer> {
  const server = await import('./run.ts');
  return server.runDns(options, signal);
}
