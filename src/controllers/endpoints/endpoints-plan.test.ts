import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointAddress, EndpointSlice, Endpoints, EndpointSubset } from '../../api/gen/types.ts';
import { live, pod, service, stored } from '../fixtures.ts';
import type { Write } from '../writes.ts';
import { planEndpoints } from './endpoints-plan.ts';
import { isMirrored, planMirror } from './mirroring-plan.ts';

const defaults = { current: undefined, triggerTime: undefined };

function object(writes: readonly Write[]): Endpoints {
  const [write] = writes;
  assert.ok(write?.verb === 'create' || write?.verb === 'update', `one write, not ${JSON.stringify(writes)}`);
  return write.object;
}

/** `8080/TCP: 10.0.0.1 | 10.0.0.2` ready | not ready */
function summary(subsets: readonly EndpointSubset[] | undefined): string[] {
  const ips = (list: readonly EndpointAddress[] = []): string => list.map(({ ip }) => ip).join();
  return (subsets ?? []).map(
    ({ ports = [], addresses, notReadyAddresses }) =>
      `${ports.map(({ port, protocol }) => `${port}/${protocol}`).join()}: ${ips(addresses)} | ${ips(notReadyAddresses)}`,
  );
}

describe('Endpoints plan', () => {
  it('writes Endpoints as upstream does', () => {
    const pods = [pod('b', { ip: '10.0.0.10' }), pod('a', { ip: '10.0.0.9', ready: false })];
    const made = object(planEndpoints({ ...defaults, service: service({}, { labels: { team: 'x' } }), pods }));
    assert.deepEqual(made, {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: {
        name: 'web',
        namespace: 'default',
        labels: { team: 'x', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
        annotations: {},
      },
      subsets: [
        {
          addresses: [
            {
              ip: '10.0.0.10',
              nodeName: 'node-1',
              targetRef: { kind: 'Pod', namespace: 'default', name: 'b', uid: 'uid-b' },
            },
          ],
          notReadyAddresses: [
            {
              ip: '10.0.0.9',
              nodeName: 'node-1',
              targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' },
            },
          ],
          ports: [{ port: 8080, protocol: 'TCP' }],
        },
      ],
    });
    assert.deepEqual(
      planEndpoints({ ...defaults, service: service({}, { labels: { team: 'x' } }), pods, current: live(made) }),
      [],
    );
  });

  const ports = [
    { name: 'a', port: 80, targetPort: 8080, protocol: 'TCP' },
    { name: 'b', port: 81, targetPort: 'b', protocol: 'TCP' },
  ];
  const withPort = (containerPort: number) => ({
    spec: { containers: [{ name: 'c', ports: [{ name: 'b', containerPort, protocol: 'TCP' }] }] },
  });
  const cases: readonly [string, Parameters<typeof service>[0], ReturnType<typeof pod>[], string[]][] = [
    ['no pods: no subsets', {}, [], []],
    [
      'ports with the same addresses share a subset',
      { ports: [ports[0], { ...ports[0], name: 'c', targetPort: 9090 }] as never },
      [pod('a', { ip: '10.0.0.1' })],
      ['8080/TCP,9090/TCP: 10.0.0.1 | '],
    ],
    [
      'a named port that differs makes subsets',
      { ports },
      [pod('a', { ip: '10.0.0.1', ...withPort(1) }), pod('b', { ip: '10.0.0.2', ...withPort(2) })],
      ['8080/TCP: 10.0.0.1,10.0.0.2 | ', '1/TCP: 10.0.0.1 | ', '2/TCP: 10.0.0.2 | '],
    ],
    [
      'terminating pods leave',
      {},
      [pod('a', { ip: '10.0.0.1', terminating: true }), pod('b', { ip: '10.0.0.2' })],
      ['8080/TCP: 10.0.0.2 | '],
    ],
    [
      'publishNotReadyAddresses: all are ready, terminating too',
      { publishNotReadyAddresses: true },
      [pod('a', { ip: '10.0.0.1', terminating: true, ready: false }), pod('b', { ip: '10.0.0.2', phase: 'Failed' })],
      ['8080/TCP: 10.0.0.1 | '],
    ],
    ['headless without ports', { clusterIP: 'None', ports: [] }, [pod('a', { ip: '10.0.0.1' })], [': 10.0.0.1 | ']],
    [
      'the primary family only',
      { ipFamilies: ['IPv6', 'IPv4'] },
      [pod('a', { ip: ['10.0.0.1', 'fd00::1'] })],
      ['8080/TCP: fd00::1 | '],
    ],
  ];
  for (const [name, spec, pods, expected] of cases) {
    it(name, () => {
      const { subsets } = object(planEndpoints({ ...defaults, service: service(spec), pods }));
      assert.deepEqual(summary(subsets).sort(), [...expected].sort());
    });
  }

  it('truncates at 1000, ready ones first, and says so', () => {
    const many = Array.from({ length: 1100 }, (_, i) =>
      pod(`p${i}`, { ip: `10.0.${i >> 8}.${i & 255}`, ready: i >= 200 }),
    );
    const made = object(planEndpoints({ ...defaults, service: service(), pods: many }));
    assert.equal(made.metadata?.annotations?.['endpoints.kubernetes.io/over-capacity'], 'truncated');
    assert.equal(made.subsets?.[0]?.addresses?.length, 900);
    assert.equal(made.subsets?.[0]?.notReadyAddresses?.length, 100);
    assert.deepEqual(planEndpoints({ ...defaults, service: service(), pods: many, current: live(made) }), []);
    const fewer = object(
      planEndpoints({ ...defaults, service: service(), pods: many.slice(0, 10), current: live(made) }),
    );
    assert.equal(fewer.metadata?.annotations?.['endpoints.kubernetes.io/over-capacity'], undefined);
  });

  it('labels headless services', () => {
    const made = object(planEndpoints({ ...defaults, service: service({ clusterIP: 'None' }), pods: [] }));
    assert.equal(made.metadata?.labels?.['service.kubernetes.io/headless'], '');
  });
});

describe('Endpoints mirroring plan', () => {
  const hand = (subsets: EndpointSubset[], metadata = {}) =>
    live<Endpoints>({ metadata: { name: 'hand', namespace: 'default', labels: { a: 'b' }, ...metadata }, subsets });

  it('splits by ports and family, merges the same address, and is owned by the Endpoints', () => {
    const endpoints = hand([
      {
        addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
        notReadyAddresses: [{ ip: '10.0.0.2' }],
        ports: [{ port: 80 }],
      },
      { addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.3' }], ports: [{ port: 80 }] },
      { addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 90, name: 'x', protocol: 'UDP' }] },
    ]);
    const writes = planMirror(endpoints, []);
    const slices = writes.flatMap((write) => (write.verb === 'create' ? [write.object as EndpointSlice] : []));
    const text = slices.map(
      ({ addressType, ports = [], endpoints: list = [] }) =>
        `${addressType} ${ports[0]?.port}/${ports[0]?.protocol} ${list.map((e) => `${e.addresses[0]}=${e.conditions?.ready}`).join()}`,
    );
    assert.deepEqual(text, [
      'IPv4 80/TCP 10.0.0.1=true,10.0.0.2=false,10.0.0.3=true',
      'IPv6 80/TCP fd00::1=true',
      'IPv4 90/UDP 10.0.0.1=true',
    ]);
    assert.deepEqual(slices[0]?.metadata?.labels, {
      a: 'b',
      'kubernetes.io/service-name': 'hand',
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    });
    assert.equal(slices[0]?.metadata?.ownerReferences?.[0]?.kind, 'Endpoints');
    const there = slices.map((slice, i) => stored(slice, `s${i}`));
    assert.deepEqual(planMirror(endpoints, there), [], 'nothing to do twice');
    assert.deepEqual(
      planMirror(undefined, there).map(({ verb }) => verb),
      ['delete', 'delete', 'delete'],
    );
  });

  it('leaves alone what is not to be mirrored', () => {
    assert.equal(isMirrored(hand([])), true);
    assert.equal(isMirrored(hand([], { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } })), false);
    assert.equal(isMirrored(hand([], { annotations: { 'control-plane.alpha.kubernetes.io/leader': '' } })), false);
  });
});
