/**
 * /livez, /readyz, /healthz, and each check under its own path. `?verbose` lists them, `?exclude=NAME` leaves one out.
 * Upstream: k8s.io/apiserver/pkg/server/healthz.
 */
import type { Exchange, Server } from '../context.ts';
import { send, sendNoSuchPath } from '../http/respond.ts';

type Check = (server: Server) => boolean;

/** What a server that listens has done: clients look for these by name. */
const startHooks = [
  'start-apiserver-admission-initializer',
  'generic-apiserver-start-informers',
  'start-apiextensions-informers',
  'start-apiextensions-controllers',
  'crd-informer-synced',
  'start-system-namespaces-controller',
  'start-cluster-authentication-info-controller',
  'start-service-ip-repair-controllers',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer',
  'bootstrap-controller',
  'storage-readiness',
  'start-kube-aggregator-informers',
  'apiservice-status-local-available-controller',
  'apiservice-status-remote-available-controller',
  'apiservice-registration-controller',
  'apiservice-discovery-controller',
  'kube-apiserver-autoregistration',
  'apiservice-openapi-controller',
  'apiservice-openapiv3-controller',
];

const checks: Readonly<Record<string, Check>> = {
  ping: () => true,
  log: () => true,
  // There is none, and its name is what clients ask for: whether the store can be read.
  etcd: (server) => server.store.revision >= 1,
  ...Object.fromEntries(startHooks.map((name) => [`poststarthook/${name}`, () => true])),
  'autoregister-completion': () => true,
};

const readyOnly: Readonly<Record<string, Check>> = {
  'informer-sync': () => true,
  shutdown: (server) => !server.stopping.aborted,
};

/** /metrics/slis: the state of each check now. Upstream: component-base/metrics/prometheus/slis. */
export function renderHealthMetrics(server: Server): string {
  const lines = ['healthz', 'livez', 'readyz'].flatMap((type) =>
    Object.entries(type === 'readyz' ? { ...checks, ...readyOnly } : checks).map(
      ([name, check]) => `kubernetes_healthcheck{name="${name}",type="${type}"} ${check(server) ? '1' : '0'}`,
    ),
  );
  const name = 'kubernetes_healthcheck';
  const head = [
    `# HELP ${name} [STABLE] This metric records the result of a single healthcheck.`,
    `# TYPE ${name} gauge`,
  ];
  return `${[...head, ...lines].join('\n')}\n`;
}

export async function serveHealth(exchange: Exchange): Promise<void> {
  const [, probe = '', ...rest] = exchange.path.split('/');
  const all = probe === 'readyz' ? { ...checks, ...readyOnly } : checks;
  const one = rest.join('/');
  if (one !== '') {
    const check = all[one];
    if (check === undefined) return sendNoSuchPath(exchange);
    const fine = check(exchange.server);
    return send(
      exchange,
      fine ? 200 : 500,
      'text/plain; charset=utf-8',
      fine ? 'ok' : `internal server error: ${one} failed\n`,
    );
  }
  const excluded = new Set(exchange.query.getAll('exclude'));
  const results = Object.entries(all).map(([name, check]) => {
    if (excluded.has(name)) return { line: `[+]${name} excluded: ok`, fine: true };
    const fine = check(exchange.server);
    return { line: fine ? `[+]${name} ok` : `[-]${name} failed: reason withheld`, fine };
  });
  const fine = results.every((result) => result.fine);
  const lines = results.map((result) => result.line).join('\n');
  const verdict = `${probe} check ${fine ? 'passed' : 'failed'}`;
  const verbose = exchange.query.has('verbose') || !fine;
  await send(exchange, fine ? 200 : 500, 'text/plain; charset=utf-8', verbose ? `${lines}\n${verdict}\n` : 'ok');
}
