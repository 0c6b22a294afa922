/** What the server counts, and the page that shows it under CoreDNS's names. */
export { DnsMetrics } from './counts.ts';
export type { Transport } from './counts.ts';
export { serveMetrics } from './server.ts';
