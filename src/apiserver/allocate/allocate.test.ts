import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Service, ServiceSpec } from '../../api/gen/types.ts';
import type { Live } from '../../api/object.ts';
import { ApiError } from '../../api/errors.ts';
import { Pipeline } from '../../api/kinds/test-kit.ts';
import { resources } from '../../api/resources.ts';
import { createServiceAllocator } from './index.ts';
import { NumberPool } from './number-pool.ts';

interface Bench {
  readonly pipeline: Pipeline;
  readonly create: (spec: ServiceSpec, name?: string) => Service;
  readonly update: (old: Service, spec: ServiceSpec) => Service;
  readonly refused: (work: () => unknown) => string;
}

function bench(ranges: readonly string[] = ['10.96.0.0/16'], nodePortRange = '30000-32767'): Bench {
  const pipeline = new Pipeline({
    services: createServiceAllocator({ serviceClusterIPRanges: ranges, nodePortRange }),
  });
  return {
    pipeline,
    create(spec, name = 'web') {
      const { object, errors } = pipeline.create(resources.services, { metadata: { name }, spec });
      assert.deepEqual(errors, []);
      return object;
    },
    update(old, spec) {
      const body = { metadata: old.metadata, spec: { ...structuredClone(old.spec), ...spec } };
      const { object, errors } = pipeline.update(resources.services, old, body);
      assert.deepEqual(errors, []);
      return object;
    },
    refused(work) {
      try {
        work();
      } catch (error) {
        assert.ok(error instanceof ApiError, String(error));
        return error.message;
      }
      return assert.fail('was not refused');
    },
  };
}

const ports = [{ port: 80 }];

describe('cluster IPs', () => {
  test('random ones come from the dynamic band', () => {
    const { create } = bench();
    const { spec } = create({ ports });
    assert.match(spec?.clusterIP ?? '', /^10\.96\.([1-9]|[1-9]\d|1\d\d|2\d\d)\.\d+$/);
    assert.deepEqual(spec?.clusterIPs, [spec?.clusterIP]);
    assert.deepEqual(spec?.ipFamilies, ['IPv4']);
    assert.equal(spec?.ipFamilyPolicy, 'SingleStack');
  });

  test('claim C22: chosen, taken, out of range', () => {
    const { create, refused, pipeline } = bench();
    const first = create({ ports, clusterIP: '10.96.0.5' });
    assert.equal(first.spec?.clusterIP, '10.96.0.5');
    const again = refused(() => create({ ports, clusterIP: '10.96.0.5' }, 'other'));
    assert.equal(
      again,
      'Service "other" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.5"]: failed to allocate IP 10.96.0.5: provided IP is already allocated',
    );
    const outside = refused(() => create({ ports, clusterIP: '10.97.0.5' }));
    assert.equal(
      outside,
      'Service "web" is invalid: spec.clusterIPs: Invalid value: ["10.97.0.5"]: failed to allocate IP 10.97.0.5: the provided network does not match the current range',
    );
    for (const reserved of ['10.96.0.0', '10.96.255.255']) {
      assert.match(
        refused(() => create({ ports, clusterIP: reserved })),
        /the provided network does not match the current range$/,
      );
    }
    pipeline.delete(resources.services, first);
    assert.equal(create({ ports, clusterIP: '10.96.0.5' }).spec?.clusterIP, '10.96.0.5');
  });

  test('headless and ExternalName take none', () => {
    const { create } = bench(['10.0.0.0/30']);
    for (let i = 0; i < 5; i++) {
      assert.equal(create({ ports, clusterIP: 'None', selector: { a: 'b' } }).spec?.clusterIP, 'None');
      assert.equal(create({ type: 'ExternalName', externalName: 'a.b' }).spec?.clusterIP, undefined);
    }
  });

  test('a full range says so', () => {
    const { create, refused } = bench(['10.0.0.0/30']);
    const taken = [create({ ports }), create({ ports })].map((service) => service.spec?.clusterIP).sort();
    assert.deepEqual(taken, ['10.0.0.1', '10.0.0.2']);
    assert.equal(
      refused(() => create({ ports })),
      'Internal error occurred: failed to allocate a serviceIP: range is full',
    );
  });

  test('to ExternalName and back', () => {
    const { create, update } = bench(['10.0.0.0/30']);
    const service = create({ ports });
    const name = update(service, { type: 'ExternalName', externalName: 'a.b' });
    assert.equal(name.spec?.clusterIP, undefined);
    create({ ports }, 'x');
    const back = update(name, { type: 'ClusterIP' });
    assert.match(back.spec?.clusterIP ?? '', /^10\.0\.0\.[12]$/);
    // externalName was left set: tolerated.
    assert.equal(back.spec?.externalName, 'a.b');
  });

  test('a refused write gives back what it took', () => {
    const { create, refused } = bench(['10.0.0.0/30']);
    create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] });
    for (let i = 0; i < 3; i++) {
      assert.match(
        refused(() => create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] })),
        /provided port is already allocated/,
      );
    }
    create({ ports });
  });

  test('rollback and dry run give everything back', () => {
    const { create, pipeline, update } = bench(['10.0.0.0/30'], '30000-30001');
    pipeline.dryRun = true;
    for (let i = 0; i < 4; i++) create({ type: 'NodePort', ports });
    pipeline.dryRun = false;
    for (let i = 0; i < 4; i++) {
      create({ type: 'NodePort', ports });
      for (const undo of pipeline.rollbacks.reverse()) undo();
    }
    const service = create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30000 }] });
    update(service, { type: 'ExternalName', externalName: 'a.b' });
    for (const undo of pipeline.rollbacks.reverse()) undo();
    const other = create({ type: 'NodePort', ports });
    assert.equal(other.spec?.ports?.[0]?.nodePort, 30001);
    assert.notEqual(other.spec?.clusterIP, service.spec?.clusterIP);
  });

  test('rebuild from stored Services', () => {
    const stored = bench().create({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports });
    const allocator = createServiceAllocator({
      serviceClusterIPRanges: ['10.96.0.0/16'],
      nodePortRange: '30000-32767',
    });
    allocator.rebuild({ services: [stored as unknown as Live<Service>] });
    const pipeline = new Pipeline({ services: allocator });
    const clash = (spec: ServiceSpec): void => {
      assert.throws(() => pipeline.create(resources.services, { metadata: { name: 'x' }, spec }), /already allocated/);
    };
    clash({ ports, clusterIP: stored.spec?.clusterIP });
    clash({ type: 'NodePort', ports: [{ port: 80, nodePort: stored.spec?.ports?.[0]?.nodePort }] });
    clash({ type: 'NodePort', ports: [{ port: 80, nodePort: stored.spec?.healthCheckNodePort }] });
  });
});

describe('dual-stack', () => {
  const both = ['10.96.0.0/16', 'fd00:10:96::/112'];

  test('RequireDualStack gets two, in the order asked for', () => {
    const { create } = bench(both);
    const { spec } = create({ ports, ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'] });
    assert.match(spec?.clusterIPs?.[0] ?? '', /^fd00:10:96::/);
    assert.match(spec?.clusterIPs?.[1] ?? '', /^10\.96\./);
    assert.equal(spec?.clusterIP, spec?.clusterIPs?.[0]);
  });

  test('upgrade and downgrade', () => {
    const { create, update } = bench(both);
    const single = create({ ports });
    assert.deepEqual(single.spec?.ipFamilies, ['IPv4']);
    const dual = update(single, { ipFamilyPolicy: 'PreferDualStack' });
    assert.equal(dual.spec?.clusterIPs?.length, 2);
    assert.equal(dual.spec?.clusterIPs?.[0], single.spec?.clusterIP);
    const second = dual.spec?.clusterIPs?.[1];
    const back = update(dual, { ipFamilyPolicy: 'SingleStack' });
    assert.deepEqual(back.spec?.clusterIPs, single.spec?.clusterIPs);
    assert.deepEqual(back.spec?.ipFamilies, ['IPv4']);
    assert.equal(create({ ports, clusterIP: second }).spec?.clusterIP, second);
  });

  test('what a single-stack cluster refuses', () => {
    const { create, refused } = bench();
    assert.equal(
      refused(() => create({ ports, ipFamilyPolicy: 'RequireDualStack' })),
      'Service "web" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    );
    assert.equal(
      refused(() => create({ ports, ipFamilies: ['IPv6'] })),
      'Service "web" is invalid: spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    );
    assert.equal(create({ ports, ipFamilyPolicy: 'PreferDualStack' }).spec?.clusterIPs?.length, 1);
    // Endpoints of a headless Service without selector are made by hand.
    assert.deepEqual(create({ clusterIP: 'None' }).spec?.ipFamilies, ['IPv4', 'IPv6']);
  });
});

describe('node ports', () => {
  test('claim C6: random, chosen, taken, out of range, freed', () => {
    const { create, refused, pipeline } = bench();
    const random = create({ type: 'NodePort', ports }).spec?.ports?.[0]?.nodePort ?? 0;
    assert.ok(random >= 30086 && random <= 32767, String(random));
    const chosen = create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30030 }] });
    assert.equal(
      refused(() => create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30030 }] })),
      'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 30030: provided port is already allocated',
    );
    assert.equal(
      refused(() => create({ type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] })),
      'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    );
    pipeline.delete(resources.services, chosen);
    create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30030 }] });
  });

  test('on create TCP and UDP of one port share a node port, on update each has its own', () => {
    const { create, update } = bench();
    const pair = [
      { name: 'a', port: 80 },
      { name: 'b', port: 80, protocol: 'UDP' },
    ];
    const shared = create({ type: 'NodePort', ports: pair }).spec?.ports ?? [];
    assert.equal(shared[0]?.nodePort, shared[1]?.nodePort);
    const asked = create({
      type: 'NodePort',
      ports: [pair[0] ?? { port: 80 }, { name: 'b', port: 80, protocol: 'UDP', nodePort: 30010 }],
    });
    assert.deepEqual(
      asked.spec?.ports?.map((port) => port.nodePort),
      [30010, 30010],
    );
    const changed = update(create({ ports: pair }), { type: 'NodePort' }).spec?.ports ?? [];
    assert.ok(changed[0]?.nodePort !== undefined && changed[1]?.nodePort !== undefined);
    assert.notEqual(changed[0].nodePort, changed[1].nodePort);
  });

  test('claim C10: type up and down adds and releases', () => {
    const { create, update } = bench(['10.96.0.0/16'], '30000-30000');
    const plain = create({ ports });
    const opened = update(plain, { type: 'NodePort' });
    assert.equal(opened.spec?.ports?.[0]?.nodePort, 30000);
    const balanced = update(opened, { type: 'LoadBalancer' });
    assert.equal(balanced.spec?.ports?.[0]?.nodePort, 30000);
    const closed = update(balanced, { type: 'ClusterIP' });
    assert.equal(closed.spec?.ports?.[0]?.nodePort, undefined);
    assert.equal(create({ type: 'NodePort', ports }).spec?.ports?.[0]?.nodePort, 30000);
  });

  test('a changed and a removed node port are free again', () => {
    const { create, update } = bench();
    const service = create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] });
    const moved = update(service, { ports: [{ port: 80, nodePort: 30002 }] });
    create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] });
    update(moved, { type: 'ClusterIP', ports: [{ port: 80, nodePort: 30002 }] });
    create({ type: 'NodePort', ports: [{ port: 80, nodePort: 30002 }] });
  });

  test('LoadBalancer without node ports, then with', () => {
    const { create, update } = bench();
    const service = create({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports });
    assert.equal(service.spec?.ports?.[0]?.nodePort, undefined);
    const opened = update(service, { allocateLoadBalancerNodePorts: true });
    assert.ok((opened.spec?.ports?.[0]?.nodePort ?? 0) >= 30000);
  });

  test('health check port: allocated, kept, released with the policy, may be asked for again', () => {
    const { create, update, refused } = bench();
    const service = create({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports, healthCheckNodePort: 30090 });
    assert.equal(service.spec?.healthCheckNodePort, 30090);
    const clash = refused(() =>
      create({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports, healthCheckNodePort: 30090 }),
    );
    assert.equal(
      clash,
      'Internal error occurred: failed to allocate requested HealthCheck NodePort 30090: provided port is already allocated',
    );
    const cluster = update(service, { externalTrafficPolicy: 'Cluster' });
    assert.equal(cluster.spec?.healthCheckNodePort, undefined);
    const local = update(cluster, { externalTrafficPolicy: 'Local', healthCheckNodePort: 30090 });
    assert.equal(local.spec?.healthCheckNodePort, 30090);
    const any = create({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports });
    assert.ok((any.spec?.healthCheckNodePort ?? 0) > 30085);
  });

  test('bad settings name themselves', () => {
    assert.throws(() => bench(['10.96.0.1/16']), /invalid address range "10.96.0.1\/16"/);
    assert.throws(() => bench(['10.96.0.0/16', '10.97.0.0/16']), /one IPv4 and one IPv6 range/);
    assert.throws(() => bench(['fd00::/64']), /is too large/);
    assert.throws(() => bench(['10.96.0.0/16'], '80'), /invalid node port range "80"/);
  });
});

test('property: the pool agrees with a plain set, and never gives what is taken', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('take' as const), number: fc.integer({ min: 8, max: 42 }) }),
    fc.record({ do: fc.constant('release' as const), number: fc.integer({ min: 8, max: 42 }) }),
    fc.record({ do: fc.constant('any' as const), number: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 10, max: 41 }), (steps, dynamicFrom) => {
      const pool = new NumberPool({ first: 10, last: 40, dynamicFrom });
      const model = new Set<number>();
      for (const { do: what, number } of steps) {
        if (what === 'release') {
          pool.release(number);
          model.delete(number);
        } else if (what === 'take') {
          const want = number < 10 || number > 40 ? 'out of range' : model.has(number) ? 'already allocated' : 'taken';
          assert.equal(pool.take(number), want);
          if (want === 'taken') model.add(number);
        } else {
          const got = pool.takeAny();
          if (got === undefined) {
            assert.equal(model.size, 31);
            continue;
          }
          assert.ok(got >= 10 && got <= 40 && !model.has(got));
          const dynamicFull = [...model].filter((taken) => taken >= dynamicFrom).length === 41 - dynamicFrom;
          assert.equal(got < dynamicFrom, dynamicFull, 'the static band is the last resort');
          model.add(got);
        }
        assert.equal(pool.free, 31 - model.size);
      }
    }),
  );
});

test('property: whatever is created, changed and deleted, nothing is held twice and nothing leaks', () => {
  const types = fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName');
  const action = fc.record({
    slot: fc.integer({ min: 0, max: 5 }),
    type: fc.option(types, { nil: undefined }),
    local: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const { create, update, pipeline } = bench(['10.0.0.0/28'], '30000-30031');
      const live = new Map<number, Service>();
      for (const { slot, type, local } of actions) {
        const old = live.get(slot);
        const outside = type === 'NodePort' || type === 'LoadBalancer';
        const spec: ServiceSpec = {
          type,
          ports: [{ port: 80, nodePort: outside ? old?.spec?.ports?.[0]?.nodePort : undefined }],
          externalName: 'a.b',
          ...(outside ? { externalTrafficPolicy: local ? 'Local' : 'Cluster' } : {}),
        };
        if (type === undefined) {
          if (old !== undefined) pipeline.delete(resources.services, old);
          live.delete(slot);
        } else {
          live.set(
            slot,
            old === undefined
              ? create(spec)
              : update(old, {
                  ...spec,
                  ...(outside ? {} : { externalTrafficPolicy: old.spec?.externalTrafficPolicy }),
                }),
          );
        }
        const all = [...live.values()];
        const addresses = all.flatMap((service) => service.spec?.clusterIPs ?? []);
        const numbers = all
          .flatMap((service) => [
            ...(service.spec?.ports ?? []).map((port) => port.nodePort ?? 0),
            service.spec?.healthCheckNodePort ?? 0,
          ])
          .filter((port) => port !== 0);
        assert.equal(new Set(addresses).size, addresses.length);
        assert.equal(new Set(numbers).size, numbers.length);
      }
      for (const service of live.values()) pipeline.delete(resources.services, service);
      // All of the range is there again.
      for (let i = 0; i < 14; i++) create({ type: 'NodePort', ports });
    }),
    { numRuns: 60 },
  );
});
