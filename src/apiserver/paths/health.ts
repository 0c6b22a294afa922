/**
 * /livez, /readyz, /healthz, and each check under its own path. `?verbose` lists them, `?exclude=NAME` leaves one out.
 * Upstream: k8s.io/apiserver/pkg/server/healthz.
 */
import type { Exchange, Server } from '../context.ts';
import { noSuchResource } from '../errors.ts';
import { send } from '../http/respond.ts';

type Check = (server: Server) => boolean;

const checks: Readonly<Record<string, Check>> = {
  ping: () => true,
  log: () => true,
  store: (server) => server.store.revision >= 1,
};

const readyOnly: Readonly<Record<string, Check>> = {
  'poststarthook/bootstrap': () => true,
  shutdown: (server) => !server.stopping.aborted,
};

export async function serveHealth(exchange: Exchange): Promise<void> {
  const [, probe = '', ...rest] = exchange.path.split('/');
  const all = probe === 'readyz' ? { ...checks, ...readyOnly } : checks;
  const one = rest.join('/');
  if (one !== '') {
    const check = all[one];
    if (check === undefined) throw noSuchResource();
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
