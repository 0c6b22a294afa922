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
import { entryKey } from '../model/index.ts';
import type { TableEntry } from '../model/index.ts';
import { log } from '../util/log.ts';
import { keepListening } from './listen.ts';
import type { Listening } from './listen.ts';
import type { TableStore } from './table-store.ts';

interface Opened {
  readonly listening: readonly Listening[];
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
    const wanted = new Map<string, ReadonlyMap<number, TableEntry>>();
    const freed = new Set<number>();
    // All that close before any that open: a port may go from one service to another.
    for (const service of services) {
      const had = this.#ports.get(service);
      const mayHave = store.services.get(service)?.spec?.ports?.some(({ nodePort = 0 }) => nodePort > 0) ?? false;
      if (had === undefined && !mayHave) continue;
      const ports = portsOf(store.entriesOf(service));
      wanted.set(service, ports);
      for (const port of had ?? []) {
        if (ports.has(port)) continue;
        this.#shut(port);
        freed.add(port);
      }
    }
    for (const [service, ports] of wanted) {
      for (const [port, { address }] of ports) {
        if ((this.#owner.get(port) ?? service) === service) this.#open(port, service, address);
      }
    }
    for (const port of freed) if (!this.#owner.has(port)) this.#pass(store, port);
  }

  /** To a service that claimed the port too, and did not get it as long as an older one had it. */
  #pass(store: TableStore, port: number): void {
    for (const address of store.node.addresses) {
      const entry = store.entries.get(entryKey(address, 'TCP', port));
      if (entry === undefined || !portsOf([entry]).has(port)) continue;
      const { namespace, name } = entry.frontend.service;
      return this.#open(port, `${namespace}/${name}`, address);
    }
  }

  async close(): Promise<void> {
    const listening = [...this.#opened.values()].flatMap((opened) => opened.listening);
    this.#opened.clear();
    this.#owner.clear();
    this.#ports.clear();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(listening.map((one) => one.close()));
  }

  #open(port: number, service: string, address: string): void {
    const known = this.#opened.get(port);
    if (known !== undefined) {
      known.address = address;
      return;
    }
    const listening = loopbacks.map((loopback) => {
      const server = net.createServer({ allowHalfOpen: true }, (client) => this.#relay(client, port));
      return keepListening(server, { port, address: loopback }, ({ code, message }) => {
        // A machine without IPv6.
        if (code === 'EADDRNOTAVAIL') return false;
        logger.warn({ port, address: loopback, service, err: message }, 'localhost node port is not open yet');
        return true;
      });
    });
    this.#opened.set(port, { listening, address });
    this.#owner.set(port, service);
    const ports = this.#ports.get(service);
    if (ports === undefined) this.#ports.set(service, new Set([port]));
    else ports.add(port);
  }

  #shut(port: number): void {
    for (const one of this.#opened.get(port)?.listening ?? []) void one.close();
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
