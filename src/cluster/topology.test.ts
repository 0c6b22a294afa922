import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mustParseCidr, mustParseIp, cidrContains } from '../util/ip.ts';
import { belongsTo } from './leftovers.ts';
import { networkScript, nothing } from './network.ts';
import { resolveSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import { namespacedPlaces, topologyOf } from './topology.ts';

test('the default cluster has the addresses of the drawing', () => {
  const settings = resolveSettings({}, 0);
  const topology = topologyOf(settings);
  assert.equal(settings.poolRange, '198.51.100.128/25');
  assert.deepEqual(topology.addresses, {
    control: '10.10.10.250',
    lan: '10.10.10.100',
    lbInside: '10.10.10.253',
    lbOutside: '198.51.100.1',
    internet: '198.51.100.10',
    hostInside: '10.10.10.254',
    hostOutside: '198.51.100.11',
    kubernetes: '10.96.0.1',
    dns: '10.96.0.10',
  });
  assert.deepEqual(
    topology.nodes.map(({ name, namespace, address, podRange }) => [name, namespace, address, podRange]),
    [
      ['node-1', 'portolan-node-1', '10.10.10.1', '10.244.1.0/24'],
      ['node-2', 'portolan-node-2', '10.10.10.2', '10.244.2.0/24'],
      ['node-3', 'portolan-node-3', '10.10.10.3', '10.244.3.0/24'],
    ],
  );
  assert.equal(topology.context, 'portolan');
  assert.equal(topology.hostLink, 'portolan0');
});

test('another cluster differs in all that the machine sees', () => {
  const settings = resolveSettings({ name: 'dev' }, 2);
  const topology = topologyOf(settings);
  assert.equal(settings.lanRange, '10.10.12.0/24');
  assert.equal(settings.publicRange, '198.18.2.0/24');
  assert.equal(topology.context, 'portolan-dev');
  assert.equal(topology.hostLink, 'portolan2');
  assert.ok(namespacedPlaces(topology).every((place) => place.namespace.startsWith('portolan-dev-')));
});

test('this machine gets no route to pods or cluster IPs, every other host of the LAN reaches the pods', () => {
  const { host, lan, control, nodes, lb } = topologyOf(resolveSettings({}, 0));
  assert.deepEqual(
    host.routes.map((route) => route.to),
    ['198.51.100.128/25'],
  );
  const podRanges = nodes.map((node) => node.podRange);
  for (const place of [lan, control, lb]) {
    for (const range of podRanges)
      assert.ok(
        place.routes.some((route) => route.to === range),
        `${place.name} → ${range}`,
      );
  }
  assert.ok(!nodes[0].routes.some((route) => route.to === nodes[0].podRange), 'its own pods are the agent’s');
});

test('any settings: addresses are all different and inside their ranges', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 0, max: 245 }), (nodes, slot) => {
      const settings = resolveSettings({ nodes }, slot);
      const topology = topologyOf(settings);
      const { kubernetes, dns, lbOutside, internet, hostOutside, ...inLan } = topology.addresses;
      const lan = [...Object.values(inLan), ...topology.nodes.map((node) => node.address)];
      assert.equal(new Set(lan).size, lan.length);
      const inside = (range: string, ips: readonly string[]): boolean =>
        ips.every((ip) => cidrContains(mustParseCidr(range), mustParseIp(ip)));
      assert.ok(inside(settings.lanRange, lan));
      assert.ok(inside(settings.publicRange, [lbOutside, internet, hostOutside]));
      assert.ok(inside(settings.serviceRange, [kubernetes, dns]));
      const names = namespacedPlaces(topology).map((place) => place.namespace);
      assert.equal(new Set(names).size, names.length);
      // Linux link names have at most 15 characters.
      assert.ok(topology.hostLink.length <= 15);
    }),
    { numRuns: 200 },
  );
});

test('a namespace belongs to one cluster only, whatever the clusters are called', () => {
  const names = ['portolan', 'a', 'a-node-1', 'node', 'node-1', 'lan', 'lb', 'a-lb', 'node-1-pod', 'pod'];
  for (const name of names) {
    const topology = topologyOf(resolveSettings({ name }, 1));
    const own = [topology.wire, ...namespacedPlaces(topology).map((place) => place.namespace)];
    own.push(`${topology.nodes[0].namespace}-pod-0123456789a`);
    for (const namespace of own) {
      assert.deepEqual(
        names.filter((other) => belongsTo(other, namespace)),
        [name],
        namespace,
      );
    }
  }
});

test('dual-stack: every place has an address of each family, IPv4 first, and routes for both', () => {
  const topology = topologyOf(resolveSettings({ dualStack: true, nodes: 2 }, 3));
  assert.deepEqual(topology.nodes[1]?.addresses, ['10.10.13.2', 'fd00:10:10:d::2']);
  assert.deepEqual(topology.nodes[1].podRanges, ['10.244.2.0/24', 'fd00:10:244:2::/64']);
  for (const place of [...namespacedPlaces(topology), topology.host]) {
    for (const family of [(text: string) => !text.includes(':'), (text: string) => text.includes(':')]) {
      assert.ok(
        place.links.every((link) => link.addresses.some(family)),
        place.name,
      );
      assert.ok(
        place.routes.some((route) => family(route.via ?? route.to)),
        place.name,
      );
    }
  }
  assert.equal(topology.addresses.control, '10.10.13.250');
  const alone = topologyOf(resolveSettings({ nodes: 2 }, 3));
  assert.doesNotMatch(JSON.stringify(alone), /fd00/);
});

test('IPv6 alone: the same drawing with the second family of dual-stack, and no IPv4', () => {
  const both = topologyOf(resolveSettings({ dualStack: true }, 3));
  const settings = resolveSettings({ ipv6: true }, 3);
  const alone = topologyOf(settings);
  assert.deepEqual(alone.addresses, both.families[1]?.addresses);
  assert.equal(alone.families.length, 1);
  assert.equal(settings.poolRange, 'fd00:198:51:3::1:0/112');
  assert.equal(alone.server, 'https://[fd00:10:10:d::fa]:6443');
  assert.deepEqual(alone.nodes[1]?.podRanges, ['fd00:10:244:2::/64']);
  assert.doesNotMatch(JSON.stringify([alone.nodes, alone.lb, alone.host]), /\d+\.\d+\.\d+\.\d+/);
  const own = resolveSettings({ ipv6: true, publicRange: '2001:db8::/96', serviceRange: '2001:db8:1::/108' }, 3);
  assert.equal(own.poolRange, '2001:db8::1:0/112');
});

test('zones go round the nodes, and only when asked for', () => {
  const zonesOf = (flags: Parameters<typeof resolveSettings>[0]): (string | undefined)[] =>
    topologyOf(resolveSettings(flags, 0)).nodes.map(({ zone }) => zone);
  assert.deepEqual(zonesOf({ nodes: 5, zones: 2 }), ['zone-1', 'zone-2', 'zone-1', 'zone-2', 'zone-1']);
  assert.deepEqual(zonesOf({ nodes: 2 }), [undefined, undefined]);
});

test('bad settings are refused, each with its flag', () => {
  const refused: readonly (readonly [Parameters<typeof resolveSettings>[0], RegExp])[] = [
    [{ nodes: 0 }, /--nodes 0: want a number from 1 to 99/],
    [{ nodes: 100 }, /--nodes 100/],
    [{ zones: 0 }, /--zones 0: want a number from 1 to that of the nodes, 3/],
    [{ zones: 3, nodes: 2 }, /--zones 3: want a number from 1 to that of the nodes, 2/],
    [{ name: 'Dev' }, /--name "Dev"/],
    [{ name: '../etc' }, /--name/],
    [{ name: 'x'.repeat(33) }, /--name/],
    [{ ipv6: true, dualStack: true }, /--ipv6 is IPv6 alone, --dual-stack both families: give one of them/],
    [{ ipv6: true, lanRange: '10.0.0.0/24' }, /--lan-range 10.0.0.0\/24: want an IPv6 range like fd00:10::\/120/],
    [{ ipv6: true, podRange: 'fd00::/64' }, /--cluster-cidr fd00::\/64: .*prefix from \/16 to \/56/],
    [{ lanRange: '10.0.0.1/24' }, /--lan-range 10.0.0.1\/24/],
    [{ lanRange: '10.0.0.0/28' }, /--lan-range/],
    [{ lanRange: 'fd00::/64' }, /--lan-range/],
    [{ publicRange: '198.51.100.0' }, /--public-range/],
    [{ poolRange: '198.51.101.0/25' }, /--pool-range 198.51.101.0\/25: must lie inside/],
    [{ poolRange: '198.51.100.0/25' }, /after its first 16 addresses/],
    [{ podRange: '10.10.0.0/16' }, /--lan-range 10.10.10.0\/24 and --cluster-cidr 10.10.0.0\/16 overlap/],
    [{ serviceRange: '10.244.0.0/16' }, /--cluster-cidr .* and --service-cluster-ip-range .* overlap/],
    [{ data: 'relative' }, /--data relative: want an absolute path/],
  ];
  for (const [flags, message] of refused) {
    assert.throws(
      () => resolveSettings(flags, 0),
      (error: unknown) => error instanceof UsageError && message.test(error.message),
      JSON.stringify(flags),
    );
  }
});

test('the script makes what is missing and nothing else', () => {
  const topology = topologyOf(resolveSettings({ name: 't-cluster', nodes: 2 }, 9));
  const whole = networkScript(topology, nothing);
  assert.match(whole, /^netns add portolan-t-cluster-wire$/m);
  assert.match(
    whole,
    /^link add name eth0 netns portolan-t-cluster-node-2 type veth peer name node-2 netns portolan-t-cluster-wire$/m,
  );
  assert.match(whole, /^link add name portolan9 type veth peer name host netns portolan-t-cluster-wire$/m);

  const places = namespacedPlaces(topology);
  const namespaces = new Set([topology.wire, ...places.map((place) => place.namespace)]);
  const wireLinks = new Set([...places, topology.host].flatMap((place) => place.links.map((link) => link.port)));
  assert.doesNotMatch(networkScript(topology, { namespaces, wireLinks }), /netns add|type veth/);

  wireLinks.delete('node-2');
  const mended = networkScript(topology, { namespaces, wireLinks });
  assert.deepEqual(
    mended.split('\n').filter((line) => line.startsWith('link add')),
    ['link add name eth0 netns portolan-t-cluster-node-2 type veth peer name node-2 netns portolan-t-cluster-wire'],
  );
});
