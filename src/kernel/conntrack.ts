/**
 * Connection tracking over netlink: which flows the kernel remembers, and how to make it forget one. UDP has no end of its own,
 * so a flow that was translated to an endpoint that is gone stays that way for as long as its client keeps sending.
 *
 *   original   client:port -> VIP:port            what the client sent
 *   reply      endpoint:port -> client:port       who answers; another address than the VIP: the flow is translated
 *
 * Upstream: linux/netfilter/nfnetlink_conntrack.h.
 */
import { formatIp } from '../util/ip.ts';
import { NetlinkError, openNetlink } from './netlink.ts';
import { attribute, NetlinkWriter, nlm } from './netlink-message.ts';

export interface FlowSide {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface Flow {
  readonly original: FlowSide;
  readonly reply: FlowSide;
  /** What deletion needs, as the kernel sent it. */
  readonly handle: FlowHandle;
}

export interface FlowHandle {
  readonly family: number;
  readonly tuple: Buffer;
  readonly id: Buffer | undefined;
  readonly zone: Buffer | undefined;
}

export interface FlowFilter {
  readonly family: 'IPv4' | 'IPv6';
  /** IANA number. */
  readonly protocol: number;
}

export interface Conntrack {
  /** Visits every flow that the filter lets through; those of one moment, as far as a busy table has one. */
  each(filter: FlowFilter, visit: (flow: Flow) => void): void;
  /** False: it was gone already. */
  forget(handle: FlowHandle): boolean;
  close(): void;
}

const subsystem = 1 << 8;
const msg = { get: 1, delete: 2 };
const cta = { original: 1, reply: 2, id: 12, zone: 18, filter: 25 };
const tuple = { ip: 1, protocol: 2 };
const address = { v4Source: 1, v4Destination: 2, v6Source: 3, v6Destination: 4 };
const port = { protocol: 1, source: 2, destination: 3 };
const filterFlags = { original: 1, reply: 2, protocolNumber: 1 << 3 };
const families = { IPv4: 2, IPv6: 10 };

export function openConntrack(netns?: string): Conntrack {
  const socket = openNetlink(netns);
  let sequence = 0;
  let filterInKernel = true;

  const dump = (filter: FlowFilter, visit: (flow: Flow) => void): void => {
    const writer = new NetlinkWriter(256);
    writer.begin(subsystem | msg.get, nlm.request | nlm.dump, families[filter.family], ++sequence);
    if (filterInKernel) writeFilter(writer, filter.protocol);
    writer.end();
    // A table that changes meanwhile is no reason to begin again: a flow made now already meets the new rules.
    socket.dump(writer.bytes, sequence, ({ body }) => {
      const flow = readFlow(body, filter);
      if (flow !== undefined) visit(flow);
    });
  };

  return {
    each(filter, visit) {
      try {
        dump(filter, visit);
      } catch (error) {
        // Kernels before 5.8 know no such filter.
        if (!filterInKernel || !(error instanceof NetlinkError) || error.code === 'EPERM') throw error;
        filterInKernel = false;
        dump(filter, visit);
      }
    },
    forget(handle) {
      const writer = new NetlinkWriter(512);
      writer.begin(subsystem | msg.delete, nlm.request | nlm.ack, handle.family, ++sequence);
      writer.attribute(cta.original | 0x8000, handle.tuple);
      if (handle.id !== undefined) writer.attribute(cta.id, handle.id);
      if (handle.zone !== undefined) writer.attribute(cta.zone, handle.zone);
      writer.end();
      try {
        socket.request(writer.bytes, sequence);
        return true;
      } catch (error) {
        if (error instanceof NetlinkError && error.code === 'ENOENT') return false;
        throw error;
      }
    },
    close: () => socket.close(),
  };
}

function writeFilter(writer: NetlinkWriter, protocol: number): void {
  const original = writer.open(cta.original);
  const part = writer.open(tuple.protocol);
  writer.attribute(port.protocol, Buffer.from([protocol]));
  writer.close(part);
  writer.close(original);
  const filter = writer.open(cta.filter);
  writer.attribute(filterFlags.original, u32(filterFlags.protocolNumber));
  writer.attribute(filterFlags.reply, u32(0));
  writer.close(filter);
}

function readFlow(body: Buffer, filter: FlowFilter): Flow | undefined {
  const original = attribute(body, 4, cta.original);
  const reply = attribute(body, 4, cta.reply);
  if (original === undefined || reply === undefined) return undefined;
  const sides = [readSide(original, filter), readSide(reply, filter)] as const;
  if (sides[0] === undefined || sides[1] === undefined) return undefined;
  const copy = (bytes: Buffer | undefined): Buffer | undefined =>
    bytes === undefined ? undefined : Buffer.from(bytes);
  return {
    original: sides[0],
    reply: sides[1],
    handle: {
      family: body.readUInt8(0),
      tuple: Buffer.from(original),
      id: copy(attribute(body, 4, cta.id)),
      zone: copy(attribute(body, 4, cta.zone)),
    },
  };
}

function readSide(bytes: Buffer, { family, protocol }: FlowFilter): FlowSide | undefined {
  const ip = attribute(bytes, 0, tuple.ip);
  const ports = attribute(bytes, 0, tuple.protocol);
  if (ip === undefined || ports === undefined || attribute(ports, 0, port.protocol)?.[0] !== protocol) return undefined;
  const source = attribute(ip, 0, family === 'IPv4' ? address.v4Source : address.v6Source);
  const destination = attribute(ip, 0, family === 'IPv4' ? address.v4Destination : address.v6Destination);
  if (source === undefined || destination === undefined) return undefined;
  return {
    source: addressText(source),
    destination: addressText(destination),
    sourcePort: attribute(ports, 0, port.source)?.readUInt16BE(0) ?? 0,
    destinationPort: attribute(ports, 0, port.destination)?.readUInt16BE(0) ?? 0,
  };
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  return formatIp({ family: 'IPv6', value: BigInt(`0x${bytes.toString('hex')}`) });
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
