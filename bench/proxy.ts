/**
 * How fast the proxy programs the kernel: full load, restart and one change, at several sizes, beside the floor: the kernel's
 * own time for that many elements, with bytes made beforehand. Run as root; works in a network namespace of its own.
 *
 *   scripts/with-node bench/proxy.ts [SERVICESxENDPOINTS …]      default 1000x10 10000x10 5000x50
 */
import { execFileSync } from 'node:child_process';
import { createDataPlane } from '../src/dataplane/index.ts';
import type { DataPlaneOptions } from '../src/dataplane/index.ts';
import { openNft, openNftElements } from '../src/kernel/index.ts';
import type { NftElement } from '../src/kernel/index.ts';
import { buildTable, serviceEntries } from '../src/model/index.ts';
import type { NodeView } from '../src/model/index.ts';
import type { EndpointSlice, Service } from '../src/api/gen/types.ts';

interface Size {
  readonly services: number;
  readonly endpoints: number;
}

const node: NodeView = { nodeName: 'node-1', zone: undefined, addresses: ['10.10.10.1'] };
const changes = 200;

export async function benchProxy(sizes: readonly Size[]): Promise<void> {
  for (const size of sizes) {
    const name = `t-bench-proxy-${String(process.pid)}`;
    execFileSync('ip', ['netns', 'add', name]);
    try {
      await one(size, `/run/netns/${name}`);
    } finally {
      execFileSync('ip', ['netns', 'del', name]);
    }
  }
}

async function one(size: Size, netns: string): Promise<void> {
  const options: DataPlaneOptions = {
    netns,
    podCidrs: ['10.244.1.0/24'],
    serviceCidrs: ['10.96.0.0/12'],
    nonMasqueradeCidrs: ['10.0.0.0/8'],
  };
  const floorMs = floor(netns, size.services * size.endpoints);
  const services = Array.from({ length: size.services }, (_, i) => serviceAt(i));
  const slices = services.map((_, i) => sliceAt(i, size.endpoints));

  let began = performance.now();
  const table = buildTable({ services, slices, node });
  const modelMs = performance.now() - began;
  let plane = createDataPlane(options);
  began = performance.now();
  const loaded = await plane.start(table.entries.values());
  const loadMs = performance.now() - began;

  const times: number[] = [];
  for (let i = 0; i < changes; i++) {
    const at = (i * 7919) % size.services;
    const service = services[at] ?? serviceAt(at);
    began = performance.now();
    // Endpoints move by one: one goes, one comes.
    const set = serviceEntries(service, [sliceAt(at, size.endpoints, i + 1)], node);
    await plane.apply({ set, remove: [] });
    times.push(performance.now() - began);
  }
  plane.close();

  plane = createDataPlane(options);
  began = performance.now();
  const repaired = await plane.start(table.entries.values());
  const restartMs = performance.now() - began;
  plane.close();
  times.sort((a, b) => a - b);
  const at = (quantile: number): string => (times[Math.floor(times.length * quantile)] ?? 0).toFixed(2);
  const line = (what: string, value: string): void => {
    process.stdout.write(`proxy ${String(size.services)}x${String(size.endpoints)}  ${what.padEnd(34)} ${value}\n`);
  };
  line('full load: model', `${modelMs.toFixed(0)} ms`);
  line(
    'full load: kernel',
    `${loadMs.toFixed(0)} ms (${String(loaded.changes)} elements; floor ${floorMs.toFixed(0)} ms)`,
  );
  line('one service changes: p50, p99', `${at(0.5)} ms, ${at(0.99)} ms`);
  line('restart until repaired', `${restartMs.toFixed(0)} ms (${String(repaired.changes)} elements differed)`);
  line('resident memory', `${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB (with the objects of this bench)`);
}

/** The kernel alone: as many elements of the same shape, in transactions of the same size. */
function floor(netns: string, count: number): number {
  const nft = openNft(netns);
  nft.run(
    'add table ip floor\nadd map ip floor m { type ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service; }\n',
  );
  const elements: NftElement[] = Array.from({ length: count }, (_, i) => {
    const key = Buffer.alloc(16);
    key.writeUInt32LE(i);
    return { key, value: Buffer.from([10, 244, 0, 1, 31, 144, 0, 0]) };
  });
  const kernel = openNftElements(netns);
  const began = performance.now();
  for (let i = 0; i < count; i += 20_000) {
    kernel.commit([{ verb: 'add', family: 'ip', table: 'floor', set: 'm', elements: elements.slice(i, i + 20_000) }]);
  }
  const took = performance.now() - began;
  kernel.close();
  nft.run('delete table ip floor\n');
  nft.close();
  return took;
}

function serviceAt(i: number): Service {
  return {
    metadata: { name: `s-${String(i)}`, namespace: 'bench', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      type: 'ClusterIP',
      clusterIPs: [`10.${String(96 + (i >> 16))}.${String((i >> 8) & 255)}.${String(i & 255)}`],
      ports: [{ port: 80, protocol: 'TCP' }],
    },
  };
}

function sliceAt(i: number, endpoints: number, shift = 0): EndpointSlice {
  return {
    metadata: {
      name: `s-${String(i)}-1`,
      namespace: 'bench',
      labels: { 'kubernetes.io/service-name': `s-${String(i)}` },
    },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: endpoints }, (_, j) => {
      const n = (i * endpoints + j + shift) % 65_000;
      return { addresses: [`10.244.${String(n >> 8)}.${String(n & 255 || 1)}`], nodeName: `node-${String(j)}` };
    }),
  };
}

if (import.meta.main) {
  const asked = process.argv.slice(2).map((text) => text.split('x').map(Number));
  const sizes = asked.map(([services = 0, endpoints = 0]) => ({ services, endpoints }));
  const usual = [
    { services: 1_000, endpoints: 10 },
    { services: 10_000, endpoints: 10 },
    { services: 5_000, endpoints: 50 },
  ];
  await benchProxy(sizes.length > 0 ? sizes : usual);
}
