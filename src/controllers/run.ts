/**
 * `runControllers`: all loops in one process, over one set of shared informers.
 *
 *   await runControllers(client, { caCert, clusterCidr: ['10.244.0.0/16'] }, signal);   resolves when the signal aborts
 */
import { once } from 'node:events';
import { resources } from '../api/resources.ts';
import type { Client } from '../client/index.ts';
import { log } from '../util/log.ts';
import { createContext } from './context.ts';
import type { ControllerContext } from './context.ts';
import { runCertificateCleaner } from './certificates/cleaner.ts';
import { runCertificateSigning } from './certificates/signing.ts';
import { runDisruptionBudgets } from './disruption/budgets.ts';
import { runEndpoints } from './endpoints/endpoints.ts';
import { runEndpointMirroring } from './endpoints/mirroring.ts';
import { createSelection } from './endpoints/selection.ts';
import { runEndpointSlices } from './endpoints/slices.ts';
import { runGarbageCollector } from './gc/collector.ts';
import { runNamespaceDefaults } from './namespaces/defaults.ts';
import { runNamespaceDeletion } from './namespaces/deletion.ts';
import { runTaintEviction } from './nodes/eviction.ts';
import { runNodeIpam } from './nodes/ipam.ts';
import { runNodeLifecycle } from './nodes/lifecycle.ts';
import { runPodGc } from './nodes/pod-gc.ts';
import type { ControllerOptions } from './options.ts';
import { runRoleAggregation } from './roles/aggregation.ts';
import { runScheduler } from './scheduling/scheduler.ts';
import { runServiceCidrs } from './services/service-cidrs.ts';
import { runClaimProtection } from './volumes/pvc-protection.ts';
import { runVolumeProtection } from './volumes/pv-protection.ts';
import { runAttributesProtection } from './volumes/vac-protection.ts';
import { runCronJobs } from './workloads/cron-job.ts';
import { runDeployments } from './workloads/deployment.ts';
import { runDaemonSets } from './workloads/daemon-set.ts';
import { runJobExpiry } from './workloads/job-expiry.ts';
import { runJobs } from './workloads/job.ts';
import { runReplicaSets, runReplicationControllers } from './workloads/replica-set.ts';
import { runStatefulSets } from './workloads/stateful-set.ts';

const loops = {
  namespace: runNamespaceDefaults,
  'namespace-deletion': runNamespaceDeletion,
  'node-ipam': runNodeIpam,
  'node-lifecycle': runNodeLifecycle,
  'taint-eviction': runTaintEviction,
  'pod-gc': runPodGc,
  scheduler: runScheduler,
  replicaset: runReplicaSets,
  replicationcontroller: runReplicationControllers,
  daemonset: runDaemonSets,
  statefulset: runStatefulSets,
  job: runJobs,
  'ttl-after-finished': runJobExpiry,
  cronjob: runCronJobs,
  deployment: runDeployments,
  endpoints: runBothEndpoints,
  'endpointslice-mirroring': runEndpointMirroring,
  'clusterrole-aggregation': runRoleAggregation,
  csrsigning: runCertificateSigning,
  csrcleaner: runCertificateCleaner,
  'service-cidr': runServiceCidrs,
  disruption: runDisruptionBudgets,
  'pvc-protection': runClaimProtection,
  'pv-protection': runVolumeProtection,
  'vac-protection': runAttributesProtection,
  'garbage-collector': runGarbageCollector,
} satisfies Readonly<Record<string, (context: ControllerContext) => void>>;

const loopNames: readonly string[] = Object.keys(loops);

const logger = log('controllers');

export async function runControllers(client: Client, options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const without = options.without ?? [];
  const unknown = without.find((name) => !loopNames.includes(name));
  if (unknown !== undefined) {
    throw new Error(`unknown controller "${unknown}"; the controllers are ${loopNames.join(', ')}`);
  }
  if (signal.aborted) return;
  const context = createContext(client, options, signal);
  for (const [name, start] of Object.entries(loops)) if (!without.includes(name)) start(context);
  const ended = once(signal, 'abort');
  void context.views.synced().then(() => logger.info({ without }, 'controllers are complete'));
  await ended;
}

/** Endpoints and EndpointSlices are two forms of one thing: who is behind a service is worked out once for both. */
function runBothEndpoints(context: ControllerContext): void {
  const selection = createSelection(context.views.of(resources.services), context.views.of(resources.pods));
  runEndpointSlices(context, selection);
  runEndpoints(context, selection);
}
