/**
 * Health check node ports: for a service with externalTrafficPolicy Local, a load balancer asks each node whether it has a
 * ready endpoint of its own. 200 with one, 503 without. Who asks by IPv6 is told of IPv6 endpoints: their number is the node's
 * weight, and a pod has an address in each family.
 *
 * Upstream: pkg/proxy/healthcheck/service_health.go.
 */
import type http from 'node:http';
import type { Service } from '../api/gen/types.ts';
import { endpoints, frontends, healthCheckPort, localReady } from '../model/index.ts';
import type { Family } from '../model/index.ts';
import { createServer } from '../util/http.ts';
import { log } from '../util/log.ts';
import { answer, json } from './answer.ts';
import { keepListening } from './listen.ts';
import type { Listening } from './listen.ts';
import type { StatusServer } from './status-server.ts';
import type { TableStore } from './table-store.ts';

interface Opened {
  readonly port: number;
  readonly server: http.Server;
  readonly listening: Listening;
  localEndpoints: Readonly<Record<Family, number>>;
}

const nobody = { IPv4: 0, IPv6: 0 };

const logger = log('proxy');

export class HealthPorts {
  readonly #opened = new Map<string, Opened>();
  readonly #nodeName: string;
  readonly #status: StatusServer;
  readonly #warn: (text: string, service: Service) => void;

  constructor(nodeName: string, status: StatusServer, warn: (text: string, service: Service) => void) {
    this.#nodeName = nodeName;
    this.#status = status;
    this.#warn = warn;
  }

  update(store: TableStore, services: readonly string[]): void {
    const portOf = (service: Service | undefined): number => (service === undefined ? 0 : healthCheckPort(service));
    // All that close before any that open: a port may go from one service to another.
    for (const key of services) {
      const old = this.#opened.get(key);
      if (old === undefined || old.port === portOf(store.services.get(key))) continue;
      this.#opened.delete(key);
      void shut(old);
    }
    for (const key of services) {
      const service = store.services.get(key);
      const port = portOf(service);
      if (service === undefined || port === 0) continue;
      const opened = this.#opened.get(key) ?? this.#open(key, service, port);
      opened.localEndpoints = countLocal(store, key, service);
    }
  }

  async close(): Promise<void> {
    const all = [...this.#opened.values()];
    this.#opened.clear();
    await Promise.all(all.map(shut));
  }

  #open(key: string, service: Service, port: number): Opened {
    const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
      this.#answer(key, service, familyOf(request), response);
    });
    const listening = keepListening(server, { port }, (error) => {
      logger.error({ service: key, port, err: error.message }, 'health check node port cannot be opened yet');
      this.#warn(
        `node ${this.#nodeName} failed to start healthcheck "${key}" on port ${String(port)}: ${error.message}`,
        service,
      );
      return true;
    });
    const opened = { port, server, listening, localEndpoints: nobody };
    this.#opened.set(key, opened);
    return opened;
  }

  #answer(key: string, { metadata }: Service, family: Family, response: http.ServerResponse): void {
    const count = (this.#opened.get(key)?.localEndpoints ?? nobody)[family];
    const healthy = this.#status.healthy;
    const body = {
      service: { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' },
      localEndpoints: count,
      serviceProxyHealthy: healthy,
    };
    const weight = { 'x-load-balancing-endpoint-weight': String(count) };
    answer(response, count > 0 && healthy ? 200 : 503, json, JSON.stringify(body, undefined, '\t'), weight);
  }
}

/** Pods, not ports: an endpoint that serves three ports counts once. */
function countLocal(store: TableStore, key: string, service: Service): Readonly<Record<Family, number>> {
  const slices = store.slicesOf(key);
  const found = { IPv4: new Set<string>(), IPv6: new Set<string>() };
  for (const frontend of frontends(service)) {
    for (const { address } of localReady(endpoints(slices, frontend), store.node)) found[frontend.family].add(address);
  }
  return { IPv4: found.IPv4.size, IPv6: found.IPv6.size };
}

/** One listener for both: an IPv4 client's address is a mapped one. */
function familyOf({ socket }: http.IncomingMessage): Family {
  const address = socket.localAddress ?? '';
  return address.includes(':') && !address.startsWith('::ffff:') ? 'IPv6' : 'IPv4';
}

function shut({ server, listening }: Opened): Promise<void> {
  server.closeAllConnections();
  return listening.close();
}
