/**
 * `localhost:nodePort` on the node itself: a listener on 127.0.0.1 and ::1 that passes connections on to an endpoint. In
 * userspace, because the kernel's way (route_localnet) opens the node's 127.0.0.1 to its neighbours (CVE-2020-8558). TCP only.
 * Upstream has the same since 1.37 (KEP-6032).
 */
import net from 'node:net';
import type { Endpoint, TableEntry } from '../model/index.ts';
import { log } from '../util/log.ts';
import { closed, listen } from './listen.ts';
import type { TableStore } from './table-store.ts';

interface Opened {
  readonly servers: readonly net.Server[];
  endpoints: readonly Endpoint[];
  affinitySeconds: number | undefined;
  stuck: { readonly endpoint: Endpoint; readonly until: number } | undefined;
}

const loopbacks = ['127.0.0.1', '::1'];
const connectMs = 5_000;
const logger = log('proxy');

export class LocalPorts {
  readonly #enabled: boolean;
  readonly #opened = new Map<number, Opened>();
  /** Which service a port belongs to. */
  readonly #owner = new Map<number, string>();
  readonly #sockets = new Set<net.Socket>();

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  update(store: TableStore, services: readonly string[]): void {
    if (!this.#enabled) return;
    for (const service of services) {
      const wanted = portsOf(store.entriesOf(service));
      for (const [port, owner] of this.#owner) if (owner === service && !wanted.has(port)) this.#shut(port);
      for (const [port, entry] of wanted) {
        if ((this.#owner.get(port) ?? service) === service) this.#open(port, service, entry);
      }
    }
  }

  async close(): Promise<void> {
    const servers = [...this.#opened.values()].flatMap((opened) => opened.servers);
    this.#opened.clear();
    this.#owner.clear();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(servers.map(closed));
  }

  #open(port: number, service: string, entry: TableEntry): void {
    const { endpoints } = entry.internal;
    const { affinitySeconds } = entry.frontend;
    const known = this.#opened.get(port);
    if (known !== undefined) {
      Object.assign(known, { endpoints, affinitySeconds });
      return;
    }
    const servers = loopbacks.map(() =>
      net.createServer({ allowHalfOpen: true }, (client) => this.#relay(client, port)),
    );
    this.#opened.set(port, { servers, endpoints, affinitySeconds, stuck: undefined });
    this.#owner.set(port, service);
    servers.forEach((server, i) => {
      void listen(server, port, loopbacks[i]).then((error) => {
        if (error === undefined || (error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL') return;
        logger.warn({ port, address: loopbacks[i], service, err: error.message }, 'localhost node port is not open');
      });
    });
  }

  #shut(port: number): void {
    for (const server of this.#opened.get(port)?.servers ?? []) void closed(server);
    this.#opened.delete(port);
    this.#owner.delete(port);
  }

  #relay(client: net.Socket, port: number): void {
    this.#track(client);
    const opened = this.#opened.get(port);
    if (opened === undefined) return void client.resetAndDestroy();
    const next = (rest: readonly Endpoint[]): void => {
      if (client.destroyed) return;
      const [endpoint, ...others] = rest;
      // Nobody answers: as the kernel would, refuse.
      if (endpoint === undefined) return void client.resetAndDestroy();
      const server = net.connect({
        host: endpoint.address,
        port: endpoint.port,
        timeout: connectMs,
        allowHalfOpen: true,
      });
      this.#track(server);
      const failed = (): void => {
        server.destroy();
        next(others);
      };
      server.once('error', failed);
      server.once('timeout', failed);
      server.once('connect', () => {
        server.off('error', failed).off('timeout', failed).setTimeout(0);
        if (client.destroyed) return void server.destroy();
        remember(opened, endpoint);
        join(client, server);
      });
    };
    next(order(opened));
  }

  #track(socket: net.Socket): void {
    this.#sockets.add(socket);
    // A client may reset while its endpoint is still being dialled; nobody else listens then, and it would end the process.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** Ports that would be answered: where nobody serves, nothing listens, so the client is refused. */
function portsOf(entries: readonly TableEntry[]): ReadonlyMap<number, TableEntry> {
  const wanted = new Map<number, TableEntry>();
  for (const entry of entries) {
    const { kind, protocol, port } = entry.frontend;
    if (kind === 'NodePort' && protocol === 'TCP' && entry.internal.verdict === 'forward' && !wanted.has(port)) {
      wanted.set(port, entry);
    }
  }
  return wanted;
}

/** The remembered endpoint first, then the others at random. */
function order({ endpoints, stuck }: Opened): readonly Endpoint[] {
  const mixed = endpoints
    .map((endpoint) => ({ endpoint, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ endpoint }) => endpoint);
  if (stuck === undefined || stuck.until < performance.now()) return mixed;
  const same = mixed.find(({ address, port }) => address === stuck.endpoint.address && port === stuck.endpoint.port);
  return same === undefined ? mixed : [same, ...mixed.filter((endpoint) => endpoint !== same)];
}

function remember(opened: Opened, endpoint: Endpoint): void {
  const seconds = opened.affinitySeconds;
  opened.stuck = seconds === undefined ? undefined : { endpoint, until: performance.now() + seconds * 1000 };
}

function join(client: net.Socket, server: net.Socket): void {
  // A half-closed side must stay half-closed for the other one.
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.resetAndDestroy());
  }
}
