/**
 * The load balancer, wired: runs inside its own network namespace (or machine) until the signal aborts.
 *
 *   services ─> controller ─> ledger ─> record (ConfigMap)      who owns which address
 *   nodes    ─> prober                                          who is alive
 *        \________ view ─────────> programmer ─> kernel         what packets do
 *
 * Start: rules first (the LAN's way out works at once), then lists, record and one round of probes, and only then the first
 * difference: a restart changes nothing that is still right. Stop: nothing is taken away.
 */
import type { Node, Service } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import { createEventRecorder, createInformer } from '../client/index.ts';
import type { EventRecorder, Informer } from '../client/index.ts';
import { mustParseCidr, parseCidr } from '../util/ip.ts';
import type { Family } from '../util/ip.ts';
import { log } from '../util/log.ts';
import { openFlowStore } from './conntrack.ts';
import { createController } from './controller.ts';
import { createFlowTable } from './flows.ts';
import type { FlowStore } from './flows.ts';
import { startHealthServer } from './health-server.ts';
import { openLbKernel } from './kernel.ts';
import type { FamilyRules, LbKernel } from './kernel.ts';
import { createLedger } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import { defaultNodeHealth } from './options.ts';
import type { LbOptions } from './options.ts';
import { parsePools } from './pool.ts';
import type { AddressPool } from './pool.ts';
import { createProber, probeUrl } from './probe.ts';
import { createProgrammer } from './programmer.ts';
import { createRecord } from './record.ts';
import { restore, restoreUntilDone } from './restore.ts';
import { createLazySlices } from './slices.ts';
import { createView, slimNode } from './view.ts';
import type { View } from './view.ts';

const logger = log('lb');
const defaultRecord = { namespace: 'kube-system', name: 'portolan-load-balancer' };
const defaultHealthPort = 10258;

/** Rejects when the options are wrong or the kernel can't do it; resolves after the signal. */
export async function runLb(options: LbOptions, signal: AbortSignal): Promise<void> {
  const pool = parsePools(options.pools, reservedRanges(options));
  const kernel = await openLbKernel(rulesOf(options, pool));
  const flows = openFlowStore();
  try {
    await run(options, pool, kernel, flows, signal);
  } finally {
    flows.close();
    kernel.close();
  }
}

async function run(
  options: LbOptions,
  pool: AddressPool,
  kernel: LbKernel,
  flows: FlowStore,
  signal: AbortSignal,
): Promise<void> {
  const { client } = options;
  const health = { ...defaultNodeHealth, ...options.nodeHealth };
  const nodeUrl = (address: string): string => probeUrl(address, health.port, health.path);
  const events = createEventRecorder(client, { component: 'service-controller', signal });
  const services = createInformer(client, resources.services, {}, signal);
  const nodes = createInformer(client, resources.nodes, { transform: slimNode }, signal);
  const ledger = createLedger(pool);
  const record = createRecord(client, options.record ?? defaultRecord, ledger.toData);
  const slices = createLazySlices(client, () => programmer.trigger(), signal);
  const podRanges = (options.podCidrs ?? []).map(mustParseCidr);
  const view = createView(services, nodes, ledger, { nodeUrl, slicesOf: slices.of, podRanges });
  const onProbe = (url: string, is: string, was: string): void => {
    logger.info({ url, was, is }, 'probe');
    if (ready) programmer.trigger();
  };
  const prober = createProber(health, onProbe, signal);
  const programmer = createProgrammer(kernel, createFlowTable(flows), () => view.wanted(prober), signal);
  const controller = createController(
    {
      client,
      services,
      ledger,
      record,
      events,
      program: () => programmer.flush(),
      reload: () => restore(ledger, record, services),
      hasNodes: () => view.ready().length > 0,
    },
    signal,
  );
  let ready = false;

  await untilAborted(Promise.all([services.synced, nodes.synced]), signal);
  await restoreUntilDone(ledger, record, services, signal);
  prober.setTargets(view.urls());
  // Before the first round of probes nobody looks alive: never program that.
  await untilAborted(prober.known(), signal);
  if (signal.aborted) return;
  ready = true;
  const refresh = once(() => {
    prober.setTargets(view.urls());
    programmer.trigger();
  });
  services.onChange(refresh);
  nodes.onChange(refresh);
  controller.start();
  await controller.idle();
  tellOfNodes(nodes, view, services, ledger, events);
  const stopHealth = await serveHealth(options.healthPort ?? defaultHealthPort, () => ({
    ready,
    failure: programmer.failure,
    addressesInUse: ledger.size,
    servicesPending: controller.pending.size,
    kernelRuns: programmer.runs,
    nodes: view.health(prober),
  }));
  logger.info({ pools: options.pools, inUse: ledger.size }, 'ready');
  options.onReady?.();
  await untilAborted(new Promise<never>(() => undefined), signal);
  stopHealth();
}

function reservedRanges(options: LbOptions): Readonly<Record<string, string>> {
  const reserved: Record<string, string> = {};
  for (const cidr of options.reservedCidrs ?? []) reserved[cidr] = 'which is in use';
  for (const cidr of options.podCidrs ?? []) reserved[cidr] = 'the pods';
  for (const cidr of options.lanCidrs) reserved[cidr] = 'the LAN';
  return reserved;
}

function rulesOf(options: LbOptions, pool: AddressPool): FamilyRules {
  const { lanInterface, publicInterface } = options;
  const inside = [...options.lanCidrs, ...(options.podCidrs ?? [])];
  const rules: Partial<Record<Family, FamilyRules[Family]>> = {};
  for (const family of pool.families) {
    const ofFamily = inside.filter((cidr) => parseCidr(cidr)?.family === family);
    rules[family] = { lanInterface, publicInterface, pool: pool.cidrs(family), inside: ofFamily };
  }
  return rules;
}

/** Upstream tells each service when the set of its nodes changed (nodeSyncService). */
function tellOfNodes(
  nodes: Informer<Node>,
  view: View,
  services: Informer<Service>,
  ledger: Ledger,
  events: EventRecorder,
): void {
  const names = (): string =>
    view
      .ready()
      .map((node) => node.name)
      .sort()
      .join();
  let before = names();
  const look = once(() => {
    const now = names();
    if (now === before) return;
    before = now;
    for (const service of services.list()) {
      if (ledger.addressesOf(service.metadata.uid).length === 0) continue;
      if (now === '') {
        events.event(service, 'Warning', 'UnAvailableLoadBalancer', 'There are no available nodes for LoadBalancer');
      } else events.event(service, 'Normal', 'UpdatedLoadBalancer', 'Updated load balancer with new hosts');
    }
  });
  nodes.onChange(look);
}

async function serveHealth(port: number, view: Parameters<typeof startHealthServer>[1]): Promise<() => void> {
  if (port === 0) return () => undefined;
  const server = await startHealthServer(port, view);
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

/** Many calls in one turn of the event loop become one. */
function once(work: () => void): () => void {
  let queued = false;
  return () => {
    if (queued) return;
    queued = true;
    setImmediate(() => {
      queued = false;
      work();
    });
  };
}

/** Ends early, without an error, when the signal aborts: the caller looks at the signal. */
async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
