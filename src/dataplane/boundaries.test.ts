/** Nothing leaks: what a client must not reach, take over or break, with real packets, in both families. */
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import type { EndpointSlice, Service } from '../api/gen/types.ts';
import { buildTable } from '../model/index.ts';
import { createDataPlane } from './index.ts';
import type { DataPlane } from './index.ts';
import { addresses, createTopology, service, slice } from './testing/index.ts';
import type { PlaceName, Question, Topology } from './testing/index.ts';

let net: Topology;
const planes: DataPlane[] = [];
const http = { port: 80, protocol: 'TCP' };
const families = [0, 1] as const;
const word = (v: 0 | 1): 'IPv4' | 'IPv6' => (v === 0 ? 'IPv4' : 'IPv6');
const at = (pod: 'pod-a' | 'pod-b' | 'pod-c', node: string, v: 0 | 1): { address: string; node: string } => ({
  address: addresses[pod][v],
  node,
});

before(async () => {
  net = await createTopology();
  await Promise.all((['pod-a', 'pod-b', 'pod-c'] as const).map((pod) => net.places[pod].serve('TCP', 8080)));
  // What a node runs for itself, on every address that it has.
  await net.places['node-1'].serve('TCP', 9200);
  for (const n of [1, 2] as const) {
    planes.push(
      createDataPlane({
        netns: net.netns(`node-${n}`),
        podCidrs: [`10.244.${String(n)}.0/24`, `fd00:10:244:${String(n)}::/64`],
        serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
        nonMasqueradeCidrs: ['10.244.0.0/16', '10.10.10.0/24', 'fd00:10::/32'],
        trustedSources: ['10.10.10.253', 'fd00:10:10::253'],
        podLinks: 'pod-',
      }),
    );
  }
});
after(async () => {
  for (const plane of planes) plane.close();
  await net.close();
});

async function program(services: readonly Service[], slices: readonly EndpointSlice[]): Promise<void> {
  for (const [i, plane] of planes.entries()) {
    const name = `node-${i + 1}` as 'node-1' | 'node-2';
    const node = { nodeName: name, zone: undefined, addresses: addresses[name] };
    await plane.start(buildTable({ services, slices, node }).entries.values());
  }
}

type To = readonly [protocol: 'TCP' | 'UDP', address: string, port: number];

async function answers(from: PlaceName, targets: readonly To[], timeoutMs = 10_000): Promise<string[]> {
  const questions = targets.map(([protocol, address, port]): Question => ({ protocol, address, port, timeoutMs }));
  return (await net.places[from].askAll(questions)).map(([text = '']) => text.split(' ')[0] ?? '');
}

test('an address or a port that no service claims is refused at once: TCP and UDP, pods and nodes, both families', async () => {
  const ips = ['10.96.0.1', 'fd00:10:96::1'];
  const spec = { type: 'NodePort', clusterIPs: ips, ports: [{ ...http, nodePort: 30_001 }] };
  const slices = families.map((v) =>
    slice('web', 8080, [at('pod-a', 'node-1', v)], { name: `web-${String(v)}`, family: word(v) }),
  );
  await program([service('web', spec)], slices);
  const targets = ['10.96.200.200', 'fd00:10:96::dead'].flatMap((unused, v): To[] => {
    const ip = ips[v] ?? '';
    return (['TCP', 'UDP'] as const).flatMap((protocol): To[] => [
      [protocol, unused, 443],
      [protocol, ip, 81],
      // The node's own program is at none of the service's addresses (kubernetes#72236), nor is the node port (KEP-3866).
      [protocol, ip, 9200],
      [protocol, ip, 30_001],
    ]);
  });
  for (const from of ['pod-a', 'pod-c', 'node-1', 'node-2'] as const) {
    const got = await answers(from, targets);
    got.forEach((text, i) => assert.equal(text, 'ECONNREFUSED', `${from} ${targets[i]?.join(' ') ?? ''}`));
    assert.deepEqual(await answers(from, [['TCP', ips[0] ?? '', 80]]), ['pod-a'], from);
  }
  assert.deepEqual(await answers('lan', targets, 200), Array<string>(targets.length).fill('TIMEOUT'));
});

test('service addresses are on no interface', () => {
  for (const node of ['node-1', 'node-2'] as const) {
    const own = net.run(node, 'ip', '-o', 'addr') + net.run(node, 'ip', 'route', 'show', 'table', 'local');
    assert.doesNotMatch(own, /10\.96\.|fd00:10:96:|198\.51\.100\./);
  }
});

for (const v of families) {
  test(`${word(v)}: nobody forges a pod's address: not the LAN, and not another pod`, async () => {
    const vip = v === 0 ? '10.96.0.9' : 'fd00:10:96::9';
    const [forged, bits] = v === 0 ? ['10.244.1.77', '32'] : ['fd00:10:244:1::77', '128'];
    const end = { address: addresses['pod-a'][v] };
    await program(
      [service('forged', { clusterIPs: [vip], ports: [http] })],
      [slice('forged', 8080, [end], { family: word(v) })],
    );
    for (const from of ['lan', 'pod-b'] as const) {
      net.run(from, 'ip', 'addr', 'add', `${forged}/${bits}`, 'dev', 'lo');
      const question = { protocol: 'TCP', address: vip, port: 80, timeoutMs: 200, source: forged } as const;
      assert.deepEqual(await net.places[from].askAll([question]), [['TIMEOUT']]);
      net.run(from, 'ip', 'addr', 'del', `${forged}/${bits}`, 'dev', 'lo');
      const family = v === 0 ? 'ipv4' : 'ipv6';
      const list = `conntrack -L -f ${family} -p tcp --orig-src ${forged} 2>&1 | grep -v ': 0 flow entries' || true`;
      const flows = net.run('node-1', 'sh', '-c', list);
      assert.equal(flows, '', `from ${from}`);
    }
    assert.deepEqual(await answers('pod-b', [['TCP', vip, 80]]), ['pod-a']);
  });
}

test('loopback, link-local and wildcard endpoints are never programmed, whoever stored them', async () => {
  const bad = ['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1'].map((address) => ({ address }));
  const bad6 = ['::1', 'fe80::1', '::', 'ff02::1', '::ffff:127.0.0.1'].map((address) => ({ address }));
  await program(
    [service('bad', { clusterIPs: ['10.96.0.2', 'fd00:10:96::2'], ports: [http] })],
    [slice('bad', 9200, bad), slice('bad', 9200, bad6, { name: 'bad-6', family: 'IPv6' })],
  );
  const got = await answers('pod-a', [
    ['TCP', '10.96.0.2', 80],
    ['TCP', 'fd00:10:96::2', 80],
  ]);
  assert.deepEqual(got, ['ECONNREFUSED', 'ECONNREFUSED']);
});

for (const v of families) {
  const vips = v === 0 ? ['10.96.0.3', '10.96.0.4'] : ['fd00:10:96::3', 'fd00:10:96::4'];

  test(`${word(v)}: one source port to two addresses of one backend: two connections, each with its own data`, async () => {
    await program(
      vips.map((ip, i) => service(`twin-${String(v)}-${String(i)}`, { clusterIPs: [ip], ports: [http] })),
      vips.map((_, i) =>
        slice(`twin-${String(v)}-${String(i)}`, 8080, [at('pod-c', 'node-2', v)], { family: word(v) }),
      ),
    );
    const port = 41_000 + v;
    for (const [i, ip] of vips.entries()) {
      assert.match(await net.places['pod-a'].hold(`twin-${String(i)}`, ip, 80, port), /^pod-c /);
    }
    assert.equal(await net.places['pod-a'].say('twin-0', 'for the first'), 'for the first');
    assert.equal(await net.places['pod-a'].say('twin-1', 'for the second'), 'for the second');
    assert.equal(await net.places['pod-a'].say('twin-0', 'again'), 'again');
  });

  test(`${word(v)}: loadBalancerSourceRanges: every path, allowed and denied`, async () => {
    const vip = v === 0 ? '198.51.100.150' : '2001:db8:51::150';
    const host = v === 0 ? '/32' : '/128';
    const nodePort = 30_010 + v;
    const name = `ranges-${String(v)}`;
    const spec = {
      type: 'LoadBalancer',
      clusterIPs: [v === 0 ? '10.96.0.10' : 'fd00:10:96::10'],
      ports: [{ ...http, nodePort }],
    };
    const status = { loadBalancer: { ingress: [{ ip: vip }] } };
    const end = slice(name, 8080, [at('pod-a', 'node-1', v)], { family: word(v) });
    // pod-a is the endpoint: its own path is the hairpin.
    const senders = ['lan', 'pod-a', 'pod-b', 'pod-c', 'node-1', 'node-2'] as const;
    const paths = [
      ['TCP', vip, 80],
      ['TCP', addresses['node-1'][v], nodePort],
    ] as const;
    for (const allowed of senders) {
      const ranges = [addresses[allowed][v] + host];
      await program([service(name, { ...spec, loadBalancerSourceRanges: ranges }, status)], [end]);
      await Promise.all(
        senders.map(async (sender) => {
          const want = sender === allowed ? 'pod-a' : 'TIMEOUT';
          const got = await answers(sender, paths, want === 'TIMEOUT' ? 200 : 10_000);
          assert.deepEqual(got, [want, want], `only ${allowed} may; ${sender} asks`);
        }),
      );
    }
    for (const [ranges, want] of [
      [[], 'pod-a'],
      [['not a range'], 'TIMEOUT'],
      [[v === 0 ? 'fd00::/8' : '10.0.0.0/8'], 'TIMEOUT'],
    ] as const) {
      await program([service(name, { ...spec, loadBalancerSourceRanges: [...ranges] }, status)], [end]);
      for (const sender of ['lan', 'pod-c'] as const) {
        assert.deepEqual(await answers(sender, paths, 300), [want, want], `${ranges.join()} ${sender}`);
      }
    }
  });

  test(`${word(v)}: a pod that is gone: its flows are reset, new connections too, and nothing is routed out`, async () => {
    const vip = v === 0 ? '10.96.0.20' : 'fd00:10:96::20';
    const name = `gone-${String(v)}`;
    const end = slice(name, 8080, [at('pod-c', 'node-2', v)], { family: word(v) });
    await program([service(name, { clusterIPs: [vip], ports: [http] })], [end]);
    const { address } = at('pod-c', 'node-2', v);
    const six = v === 1 ? ['-6'] : [];
    // The node asks its own pod under the address that the pod knows as its gateway, which is in the pods' range and has no route.
    assert.deepEqual(await answers('node-2', [['TCP', address, 8080]]), ['pod-c']);
    const route = [address + (v === 0 ? '/32' : '/128'), 'dev', 'pod-c'];
    assert.match(await net.places['pod-a'].hold(name, vip, 80), /^pod-c /);
    net.run('node-2', 'ip', ...six, 'route', 'del', ...route);
    try {
      await assert.rejects(net.places['pod-a'].say(name, 'still there?'), /ECONNRESET/);
      assert.deepEqual(await answers('pod-a', [['TCP', vip, 80]]), ['ECONNREFUSED']);
      assert.deepEqual(await answers('pod-a', [['TCP', address, 8080]]), ['ECONNREFUSED']);
    } finally {
      net.run('node-2', 'ip', ...six, 'route', 'add', ...route);
    }
  });

  test(`${word(v)}: a packet out of the window does not reset the client's connection (kubernetes#74839)`, async () => {
    const vip = v === 0 ? '10.96.0.21' : 'fd00:10:96::21';
    const name = `window-${String(v)}`;
    const end = slice(name, 8080, [at('pod-c', 'node-2', v)], { family: word(v) });
    await program([service(name, { clusterIPs: [vip], ports: [http] })], [end]);
    // The server's next segment claims another place in the stream; what it sends again is as it should be. Where that place is
    // behind, the kernel lets it pass translated; ahead is what hurts. Numbers begin at random, so eight are tried: 1 in 256.
    const family = v === 0 ? 'ip' : 'ip6';
    const chain = `${family} bend out`;
    const sayAll = async (round: string): Promise<readonly PromiseSettledResult<string>[]> => {
      const held = Array.from({ length: 8 }, (_, i) => `${name}-${round}-${String(i)}`);
      const rules: string[] = [];
      for (const one of held) {
        const [server, , port = ''] = (await net.places['pod-a'].hold(one, vip, 80)).split(' ');
        assert.equal(server, 'pod-c');
        const match = `tcp sport 8080 tcp dport ${port} limit rate 1/day burst 1 packets`;
        rules.push(`add rule ${chain} ${match} tcp sequence set 3 counter`);
      }
      const base = [`add table ${family} bend`, `add chain ${chain} { type filter hook output priority 0; }`];
      net.run('pod-c', 'nft', [...base, ...rules].join(';'));
      try {
        return await Promise.allSettled(held.map((one) => net.places['pod-a'].say(one, one)));
      } finally {
        net.run('pod-c', 'nft', `delete table ${family} bend`);
      }
    };
    assert.deepEqual(
      (await sayAll('kept')).filter(({ status }) => status === 'rejected'),
      [],
    );
    // Without the rule some would be lost, so this test can fail.
    for (const node of ['node-1', 'node-2'] as const) {
      net.run(node, 'nft', 'flush', 'chain', family, 'portolan', 'filter-forward');
    }
    let lost = 0;
    for (let tries = 0; tries < 5 && lost === 0; tries++) {
      lost += (await sayAll(`lost-${String(tries)}`)).filter(({ status }) => status === 'rejected').length;
    }
    assert.ok(lost > 0);
    for (const plane of planes) assert.match((await plane.audit()).mended ?? '', /^rewritten: rules/);
  });
}

test('chains for pool sizes that nobody has any more are taken away, and those in use stay', async () => {
  const plane = planes[0];
  assert.ok(plane !== undefined);
  const chains = (): number =>
    net.run('node-1', 'nft', '-n', 'list', 'chains').match(/chain (pick|stick)-/g)?.length ?? 0;
  const ends = (count: number): EndpointSlice =>
    slice(
      'grow',
      8080,
      Array.from({ length: count }, (_, i) => ({ address: `10.244.9.${String(i + 1)}` })),
    );
  const grow = (seconds?: number): Service =>
    service('grow', {
      clusterIPs: ['10.96.0.30'],
      ports: [http],
      ...(seconds === undefined
        ? {}
        : { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: seconds } } }),
    });
  await plane.audit();
  const before = chains();
  for (const count of [40, 80, 120, 160]) await program([grow()], [ends(count)]);
  for (const seconds of [7, 8, 9]) await program([grow(seconds)], [ends(3)]);
  assert.ok(chains() > before + 4 * 32);
  await plane.audit();
  assert.equal(chains(), before + 32, 'only those of the nine seconds are in use');
  await program([grow()], [slice('grow', 8080, [at('pod-a', 'node-1', 0)])]);
  await plane.audit();
  assert.equal(chains(), before);
  assert.equal((await plane.audit()).mended, undefined);
  assert.deepEqual(await answers('pod-b', [['TCP', '10.96.0.30', 80]]), ['pod-a']);
});
