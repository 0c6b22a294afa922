/** Property: whatever the history, the kernel's tables are those that a fresh start would write. */
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { EndpointSlice, Service, ServiceSpec } from '../api/gen/types.ts';
import { createDataPlane } from '../dataplane/index.ts';
import type { DataPlane, DataPlaneOptions } from '../dataplane/index.ts';
import { kernelWords, service, shardMaps, slice } from '../dataplane/testing/index.ts';
import { buildTable } from '../model/index.ts';
import type { NodeView } from '../model/index.ts';
import { TableStore } from './table-store.ts';

const names = ['lived', 'fresh'] as const;
const netnsOf = (name: (typeof names)[number]): string => `t-history-${String(process.pid)}-${name}`;
const destroy = (): void => {
  for (const name of names) {
    try {
      execFileSync('ip', ['netns', 'del', netnsOf(name)], { stdio: 'ignore' });
    } catch {
      // Gone already.
    }
  }
};
before(() => {
  process.once('exit', destroy);
  for (const name of names) execFileSync('ip', ['netns', 'add', netnsOf(name)]);
});
after(() => {
  process.off('exit', destroy);
  destroy();
});

const plane = (name: (typeof names)[number]): DataPlane => {
  const options: DataPlaneOptions = {
    netns: `/run/netns/${netnsOf(name)}`,
    podCidrs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
    serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
    nonMasqueradeCidrs: ['10.244.0.0/16'],
    trustedSources: ['10.10.10.253'],
  };
  return createDataPlane(options);
};

type Step =
  | { readonly do: 'service'; readonly n: number; readonly spec: Partial<ServiceSpec>; readonly label: boolean }
  | {
      readonly do: 'slice';
      readonly n: number;
      readonly part: number;
      readonly v: 0 | 1;
      readonly ends: readonly End[];
    }
  | { readonly do: 'remove-service'; readonly n: number }
  | { readonly do: 'remove-slice'; readonly n: number; readonly part: number }
  | { readonly do: 'node'; readonly zone: string; readonly addresses: readonly string[] };
interface End {
  readonly host: number;
  readonly state: 'ready' | 'leaving' | 'not';
  readonly zone: string | undefined;
}

const n = fc.nat({ max: 3 });
const part = fc.nat({ max: 1 });
const spec = fc.record<Partial<ServiceSpec>>(
  {
    type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
    internalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
    externalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
    sessionAffinity: fc.constantFrom('None', 'ClientIP'),
    sessionAffinityConfig: fc.constantFrom(1, 600).map((timeoutSeconds) => ({ clientIP: { timeoutSeconds } })),
    loadBalancerSourceRanges: fc.subarray(['10.0.0.0/8', '10.1.0.0/16', '192.0.2.0/24', 'fd00::/8']),
    // Two services may claim one of these.
    externalIPs: fc.subarray(['198.51.100.200', '2001:db8::200']),
  },
  { requiredKeys: ['type'] },
);
const end = fc.record<End>({
  host: fc.integer({ min: 2, max: 9 }),
  state: fc.constantFrom('ready', 'leaving', 'not'),
  zone: fc.constantFrom(undefined, 'a', 'b'),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('service'), n, spec, label: fc.nat({ max: 9 }).map((x) => x === 0) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('slice'),
      n,
      part,
      v: fc.constantFrom(0, 1),
      ends: fc.uniqueArray(end, { maxLength: 8, selector: ({ host }) => host }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.oneof(
      fc.record({ do: fc.constant('remove-service'), n }),
      fc.record({ do: fc.constant('remove-slice'), n, part }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('node'),
      zone: fc.constantFrom('a', 'b'),
      addresses: fc.subarray(['10.10.10.1', '10.10.10.9', 'fd00:10:10::1'], { minLength: 1 }),
    }),
  },
);

test('property: after each step of a random history, the kernel has what a fresh start writes', async (t) => {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 14 }), async (history) => {
      const lived = plane('lived');
      let node: NodeView = { nodeName: 'node-1', zone: 'a', addresses: ['10.10.10.1', 'fd00:10:10::1'] };
      const store = new TableStore(node);
      const services = new Map<number, Service>();
      const slices = new Map<string, EndpointSlice>();
      try {
        await lived.remove();
        await lived.start([]);
        for (const one of history) {
          steps++;
          if (one.do === 'service') {
            const made = serviceOf(one.n, one.spec, one.label);
            store.setService(made, services.get(one.n));
            services.set(one.n, made);
          } else if (one.do === 'slice') {
            const made = sliceOf(one.n, one.part, one.v, one.ends);
            const key = `${String(one.n)} ${String(one.part)}`;
            store.setSlice(made, slices.get(key));
            slices.set(key, made);
          } else if (one.do === 'remove-service') {
            const old = services.get(one.n);
            if (old !== undefined) store.setService(undefined, old);
            services.delete(one.n);
          } else if (one.do === 'remove-slice') {
            const key = `${String(one.n)} ${String(one.part)}`;
            const old = slices.get(key);
            if (old !== undefined) store.setSlice(undefined, old);
            slices.delete(key);
          } else {
            node = { ...node, zone: one.zone, addresses: one.addresses };
            store.setNode(node);
          }
          const { mended } = await lived.apply(store.take().diff);
          assert.equal(mended, undefined);
          const table = buildTable({ services: services.values(), slices: slices.values(), node });
          assert.deepEqual(kernelWords(`/run/netns/${netnsOf('lived')}`), await freshWords(table.entries.values()));
        }
        assert.equal((await lived.audit()).mended, undefined);
      } finally {
        lived.close();
      }
    }),
    { numRuns: 7 },
  );
  t.diagnostic(`${String(steps)} steps compared`);
});

async function freshWords(entries: Parameters<DataPlane['start']>[0]): Promise<string[]> {
  const fresh = plane('fresh');
  try {
    // Rules take most of the time, so the table stays and only its elements go: start() writes what is wanted and no more.
    await fresh.start(entries);
    return kernelWords(`/run/netns/${netnsOf('fresh')}`);
  } finally {
    execFileSync('nsenter', [`--net=/run/netns/${netnsOf('fresh')}`, 'nft', emptied()]);
    fresh.close();
  }
}

function emptied(): string {
  const sets = [...shardMaps, 'sticky-slots', 'sticky-endpoints', 'sticky-near', 'internal', 'external'];
  const others = ['restricted', 'allowed', 'snat-all', 'snat-own', 'hairpin'];
  return ['ip', 'ip6']
    .flatMap((family) => [
      ...sets.map((name) => `flush map ${family} portolan ${name}`),
      ...others.map((name) => `flush set ${family} portolan ${name}`),
    ])
    .join(';');
}

function serviceOf(index: number, some: Partial<ServiceSpec>, isLabelled: boolean): Service {
  const made = service(
    `s${String(index)}`,
    {
      clusterIPs: [`10.96.0.${String(index + 1)}`, `fd00:10:96::${String(index + 1)}`],
      ports: [
        { port: 80, protocol: 'TCP', nodePort: 30_000 + index },
        { port: 80, protocol: 'UDP', name: 'u', nodePort: 30_000 + index },
      ],
      ...some,
    },
    { loadBalancer: { ingress: [{ ip: `198.51.100.${String(140 + index)}` }] } },
  );
  const labels: Record<string, string> = isLabelled ? { 'service.kubernetes.io/service-proxy-name': 'x' } : {};
  return { ...made, metadata: { ...made.metadata, labels } };
}

function sliceOf(index: number, number: number, v: 0 | 1, ends: readonly End[]): EndpointSlice {
  const of = `s${String(index)}`;
  const made = slice(
    of,
    8080 + number,
    ends.map(({ host, state }) => ({
      address:
        v === 0
          ? `10.244.${String((host % 2) + 1)}.${String(host)}`
          : `fd00:10:244:${String((host % 2) + 1)}::${String(host)}`,
      node: `node-${String((host % 2) + 1)}`,
      ready: state === 'ready',
      serving: state !== 'not',
      terminating: state === 'leaving',
    })),
    {
      name: `${of}-${String(number)}`,
      family: v === 0 ? 'IPv4' : 'IPv6',
      ...(number === 0 ? {} : { protocol: 'UDP', portName: 'u' }),
    },
  );
  const endpoints = (made.endpoints ?? []).map((endpoint, i) => {
    const zone = ends[i]?.zone;
    return zone === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name: zone }] } };
  });
  return { ...made, endpoints };
}
