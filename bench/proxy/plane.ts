/**
 * The data plane at one size, in a process and a network namespace of its own: what it takes to load the kernel, to change one
 * endpoint, to start again. The floor is the kernel's own time for as many elements, with bytes made beforehand.
 */
import { createDataPlane } from '../../src/dataplane/index.ts';
import type { DataPlane, DataPlaneOptions } from '../../src/dataplane/index.ts';
import { giveBack, openNft, openNftElements } from '../../src/kernel/index.ts';
import type { NftElement, NftElements } from '../../src/kernel/index.ts';
import { buildTable, serviceEntries } from '../../src/model/index.ts';
import type { NodeView } from '../../src/model/index.ts';
import type { Service } from '../../src/api/gen/types.ts';
import { quantile } from '../support/report.ts';
import { threadMs } from '../support/thread-time.ts';
import { podCidr, serviceAt, serviceCidr, sliceAt } from './objects.ts';
import type { Size } from './objects.ts';

export interface PlaneFigures {
  readonly modelMs: number;
  readonly loadMs: number;
  readonly elements: number;
  readonly loadFloorMs: number;
  /** p50, p99 */
  readonly changeMs: readonly [number, number];
  readonly changeFloorMs: readonly [number, number];
  /** The same changes in time on the processor: what a busy machine takes away is not in it. */
  readonly changeCpuMs: readonly [number, number];
  readonly changeCpuFloorMs: readonly [number, number];
  readonly restartMs: number;
  readonly restartFloorMs: number;
}

const node: NodeView = { nodeName: 'node-1', zone: undefined, addresses: ['10.10.10.1'] };
const changes = 500;

export async function measurePlane(size: Size, netns: string): Promise<PlaneFigures> {
  const options: DataPlaneOptions = {
    netns,
    podCidrs: ['10.244.1.0/24'],
    serviceCidrs: [serviceCidr],
    nonMasqueradeCidrs: [podCidr],
  };
  const floor = measureFloor(netns, size.services * size.endpoints);
  const services = Array.from({ length: size.services }, (_, i) => serviceAt(i));
  const { plane, modelMs, loadMs, elements } = await load(size, services, options);
  const change = await changeEach(size, services, plane);
  plane.close();
  const again = await load(size, services, options);
  again.plane.close();
  const quantiles = (times: readonly number[]): [number, number] => [quantile(times, 0.5), quantile(times, 0.99)];
  return {
    modelMs,
    loadMs,
    elements,
    loadFloorMs: floor.loadMs,
    changeMs: quantiles(change.ms),
    changeFloorMs: quantiles(floor.change.ms),
    changeCpuMs: quantiles(change.cpuMs),
    changeCpuFloorMs: quantiles(floor.change.cpuMs),
    restartMs: again.loadMs,
    restartFloorMs: floor.listMs,
  };
}

/** Into an empty table, or a second time: then it is a restart. */
async function load(
  { endpoints }: Size,
  services: readonly Service[],
  options: DataPlaneOptions,
): Promise<Pick<PlaneFigures, 'modelMs' | 'loadMs' | 'elements'> & { readonly plane: DataPlane }> {
  const slices = services.map((_, i) => sliceAt(i, endpoints));
  let began = performance.now();
  const table = buildTable({ services, slices, node });
  const modelMs = performance.now() - began;
  const plane = createDataPlane(options);
  began = performance.now();
  const { changes: elements } = await plane.start(table.entries.values());
  const loadMs = performance.now() - began;
  return { plane, modelMs, loadMs, elements };
}

async function changeEach({ endpoints }: Size, services: readonly Service[], plane: DataPlane): Promise<Times> {
  // As the proxy does after its start.
  giveBack();
  const times = new Times();
  for (let i = 0; i < changes; i++) {
    const at = (i * 7919) % services.length;
    const done = times.begin();
    // The window of pods moves by one: one endpoint goes, one comes.
    const set = serviceEntries(services[at] ?? serviceAt(at), [sliceAt(at, endpoints, i + 1)], node);
    await plane.apply({ set, remove: [] });
    done();
    // As in a process that has other work: a change does not come in the turn of the one before.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return times;
}

/** Of single pieces of work: by the clock, and on the processor. */
class Times {
  readonly ms: number[] = [];
  readonly cpuMs: number[] = [];

  begin(): () => void {
    const cpu = threadMs();
    const began = performance.now();
    return () => {
      this.ms.push(performance.now() - began);
      this.cpuMs.push(threadMs() - cpu);
    };
  }
}

interface Floor {
  readonly loadMs: number;
  readonly change: Times;
  readonly listMs: number;
}

/** The kernel and the bytes of its messages, nothing else: elements of the same shape, in as many maps, in transactions of the same size. */
function measureFloor(netns: string, count: number): Floor {
  const nft = openNft(netns);
  const map = 'type ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service;';
  nft.run(`add table ip floor\n${floorMaps.map((name) => `add map ip floor ${name} { ${map} }\n`).join('')}`);
  const value = Buffer.from([10, 244, 0, 1, 31, 144, 0, 0]);
  const elements: NftElement[] = Array.from({ length: count }, (_, i) => ({ key: numbered(i), value }));
  const kernel = openNftElements(netns);
  let began = performance.now();
  for (let i = 0; i < count; i += 20_000) {
    const some = Map.groupBy(elements.slice(i, i + 20_000), ({ key }) => floorMap(key));
    kernel.commit([...some].map(([set, part]) => ({ verb: 'add', family: 'ip', table: 'floor', set, elements: part })));
  }
  const loadMs = performance.now() - began;
  const change = oneByOne(kernel, count);
  began = performance.now();
  for (const name of floorMaps) kernel.scan('ip', 'floor', name, () => undefined);
  const listMs = performance.now() - began;
  kernel.close();
  nft.run('delete table ip floor\n');
  nft.close();
  return { loadMs, change, listMs };
}

const floorMaps = Array.from({ length: 32 }, (_, i) => `m${String(i)}`);

function floorMap(key: Uint8Array): string {
  return floorMaps[(key[0] ?? 0) % floorMaps.length] ?? '';
}

function oneByOne(kernel: NftElements, count: number): Times {
  const value = Buffer.from([10, 244, 0, 2, 31, 144, 0, 0]);
  const times = new Times();
  for (let i = 0; i < changes; i++) {
    const key = numbered((i * 7919) % count);
    const done = times.begin();
    kernel.commit([
      { verb: 'delete', family: 'ip', table: 'floor', set: floorMap(key), elements: [{ key }] },
      { verb: 'add', family: 'ip', table: 'floor', set: floorMap(key), elements: [{ key, value }] },
    ]);
    done();
  }
  return times;
}

function numbered(i: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32LE(i);
  return key;
}
