/** The catalogue (testing/catalogue): every cell on the model, by virtual packets, and on the kernel, by real ones. */
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { hasSctp } from '../kernel/index.ts';
import { buildTable, journey } from '../model/index.ts';
import type { Walk, WalkNode } from '../model/index.ts';
import { createDataPlane } from './index.ts';
import type { DataPlane } from './index.ts';
import {
  axes,
  catalogueObjects,
  cells,
  cellText,
  destinationOf,
  expected,
  originOf,
  servedPort,
  vantageOf,
} from './testing/catalogue/index.ts';
import type { Cell, Expected, NodeName } from './testing/catalogue/index.ts';
import { addresses, createTopology, openPlace } from './testing/index.ts';
import type { Place, PlaceName, Question, Topology } from './testing/index.ts';

const serviceCidrs = ['10.96.0.0/16', 'fd00:10:96::/112'];
const nonMasqueradeCidrs = ['10.244.0.0/16', '10.10.10.0/24', 'fd00:10::/32'];
const podCidrsOf = (n: number): string[] => [`10.244.${String(n)}.0/24`, `fd00:10:244:${String(n)}::/64`];
const objects = catalogueObjects();
const nodes: Readonly<Record<NodeName, WalkNode>> = { 'node-1': walkNode(1), 'node-2': walkNode(2) };

let net: Topology;
let host: Place;
const planes: DataPlane[] = [];

before(async () => {
  net = await createTopology();
  host = await openPlace('host', net.netns('node-1'));
  await Promise.all(
    (['pod-b', 'pod-c'] as const).flatMap((pod) => [
      net.places[pod].serve('TCP', servedPort),
      net.places[pod].serve('UDP', servedPort),
    ]),
  );
  for (const node of ['node-1', 'node-2'] as const) {
    const { podCidrs, table } = nodes[node];
    const plane = createDataPlane({ netns: net.netns(node), podCidrs, serviceCidrs, nonMasqueradeCidrs });
    planes.push(plane);
    await plane.start(table.entries.values());
  }
});
after(async () => {
  for (const plane of planes) plane.close();
  await host.close();
  await net.close();
});

test('the catalogue holds every cell of the product once', () => {
  const wanted = Object.values(axes).reduce((count, values) => count * values.length, 1);
  const texts = new Set(cells().map(cellText));
  assert.equal(texts.size, wanted);
  assert.equal(cells().length, wanted);
  const outcomes = Map.groupBy(cells(), (cell) => expected(cell).outcome);
  assert.deepEqual([...outcomes.keys()].sort(), ['dropped', 'reached', 'refused']);
  // No two services share what a packet could be told apart by.
  const targets = cells().map((cell) => {
    const { address, port } = destinationOf(cell);
    return `${address} ${cell.protocol} ${String(port)}`;
  });
  assert.equal(new Set(targets).size, wanted / axes.vantage.length);
});

test('the model: a virtual packet meets in every cell what upstream says, and names its steps', () => {
  const wrong: string[] = [];
  for (const cell of cells()) {
    const walked = walkOf(cell);
    assert.ok(walked.steps.length >= 2, cellText(cell));
    assert.ok(
      walked.steps.every(({ why }) => why !== ''),
      cellText(cell),
    );
    const [want, got] = [expectedText(expected(cell)), walkText(walked)];
    if (want !== got) wrong.push(`${cellText(cell)}: want ${want}, got ${got}`);
  }
  assert.deepEqual(wrong.slice(0, 20), [], `${String(wrong.length)} cells of ${String(cells().length)}`);
});

test('the kernel: a real packet meets the same in every cell', async (t) => {
  const sctp = hasSctp(net.netns('pod-a'));
  const all = cells().filter((cell) => cell.protocol !== 'SCTP');
  const wrong: string[] = [];
  const byPlace = Map.groupBy(all, (cell) => originOf(cell).place);
  await Promise.all(
    [...byPlace].map(async ([place, list]) => {
      await meetNeighbours(t, place, list);
      const answers = await placeOf(place).askAll(list.map(questionOf));
      list.forEach((cell, i) => {
        const want = expected(cell);
        const got = judge(cell, want, answers[i] ?? []);
        if (got !== undefined) wrong.push(`${cellText(cell)}: want ${expectedText(want)}, got ${got}`);
      });
    }),
  );
  const left = cells().length - all.length;
  const why = sctp ? 'Node opens no SCTP sockets' : 'this kernel has no SCTP sockets';
  t.diagnostic(`${String(all.length)} cells asked by packets; ${String(left)} SCTP cells by the model only: ${why}`);
  assert.deepEqual(wrong.slice(0, 20), [], `${String(wrong.length)} cells of ${String(all.length)}`);
});

/**
 * A burst to a neighbour that is still being looked for (RFC 4861) overflows the kernel's short queue for it: each way is gone
 * once before thousands go it.
 */
async function meetNeighbours(t: TestContext, place: PlaceName | 'host', list: readonly Cell[]): Promise<void> {
  const reached = list.filter((cell) => cell.protocol === 'UDP' && expected(cell).outcome === 'reached');
  const ways = Map.groupBy(reached, (cell) => `${cell.family} ${expectedText(expected(cell))}`);
  for (const [first] of ways.values()) {
    if (first === undefined) continue;
    const known = async (): Promise<boolean> => {
      const [answer] = await placeOf(place).askAll([questionOf(first)]);
      return judge(first, expected(first), answer ?? []) === undefined;
    };
    while (!(await known())) t.signal.throwIfAborted();
  }
}

function walkNode(n: 1 | 2): WalkNode {
  const node = { nodeName: `node-${String(n)}`, zone: undefined, addresses: addresses[`node-${n}`] };
  return { table: buildTable({ ...objects, node }), podCidrs: podCidrsOf(n), serviceCidrs, nonMasqueradeCidrs };
}

function walkOf(cell: Cell): Walk {
  const { node } = vantageOf(cell);
  const { address, port } = destinationOf(cell);
  const packet = { source: originOf(cell).address, destination: address, protocol: cell.protocol, port };
  const sender = node === undefined ? undefined : nodes[node];
  return journey(packet, Object.values(nodes), sender, nodes['node-1']);
}

function walkText(walked: Walk): string {
  if (walked.outcome !== 'reached') return walked.outcome;
  return serversText(
    walked.arrivals.map(({ endpoint, sees }) => {
      const [pod = ''] = Object.entries(addresses).find(([, list]) => list.some((a) => a === endpoint.address)) ?? [];
      return [pod, sees];
    }),
  );
}

function expectedText(want: Expected): string {
  return want.outcome === 'reached' ? serversText([...want.servers]) : want.outcome;
}

function serversText(servers: readonly (readonly [string, string])[]): string {
  const texts = servers.map(([pod, sees]) => `${pod} seeing the ${sees}`);
  return `reached ${texts.sort().join(' or ')}`;
}

function placeOf(place: PlaceName | 'host'): Place {
  return place === 'host' ? host : net.places[place];
}

/** Silence takes as long as one waits for it, so only where it is expected the wait is short. */
function questionOf(cell: Cell): Question {
  const { address, port } = destinationOf(cell);
  const want = expected(cell);
  const sticky = cell.affinity === 'ClientIP' && want.outcome === 'reached' && want.servers.size > 1;
  return {
    protocol: cell.protocol === 'TCP' ? 'TCP' : 'UDP',
    address,
    port,
    timeoutMs: want.outcome === 'dropped' ? 200 : 10_000,
    times: sticky ? 6 : 1,
    ...(cell.vantage === 'outside' ? { source: originOf(cell).address } : {}),
  };
}

/** undefined: as expected; else what came. */
function judge(cell: Cell, want: Expected, answers: readonly string[]): string | undefined {
  const [first = ''] = answers;
  if (want.outcome === 'refused') return first === 'ECONNREFUSED' ? undefined : first;
  if (want.outcome === 'dropped') return first === 'TIMEOUT' ? undefined : first;
  const servers = answers.map((text) => text.split(' ')[0] ?? '');
  if (cell.affinity === 'ClientIP' && new Set(servers).size > 1) return `no affinity: ${servers.join(' ')}`;
  const v = cell.family === 'IPv4' ? 0 : 1;
  const [node = ''] = podCidrsOf(want.node === 'node-1' ? 1 : 2).slice(v);
  const ofNode = new Set<string>([addresses[want.node][v], node.replace(/0\/24$/, '1').replace(/::\/64$/, '::1')]);
  for (const [pod, sees] of want.servers) {
    const seen = first.split(' ')[1] ?? '';
    if (servers[0] !== pod) continue;
    const right = sees === 'client' ? seen === originOf(cell).address : ofNode.has(seen);
    return right ? undefined : first;
  }
  return first;
}
