/**
 * The node's proxy: what the API server says becomes what the kernel does. When it stops, or the API server is away, the
 * kernel goes on with what it has.
 *
 *   Services, EndpointSlices, Node ─> TableStore ─> Syncer ─> DataPlane (nftables)
 *                                                     ├─> stale UDP flows forgotten
 *                                                     ├─> health check node ports · localhost node ports
 *                                                     └─> /healthz, /metrics, events
 */
import type { Node } from '../api/gen/types.ts';
import { resources } from '../api/resources.ts';
import { createEventRecorder, createInformer, serviceRangesOf, watchServiceRanges } from '../client/index.ts';
import { createDataPlane } from '../dataplane/index.ts';
import { giveBack } from '../kernel/index.ts';
import { log } from '../util/log.ts';
import { ConntrackAlarm } from './conntrack-fill.ts';
import { HealthPorts } from './health-ports.ts';
import { LocalPorts } from './local-ports.ts';
import { Metrics } from './metrics.ts';
import { namesRanges } from './node-port-addresses.ts';
import { nodeFacts, sameFacts } from './node-view.ts';
import type { Proxy, ProxyInformers, ProxyOptions } from './options.ts';
import { packService, packSlice } from './pack.ts';
import { readServices } from './service-reader.ts';
import { readSlices } from './slice-reader.ts';
import { StatusServer } from './status-server.ts';
import { planeOptions, proxiedServices, proxiedSlices } from './plane-options.ts';
import { Syncer } from './syncer.ts';
import { setConntrackSysctls } from './sysctls.ts';
import { TableStore } from './table-store.ts';
import { UdpCleaner } from './udp-cleaner.ts';

/** What nobody tells us of is looked at so often: of the tables one number, which is another one when somebody wrote. */
const lookMs = 1_000;
/** Reading so many leaves tens of megabytes behind. */
const manyServices = 1_000;

const logger = log('proxy');

export function runProxy(options: ProxyOptions, signal: AbortSignal): Proxy {
  const metrics = new Metrics();
  const events = createEventRecorder(options.client, { component: 'kube-proxy', host: options.nodeName, signal });
  const node = { kind: 'Node', apiVersion: 'v1', metadata: { name: options.nodeName, uid: options.nodeName } };
  let facts = nodeFacts(options, undefined);
  let hasSynced = false;
  let resolveSynced: () => void;
  const synced = new Promise<void>((resolve) => {
    resolveSynced = resolve;
  });

  const store = new TableStore(facts.view);
  const status = new StatusServer(options, metrics, () => facts.eligible);
  const warnNode = (reason: string, text: string): void => events.event(node, 'Warning', reason, text);
  const alarm = new ConntrackAlarm(warnNode);
  const health = new HealthPorts(options.nodeName, status, (text, service) =>
    events.event(service, 'Warning', 'FailedToStartServiceHealthcheck', text),
  );
  const local = new LocalPorts(options.localhostNodePorts ?? true);
  const cidrs = options.informers?.serviceCIDRs;
  const ranges =
    cidrs === undefined
      ? watchServiceRanges(options.client, options.serviceCidrs, signal)
      : serviceRangesOf(cidrs, options.serviceCidrs);
  const udp = new UdpCleaner(metrics, ranges.current);

  const syncer = new Syncer(
    store,
    createDataPlane,
    {
      onStart: (entries) => metrics.starting(entries),
      onApplied(pass) {
        status.applied();
        metrics.applied(pass);
        udp.clean(pass, store);
        health.update(store, pass.services);
        local.update(store, pass.services);
        const { changes, milliseconds } = pass.applied;
        if (pass.full)
          logger.info({ changes, milliseconds, services: store.services.size }, 'kernel tables are in sync');
        if (pass.full && store.services.size >= manyServices) setImmediate(giveBack);
        if (hasSynced) return;
        hasSynced = true;
        // Now there are rules that track, so they are there.
        const { sysctls = true } = options;
        if (sysctls !== false) setConntrackSysctls(sysctls === true ? {} : sysctls);
        events.event(node, 'Normal', 'Starting', '');
        resolveSynced();
      },
      onFailed() {
        metrics.syncFailures++;
        status.failed();
      },
      onMended(what) {
        logger.warn({ what }, 'kernel tables were changed by somebody else; mended');
        warnNode('ProxyTablesRepaired', `kernel tables were changed by somebody else; ${what}`);
      },
      onAudited(applied) {
        status.stands();
        if (applied.mended !== undefined) udp.cleanAll(applied, store);
      },
    },
    signal,
  );

  const informers = options.informers ?? createInformers(options, signal);
  const { services, endpointSlices } = informers;
  const own = { fieldSelector: `metadata.name=${options.nodeName}` };
  const nodes = informers.nodes ?? createInformer(options.client, resources.nodes, own, signal);
  const configured = (): boolean =>
    services.hasSynced && endpointSlices.hasSynced && nodes.hasSynced && ranges.hasSynced();
  const configure = (): void => syncer.configure(planeOptions(options, facts, ranges.current()));
  const touch = (): void => {
    status.queued();
    if (configured()) syncer.touch();
  };
  services.onChange((current, old) => {
    metrics.serviceChanges++;
    metrics.servicesPending++;
    store.setService(current, old);
    touch();
  });
  endpointSlices.onChange((current, old) => {
    metrics.sliceChanged(current, old);
    store.setSlice(current, old);
    touch();
  });
  let self: Node | undefined;
  const lookAtNode = (): void => {
    const now = nodeFacts(options, self);
    if (sameFacts(now, facts)) return;
    facts = now;
    store.setNode(facts.view);
    if (configured()) configure();
    touch();
  };
  nodes.onChange((current, old) => {
    if ((current ?? old)?.metadata.name !== options.nodeName) return;
    self = current;
    lookAtNode();
  });
  ranges.onChange(() => {
    if (!configured()) return;
    logger.info({ serviceCidrs: ranges.current() }, 'the ranges of cluster IPs are others now');
    configure();
  });

  const look = setInterval(() => {
    void syncer.audit();
    alarm.look();
    // Addresses come and go without a word in the Node; its own are told there.
    if (namesRanges(options.nodePortAddresses)) lookAtNode();
  }, lookMs);
  status.listen(warnNode);
  void Promise.all([services.synced, endpointSlices.synced, nodes.synced, ranges.synced]).then(configure);
  const stopped = new Promise<void>((resolve) => {
    const stop = async (): Promise<void> => {
      clearInterval(look);
      await Promise.all([syncer.close(), status.close(), health.close(), local.close()]);
      udp.close();
      resolve();
    };
    signal.addEventListener('abort', () => void stop(), { once: true });
  });
  return { synced, hasSynced: () => hasSynced, stopped };
}

function createInformers({ client }: ProxyOptions, signal: AbortSignal): ProxyInformers {
  return {
    services: createInformer(
      client,
      resources.services,
      { labelSelector: proxiedServices, transform: packService, reader: readServices },
      signal,
    ),
    endpointSlices: createInformer(
      client,
      resources.endpointSlices,
      { labelSelector: proxiedSlices, transform: packSlice, reader: readSlices },
      signal,
    ),
  };
}
