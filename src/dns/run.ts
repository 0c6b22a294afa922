/**
 * `runDns`: the parts put together.
 *
 *   informers ──> Zone ──> Lookup ──> Answers ─┐
 *   upstreams ──> Forwarder ───────────────────┴──> Responder <── UDP, TCP on each address
 *                                                      └──> DnsMetrics <── HTTP 9153
 *
 * Sockets are bound first: questions that come before the first sync wait a little instead of being lost.
 */
import { readFileSync } from 'node:fs';
import { resources } from '../api/resources.ts';
import { serviceRangesOf } from '../client/index.ts';
import { socketsIn } from '../kernel/socket.ts';
import { familyOf, mustParseCidr } from '../util/ip.ts';
import type { Family } from '../util/ip.ts';
import { log } from '../util/log.ts';
import { keepAnnounced } from './announce.ts';
import { Answers } from './answers.ts';
import { keepFailover } from './failover.ts';
import { leanNamespace, leanSlice, leanService } from './lean.ts';
import { Forwarder, Upstreams, parseSearches, parseStub, parseUpstream, watchResolvConf } from './forward/index.ts';
import type { UpstreamAddress } from './forward/index.ts';
import { DnsMetrics, serveMetrics } from './metrics/index.ts';
import type { DnsInformers, DnsOptions, DnsServer, Listen } from './options.ts';
import { Autopath, Responder, accessList, queryLog, serveTcp, serveUdp } from './server/index.ts';
import { foldCase, nameFromText, zoneOffset } from './wire/index.ts';
import { Lookup, Pods, Zone, leanPod } from './zone/index.ts';
import { errnoOf } from '../util/errno.ts';

const logger = log('dns');

/** Rejects when an option is bad or an address cannot be bound. */
export async function runDns(options: DnsOptions, signal: AbortSignal): Promise<DnsServer> {
  if (options.announce === true && (options.nodeName === undefined || options.nodeIP === undefined)) {
    throw new Error('dns: announce needs nodeName and nodeIP');
  }
  const clusterDomain = options.clusterDomain ?? 'cluster.local';
  const zone = new Zone(clusterDomain);
  const pods = new Pods();
  const lookup = new Lookup(zone, {
    clusterDomain,
    serviceCidrs: options.serviceCidrs.map(mustParseCidr),
    podCidrs: options.podCidrs.map(mustParseCidr),
    addresses: options.nodeIP === undefined ? options.listen.map(({ address }) => address) : [options.nodeIP],
    podRecords: options.podRecords,
    pods,
  });
  const metrics = new DnsMetrics();
  const forwarder = await makeForwarder(options, metrics, signal);
  const informers = options.informers ?? (await makeInformers(options, signal));
  const sync = followCluster(informers, zone, options.podRecords === 'verified');
  informers.pods?.onChange(pods.onPod);
  followRanges(informers, lookup, options.serviceCidrs);
  const responder = new Responder({
    answers: new Answers(zone, lookup),
    forwarder,
    mayAsk: accessList(options.allowFrom?.map(mustParseCidr), informers.nodes),
    metrics,
    autopath:
      options.autopath === true ? new Autopath({ pods, clusterDomain, nodeSearches: searchesOf(options) }) : undefined,
    queryLog: options.queryLog === undefined ? undefined : queryLog(options.queryLog),
    ...sync,
  });
  const listening = await Promise.all(options.listen.map((listen) => serveBoth(listen, responder, signal)));
  const metricsAt = await serveCounts(options, metrics, forwarder, sync.hasSynced, signal);
  if (options.failover !== undefined) {
    const own = (['IPv4', 'IPv6'] as const).flatMap((family) => ownServer(options, listening, family));
    await keepFailover({ serviceIPs: options.failover, own, slices: informers.endpointSlices }, signal);
  }
  const announced = announceNode(options, informers, { listening, metricsAt }, signal);
  logger.info({ listening, domain: clusterDomain }, 'DNS server listens');
  const stopped = new Promise<void>((resolve) => {
    const stop = (): void => void announced.then(resolve);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  return { listening, metrics: metricsAt, ...sync, stopped };
}

/**
 * UDP and TCP on one port. Where the kernel chooses it (0), it chooses for UDP, and TCP may find the number taken by
 * somebody else: then another one is asked for. A failure leaves neither open.
 */
async function serveBoth(listen: Listen, responder: Responder, signal: AbortSignal): Promise<Listen> {
  for (let attempts = 1; ; attempts += 1) {
    const failed = new AbortController();
    const lifetime = AbortSignal.any([signal, failed.signal]);
    try {
      return await serveTcp(await serveUdp(listen, responder, lifetime), responder, lifetime);
    } catch (error) {
      failed.abort();
      const taken = errnoOf(error) === 'EADDRINUSE';
      if (listen.port !== 0 || !taken || attempts === 20) throw error;
    }
  }
}

/** Where the node itself reaches this server in a family: its own address first. */
function ownServer(
  { nodeIP }: DnsOptions,
  listening: readonly Listen[],
  family: Family | undefined,
): readonly Listen[] {
  const candidates = listening.filter(({ address }) => familyOf(address) === family);
  const own = candidates.find(({ address }) => address === nodeIP) ?? candidates[0];
  return own === undefined ? [] : [own];
}

async function makeForwarder(options: DnsOptions, metrics: DnsMetrics, signal: AbortSignal): Promise<Forwarder> {
  const now = (): number => performance.now();
  const sockets = await socketsIn(options.upstreamNetns);
  const upstreamsAt = (addresses: () => readonly UpstreamAddress[]): Upstreams =>
    new Upstreams({ addresses, sockets, signal, now, observe: metrics.countUpstream });
  const fixed = 'resolvConf' in options.upstreams ? undefined : options.upstreams.map(parseUpstream);
  const general =
    'resolvConf' in options.upstreams ? watchResolvConf(options.upstreams.resolvConf, now) : () => fixed ?? [];
  const stubs = (options.forward ?? []).map((text) => {
    const { zone, addresses } = parseStub(text);
    const domain = options.clusterDomain ?? 'cluster.local';
    if (zoneOffset(zone, foldCase(nameFromText(domain))) >= 0) {
      throw new Error(`forward: "${text}" is inside ${domain}, whose names never leave the cluster`);
    }
    return { zone, upstreams: upstreamsAt(() => addresses) };
  });
  return new Forwarder({ upstreams: upstreamsAt(general), stubs, now });
}

/** As the agent writes them into its pods' resolv.conf, behind the cluster's own. */
function searchesOf({ upstreams }: DnsOptions): readonly string[] {
  if (!('resolvConf' in upstreams)) return [];
  try {
    return parseSearches(readFileSync(upstreams.resolvConf, 'utf8'));
  } catch (error) {
    logger.debug({ path: upstreams.resolvConf, err: error }, 'no search list');
    return [];
  }
}

async function makeInformers(options: DnsOptions, signal: AbortSignal): Promise<DnsInformers> {
  const { createInformer } = await import('../client/index.ts');
  const { client } = options;
  const wantsPods = options.autopath === true || options.podRecords === 'verified';
  return {
    services: createInformer(client, resources.services, { transform: leanService }, signal),
    endpointSlices: createInformer(client, resources.endpointSlices, { transform: leanSlice }, signal),
    namespaces: createInformer(client, resources.namespaces, { transform: leanNamespace }, signal),
    serviceCIDRs: createInformer(client, resources.serviceCIDRs, { optional: true }, signal),
    ...(wantsPods ? { pods: createInformer(client, resources.pods, { transform: leanPod }, signal) } : {}),
  };
}

function followCluster(
  informers: DnsInformers,
  zone: Zone,
  podsMatter: boolean,
): Pick<DnsServer, 'synced' | 'hasSynced'> {
  const { services, endpointSlices, namespaces } = informers;
  // A shared informer tells each new listener what it knows already.
  namespaces.onChange(zone.onNamespace);
  services.onChange(zone.onService);
  endpointSlices.onChange(zone.onSlice);
  const all = [services, endpointSlices, namespaces, ...(podsMatter && informers.pods ? [informers.pods] : [])];
  const synced = Promise.all(all.map((informer) => informer.synced)).then(() => {});
  return { synced, hasSynced: () => all.every((informer) => informer.hasSynced) };
}

/** Not waited for: a server may not have them. */
function followRanges({ serviceCIDRs }: DnsInformers, lookup: Lookup, always: readonly string[]): void {
  if (serviceCIDRs === undefined) return;
  const ranges = serviceRangesOf(serviceCIDRs, always);
  const follow = (): void => lookup.setServiceCidrs(ranges.current().map(mustParseCidr));
  ranges.onChange(follow);
  follow();
}

async function serveCounts(
  options: DnsOptions,
  metrics: DnsMetrics,
  forwarder: Forwarder,
  ready: () => boolean,
  signal: AbortSignal,
): Promise<readonly Listen[]> {
  const { counts } = forwarder;
  const gauges = {
    cacheEntries: () => forwarder.cacheSize,
    cacheHits: () => counts.hits,
    staleServed: () => counts.stale,
    cacheMisses: () => counts.misses,
    prefetches: () => counts.prefetches,
    rejects: () => counts.rejects,
    version: '1.36',
  };
  const page = { metrics, gauges, ready };
  return Promise.all((options.metrics ?? []).map((listen) => serveMetrics(listen, page, signal)));
}

/** Resolves after the signal, when the announcement is withdrawn as well as it can be. */
async function announceNode(
  options: DnsOptions,
  informers: DnsInformers,
  bound: { readonly listening: readonly Listen[]; readonly metricsAt: readonly Listen[] },
  signal: AbortSignal,
): Promise<void> {
  const { client, nodeName, nodeIP } = options;
  if (options.announce !== true || nodeName === undefined || nodeIP === undefined) return;
  const { listening, metricsAt } = bound;
  const family = familyOf(nodeIP);
  const [own] = ownServer(options, listening, family);
  const metricsPort = (address: string): number | undefined =>
    metricsAt.find((listen) => familyOf(listen.address) === familyOf(address))?.port;
  const dnsPort = own?.port ?? listening[0]?.port ?? 53;
  const main = { nodeName, nodeIP, dnsPort, metricsPort: metricsPort(nodeIP) };
  const [other] = ownServer(options, listening, family === 'IPv4' ? 'IPv6' : 'IPv4');
  const second = other && {
    nodeName,
    nodeIP: other.address,
    dnsPort: other.port,
    metricsPort: metricsPort(other.address),
    second: true,
  };
  await Promise.all(
    [main, ...(second === undefined ? [] : [second])].map((announcement) =>
      keepAnnounced(client, announcement, informers.endpointSlices, signal),
    ),
  );
}
