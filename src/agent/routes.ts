/**
 * Routes to the pods of the other nodes: each node is the gateway of its own range (all nodes are on one LAN).
 *
 * The node's own range is unreachable but for its pods (each has a route of its own): what is sent to a pod that is gone ends here.
 *
 *   Node informer ─> wanted { range via InternalIP } ─ difference to what the kernel has (proto 86) ─> ip -batch
 */
import type { Node } from '../api/gen/types.ts';
import type { Informer } from '../client/index.ts';
import { log } from '../util/log.ts';
import { createWorkQueue } from '../util/queue.ts';
import { run } from './command.ts';

/** Marks our routes in the kernel, so that ours alone are ever taken away. */
const routeProtocol = '86';

const logger = log('agent');

const unreachable = 'unreachable';
/** So long the kernel is believed to have what it was given: nodes of a new cluster come one after the other, at once. */
const trustMs = 5000;

/** `range → gateway`; this node's own: unreachable. */
export function wantedRoutes(nodes: Iterable<Node>, self: string): Map<string, string> {
  const routes = new Map<string, string>();
  for (const node of nodes) {
    const ranges = node.spec?.podCIDRs ?? (node.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR]);
    const addresses = (node.status?.addresses ?? []).filter((address) => address.type === 'InternalIP');
    for (const range of ranges) {
      if (node.metadata?.name === self) {
        routes.set(range, unreachable);
        continue;
      }
      const gateway = addresses.find((address) => address.address.includes(':') === range.includes(':'));
      if (gateway !== undefined) routes.set(range, gateway.address);
    }
  }
  return routes;
}

interface RouteListing {
  readonly type?: string;
  readonly dst?: string;
  readonly gateway?: string;
}

/** Resolves when the routes to the nodes known by then are in; goes on until the signal aborts. */
export async function keepPodRoutes(nodes: Informer<Node>, self: string, signal: AbortSignal): Promise<void> {
  let firstDone: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (firstDone = resolve));
  let known: ReadonlyMap<string, string> = new Map();
  let readAt = -Infinity;
  const queue = createWorkQueue(
    async () => {
      const wanted = wantedRoutes(nodes.list(), self);
      const isFresh = performance.now() - readAt < trustMs;
      const have = isFresh ? known : await currentRoutes();
      if (!isFresh) readAt = performance.now();
      await applyRoutes(wanted, have).catch((error: unknown) => {
        readAt = -Infinity;
        throw error;
      });
      known = wanted;
      firstDone();
    },
    signal,
    {
      concurrency: 1,
      baseMs: 200,
      maxMs: 10_000,
      onError: (_key, error) => logger.warn({ err: error }, 'pod routes are not in'),
    },
  );
  signal.addEventListener('abort', () => firstDone(), { once: true });
  await nodes.synced;
  nodes.onChange((current, old) => {
    if (current === undefined || old === undefined || routeText(current) !== routeText(old)) queue.add('routes');
  });
  queue.add('routes');
  await first;
}

function routeText(node: Node): string {
  return JSON.stringify([...wantedRoutes([node], '')]);
}

async function applyRoutes(wanted: ReadonlyMap<string, string>, have: ReadonlyMap<string, string>): Promise<void> {
  const lines: string[] = [];
  for (const range of have.keys()) {
    // A route of another type is another route: replacing leaves the old one there.
    const old = have.get(range);
    if (wanted.get(range) === old || (wanted.has(range) && old !== unreachable && wanted.get(range) !== unreachable))
      continue;
    lines.push(`route del ${old === unreachable ? 'unreachable ' : ''}${range} proto ${routeProtocol}`);
  }
  for (const [range, gateway] of wanted) {
    const target = gateway === unreachable ? `unreachable ${range}` : `${range} via ${gateway}`;
    if (have.get(range) !== gateway) lines.push(`route replace ${target} proto ${routeProtocol}`);
  }
  if (lines.length > 0)
    await run('ip', ['-force', '-batch', '-'], { input: `${lines.join('\n')}\n`, timeoutMs: 20_000 });
}

/** Of both families: `table all` is what makes `ip` list them together. */
async function currentRoutes(): Promise<Map<string, string>> {
  const command = ['-json', 'route', 'show', 'table', 'all', 'proto', routeProtocol];
  const { stdout } = await run('ip', command, { timeoutMs: 20_000 });
  const list = JSON.parse(stdout.trim() === '' ? '[]' : stdout) as RouteListing[];
  return new Map(
    list.flatMap(({ dst, gateway = '', type }) =>
      dst === undefined ? [] : [[dst, type === unreachable ? unreachable : gateway] as const],
    ),
  );
}
