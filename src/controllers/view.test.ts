import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { ConfigMap } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { createObjectCache } from '../client/object-cache.ts';
import type { Informer, InformerHandler } from '../client/index.ts';
import { live } from './fixtures.ts';
import { compareVersions, createView } from './view.ts';
import type { View } from './view.ts';

const key = (name: string) => ({ namespace: 'default', name });
const map = (name: string, version: number, more: Partial<ConfigMap['metadata']> = {}): Live<ConfigMap> =>
  live({
    metadata: {
      name,
      namespace: 'default',
      uid: `${name}-uid`,
      resourceVersion: String(version),
      labels: { group: 'g' },
      ...more,
    },
  });

describe('view', () => {
  let view: View<ConfigMap>;
  let see: (object: Live<ConfigMap>) => void;
  let lose: (object: Live<ConfigMap>) => void;
  let lookup: (group: string) => string[];

  beforeEach(() => {
    const handlers: InformerHandler<ConfigMap>[] = [];
    const cache = createObjectCache<ConfigMap>(undefined, (current, old) => {
      for (const handler of handlers) handler(current, old);
    });
    const informer: Informer<ConfigMap> = {
      ...cache,
      onChange: (handler) => void handlers.push(handler),
      synced: Promise.resolve(),
      hasSynced: true,
    };
    view = createView(informer);
    const byGroup = view.indexBy(({ metadata }) => metadata.labels?.['group']);
    see = (object) => cache.apply({ type: 'MODIFIED', object });
    lose = (object) => cache.apply({ type: 'DELETED', object });
    lookup = (group) => byGroup(group).map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);
  });
  const names = (): string[] =>
    [...view.list('default')].map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);

  it('shows our own write until the watch has caught up', () => {
    view.wrote(map('a', 5));
    assert.deepEqual([names(), lookup('g')], [['a@5'], ['a@5']]);
    see(map('a', 4));
    assert.deepEqual([names(), lookup('g')], [['a@5'], ['a@5']], 'an older event changes nothing');
    see(map('a', 5));
    see(map('a', 12));
    assert.deepEqual([names(), lookup('g')], [['a@12'], ['a@12']]);
    view.wrote(map('a', 9));
    assert.deepEqual(names(), ['a@12'], 'an older write changes nothing');
  });

  it('shows our own delete as terminating, until it is gone or made again', () => {
    see(map('a', 1));
    view.removed(key('a'));
    assert.notEqual(view.get(key('a'))?.metadata.deletionTimestamp, undefined);
    see(map('a', 2));
    assert.notEqual(view.get(key('a'))?.metadata.deletionTimestamp, undefined, 'an event from before');
    lose(map('a', 3));
    assert.deepEqual([view.get(key('a')), names(), lookup('g')], [undefined, [], []]);
    see(map('a', 4, { uid: 'new' }));
    assert.equal(view.get(key('a'))?.metadata.deletionTimestamp, undefined);
  });

  it('follows an index when the value changes', () => {
    see(map('a', 1));
    view.wrote(map('a', 2, { labels: { group: 'h' } }));
    assert.deepEqual([lookup('g'), lookup('h')], [[], ['a@2']]);
    see(map('a', 2, { labels: { group: 'h' } }));
    see(map('b', 3));
    assert.deepEqual([lookup('g'), lookup('h')], [['b@3'], ['a@2']]);
  });

  it('compares versions as numbers of any length', () => {
    assert.ok(compareVersions('9', '10') < 0);
    assert.ok(compareVersions('123456789012345678901', '123456789012345678900') > 0);
    assert.equal(compareVersions('7', '7'), 0);
  });
});
