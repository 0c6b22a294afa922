import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeCondition, Taint } from '../../api/gen/types.ts';
import { mustParseCidr } from '../../util/ip.ts';
import { node, now, pod } from '../fixtures.ts';
import { evictionDelay } from './eviction.ts';
import { silentConditions, wantedTaints } from './health.ts';
import { firstFree } from './ipam.ts';
import { notReadyWrites } from './lifecycle.ts';

const ready = (status: string): NodeCondition => ({ type: 'Ready', status, reason: 'R', lastHeartbeatTime: 'then' });
const withTaints = (conditions: NodeCondition[], taints: Taint[] = [], unschedulable = false) =>
  node('n', { spec: { taints, unschedulable }, status: { conditions } });

describe('node health', () => {
  it('makes all conditions of a silent node Unknown, once', () => {
    const conditions = silentConditions(withTaints([ready('True')]), now) ?? [];
    assert.deepEqual(
      conditions.map(({ type, status, reason, message }) => `${type} ${status} ${reason} ${message}`),
      [
        'Ready Unknown NodeStatusUnknown Kubelet stopped posting node status.',
        'MemoryPressure Unknown NodeStatusNeverUpdated Kubelet never posted node status.',
        'DiskPressure Unknown NodeStatusNeverUpdated Kubelet never posted node status.',
        'PIDPressure Unknown NodeStatusNeverUpdated Kubelet never posted node status.',
      ],
    );
    assert.equal(conditions[0]?.lastHeartbeatTime, 'then', 'the last heartbeat stays');
    assert.equal(silentConditions(withTaints(conditions), now), undefined);
  });

  const foreign = { key: 'mine', effect: 'NoSchedule' };
  const cases: readonly [string, Parameters<typeof withTaints>, string][] = [
    ['Ready', [[ready('True')]], 'as it is'],
    ['never said anything', [[]], 'not-ready:NoSchedule'],
    ['not Ready', [[ready('False')]], 'not-ready:NoSchedule not-ready:NoExecute'],
    ['Unknown', [[ready('Unknown')]], 'unreachable:NoSchedule unreachable:NoExecute'],
    ['cordoned', [[ready('True')], [], true], 'unschedulable:NoSchedule'],
    ['pressed', [[ready('True'), { type: 'DiskPressure', status: 'True' }]], 'disk-pressure:NoSchedule'],
    [
      'back again, with a taint of somebody else',
      [[ready('True')], [foreign, { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }]],
      'mine:NoSchedule',
    ],
    ['Ready, with a taint of somebody else', [[ready('True')], [foreign]], 'as it is'],
  ];
  for (const [name, args, expected] of cases) {
    it(`taints: ${name}`, () => {
      const taints = wantedTaints(withTaints(...args), now);
      const text = taints?.map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`).join(' ');
      assert.equal(text ?? 'as it is', expected);
      if (taints !== undefined) assert.equal(wantedTaints(withTaints(args[0], taints, args[2]), now + 1000), undefined);
    });
  }

  it('takes Ready from the pods of a lost node, and leaves the rest of the condition', () => {
    const pods = [pod('a'), pod('b', { ready: false }), pod('ended', { phase: 'Failed' })];
    const [write, said, ...more] = notReadyWrites(pods, now);
    assert.ok(write?.verb === 'patch' && said?.verb === 'event');
    assert.deepEqual(write.patch, {
      status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T01:00:00Z' }] },
    });
    assert.equal(`${said.type} ${said.reason} ${said.message}`, 'Warning NodeNotReady Node is not ready');
    assert.deepEqual(more, []);
  });
});

describe('taint eviction', () => {
  const taint = (key: string, timeAdded?: string): Taint => ({ key, effect: 'NoExecute', timeAdded });
  const tolerate = (key: string, tolerationSeconds?: number) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds,
  });
  const hour = '2026-01-01T00:59:00Z';
  const cases: readonly [string, Taint[], ReturnType<typeof tolerate>[], number | undefined][] = [
    ['no taint', [], [], undefined],
    ['not tolerated', [taint('a')], [], 0],
    ['tolerated for ever', [taint('a')], [tolerate('a')], undefined],
    ['tolerated for a while', [taint('a', hour)], [tolerate('a', 300)], 240_000],
    ['… that has passed', [taint('a', hour)], [tolerate('a', 30)], 0],
    ['the shorter of two', [taint('a', hour), taint('b', hour)], [tolerate('a', 300), tolerate('b', 120)], 60_000],
    ['one of two not tolerated', [taint('a'), taint('b')], [tolerate('a')], 0],
    ['NoSchedule does not evict', [{ key: 'a', effect: 'NoSchedule' }], [], undefined],
  ];
  for (const [name, taints, tolerations, expected] of cases) {
    it(name, () => {
      assert.equal(evictionDelay(pod('p', { spec: { tolerations } }), node('n', { spec: { taints } }), now), expected);
    });
  }
});

describe('node address ranges', () => {
  const cases: readonly [string, number, string[], string | undefined][] = [
    ['10.244.0.0/16', 24, [], '10.244.0.0/24'],
    ['10.244.0.0/16', 24, ['10.244.0.0/24', '10.244.2.0/24'], '10.244.1.0/24'],
    ['10.244.0.0/16', 24, ['10.244.0.0/23'], '10.244.2.0/24'],
    ['10.244.0.0/23', 24, ['10.244.0.0/24', '10.244.1.0/24'], undefined],
    ['fd00:10:244::/56', 64, ['fd00:10:244::/64'], 'fd00:10:244:1::/64'],
  ];
  for (const [range, bits, used, expected] of cases) {
    it(`the first /${bits} of ${range} beside ${used.join() || 'nothing'} is ${expected}`, () => {
      assert.equal(firstFree({ cidr: mustParseCidr(range), bits }, used.map(mustParseCidr)), expected);
    });
  }
});
