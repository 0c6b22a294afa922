/**
 * `localhost:nodePort` on the node itself: a listener on 127.0.0.1 and ::1 that passes connections on to the node port at the
 * node's own address. In userspace, because the kernel's way (route_localnet) opens the node's 127.0.0.1 to its neighbours
 * (CVE-2020-8558). TCP only. Upstream has the same since 1.37 (KEP-6032).
 *
 *   client ─ 127.0.0.1:30080 ─ listener ─ 10.10.10.1:30080 ─ the kernel's tables ─ endpoint
 *
 * The kernel chooses, so session affinity is the node's: a client here meets the endpoint that the node's other ways to the
 * service port lead to.
 */
import net from 'node:net';
import type { TableEntry } from '../model/index.ts';
import { log } from '../util/log.ts';
import { closed, listen } from './listen.ts';
import type { TableStore } from './table-store.ts';

interface Opened {
  readonly servers: readonly net.Server[];
  /** Of the node, where the kernel answers for the port. */
  address: string;
}

const loopbacks = ['127.0.0.1', '::1'];
const connectMs = 5_000;
const logger = log('proxy');

export class LocalPorts {
  readonly #enabled: boolean;
  readonly #opened = new Map<number, Opened>();
  /** Which service a port belongs to, and the other way round. */
  readonly #owner = new Map<number, string>();
  readonly #ports = new Map<string, Set<number>>();
  readonly #sockets = new Set<net.Socket>();

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  update(store: TableStore, services: readonly string[]): void {
    if (!this.#enabled) return;
    for (const service of services) {
      const had = this.#ports.get(service);
      const mayHave = store.services.get(service)?.spec?.ports?.some(({ nodePort = 0 }) => nodePort > 0) ?? false;
      if (had === undefined && !mayHave) continue;
      const wanted = portsOf(store.entriesOf(service));
      for (const port of had ?? []) if (!wanted.has(port)) this.#shut(port);
      for (const [port, { address }] of wanted) {
        if ((this.#owner.get(port) ?? service) === service) this.#open(port, service, address);
      }
    }
  }

  async close(): Promise<void> {
    const servers = [...this.#opened.values()].flatMap((opened) => opened.servers);
    this.#opened.clear();
    this.#owner.clear();
    this.#ports.clear();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(servers.map(closed));
  }

  #open(port: number, service: string, address: string): void {
    const known = this.#opened.get(port);
    if (known !== undefined) {
      known.address = address;
      return;
    }
    const servers = loopbacks.map(() =>
      net.createServer({ allowHalfOpen: true }, (client) => this.#relay(client, port)),
    );
    this.#opened.set(port, { servers, address });
    this.#owner.set(port, service);
    const ports = this.#ports.get(service);
    if (ports === undefined) this.#ports.set(service, new Set([port]));
    else ports.add(port);
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
    const service = this.#owner.get(port) ?? '';
    this.#owner.delete(port);
    const ports = this.#ports.get(service);
    ports?.delete(port);
    if (ports?.size === 0) this.#ports.delete(service);
  }

  #relay(client: net.Socket, port: number): void {
    this.#track(client);
    const host = this.#opened.get(port)?.address;
    if (host === undefined) return void client.resetAndDestroy();
    const server = net.connect({ host, port, timeout: connectMs, allowHalfOpen: true });
    this.#track(server);
    const failed = (): void => {
      server.destroy();
      // What the kernel refuses is refused here too.
      client.resetAndDestroy();
    };
    server.once('error', failed);
    server.once('timeout', failed);
    server.once('connect', () => {
      server.off('error', failed).off('timeout', failed).setTimeout(0);
      if (client.destroyed) return void server.destroy();
      join(client, server);
    });
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
