import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ConfigMap } from '../api/gen/types.ts';
import type { Live } from '../api/object.ts';
import { resources } from '../api/resources.ts';
import { createClient } from './client.ts';
import type { ClosableClient } from './client.ts';
import { createInformer } from './informer.ts';
import type { InformerOptions } from './informer.ts';
import { startTestServer } from './testing.ts';
import { eventually } from '../util/testing.ts';
import type { TestServer } from './testing.ts';
import type { Informer, List, Page } from './types.ts';

/** Events as handlers saw them: `+a=1` added, `~a=2` changed, `-a` deleted. */
interface Follower {
  readonly informer: Informer<ConfigMap>;
  readonly seen: string[];
  has(name: string): boolean;
}

describe('informer', () => {
  let server: TestServer;
  let client: ClosableClient;
  let stop: AbortController;

  beforeEach(async () => {
    stop = new AbortController();
    server = await startTestServer();
    client = createClient(server.kubeconfig);
  });
  afterEach(async () => {
    stop.abort();
    client.close();
    await server.stop();
  });

  const follow = (options: InformerOptions<ConfigMap> = {}): Follower => {
    const informer = createInformer(client, resources.configMaps, options, stop.signal);
    const seen: string[] = [];
    informer.onChange((current, old) => {
      const sign = old === undefined ? '+' : current === undefined ? '-' : '~';
      const object = current ?? old;
      seen.push(sign + object?.metadata.name + (current === undefined ? '' : `=${current.data?.['value']}`));
    });
    return { informer, seen, has: (name) => informer.get({ namespace: 'default', name }) !== undefined };
  };
  const watching = (): Promise<unknown> => eventually('the watch is open', () => server.watches > 0);

  it('lists in pages, then follows', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.put(name, '1');
    const { informer, seen } = follow({ pageSize: 2 });
    assert.equal(informer.hasSynced, false);
    await informer.synced;
    assert.deepEqual(seen, ['+a=1', '+b=1', '+c=1', '+d=1', '+e=1']);
    assert.equal(server.requests.filter((one) => one.includes('limit=2')).length, 3);
    await watching();
    server.put('a', '2');
    server.remove('b');
    server.put('f', '1');
    await eventually('all came', () => seen.length === 8);
    assert.deepEqual(seen.slice(5), ['~a=2', '-b', '+f=1']);
    assert.equal([...informer.list('default')].length, 5);
    assert.equal([...informer.list('other')].length, 0);
  });

  it('reads lists with a reader of its own, which reads items after the next page was asked for', async () => {
    for (const name of ['a', 'b', 'c']) server.put(name, '1');
    const asked: number[] = [];
    const reader = (answer: Buffer): Page<ConfigMap> => {
      const { metadata, items } = JSON.parse(answer.toString()) as List<ConfigMap>;
      const lazy = function* (): Generator<Live<ConfigMap>> {
        asked.push(server.requests.filter((one) => one.includes('limit=')).length);
        for (const item of items) yield { ...item, data: { value: 'read' } };
      };
      return { metadata, items: lazy() };
    };
    const { informer, seen } = follow({ pageSize: 2, reader });
    await informer.synced;
    assert.deepEqual(seen, ['+a=read', '+b=read', '+c=read']);
    assert.equal(asked.length, 2, 'once for each page');
    await watching();
    server.put('d', '1');
    await eventually('d came', () => seen.length === 4);
    assert.equal(seen[3], '+d=1', 'a watch tells whole objects');
  });

  it('counts an optional resource that the server has not, or refuses, as empty', async () => {
    for (const [code, reason] of [
      [404, 'NotFound'],
      [403, 'Forbidden'],
    ] as const) {
      server.intercept = () => ({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason });
      const { informer, seen } = follow({ optional: true });
      await informer.synced;
      assert.equal(informer.hasSynced, true);
      assert.deepEqual(seen, []);
    }
    assert.equal(server.requests.length, 2, 'asked once each');
  });

  it('finds an optional resource that comes later, and holds it while it is refused', async () => {
    const refuse = (code: number) => () =>
      ({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason: '', message: '' }) as const;
    server.put('a', '1');
    server.intercept = refuse(404);
    const { informer, seen } = follow({ optional: true, absentSeconds: 0.02 });
    await informer.synced;
    assert.deepEqual(seen, []);
    server.intercept = undefined;
    await eventually('it came', () => seen.length === 1);
    await watching();
    server.intercept = refuse(403);
    server.cutWatches();
    const asked = server.requests.length;
    await eventually('it is refused', () => server.requests.length > asked + 3);
    assert.deepEqual(seen, ['+a=1']);
    server.intercept = refuse(404);
    await eventually('it is gone', () => seen.length === 2);
    assert.deepEqual(seen, ['+a=1', '-a']);
  });

  it('goes on after a cut connection without loss or repetition', async () => {
    server.put('a', '1');
    const { informer, seen } = follow();
    await informer.synced;
    for (let round = 2; round < 8; round++) {
      await watching();
      server.put('a', String(round));
      server.cutWatches();
      server.put('a', `${round}b`);
    }
    await eventually('the last one came', () => seen.at(-1) === '~a=7b');
    const rounds = [2, 3, 4, 5, 6, 7].flatMap((round) => [`~a=${round}`, `~a=${round}b`]);
    assert.deepEqual(seen, ['+a=1', ...rounds]);
  });

  it('resumes from a bookmark', async () => {
    server.put('a', '1');
    const { informer } = follow();
    await informer.synced;
    await watching();
    server.compact();
    server.bookmark();
    server.put('b', '1');
    await eventually('b came', () => informer.get({ namespace: 'default', name: 'b' }) !== undefined);
    server.cutWatches();
    await watching();
    assert.equal(server.requests.filter((one) => !one.includes('watch=true')).length, 1, 'one list only');
  });

  it('shows the net difference after 410', async () => {
    for (const name of ['same', 'changed', 'gone', 'reborn']) server.put(name, '1');
    const { informer, seen } = follow();
    await informer.synced;
    await watching();
    await server.stop();
    server.put('changed', '2');
    server.put('changed', '3');
    server.remove('gone');
    server.put('passing', '1');
    server.remove('passing');
    server.remove('reborn');
    server.put('reborn', '2');
    server.put('new', '1');
    server.compact();
    seen.length = 0;
    await server.restart();
    await eventually('the new one came', () => seen.includes('+new=1'));
    assert.deepEqual([...seen].sort(), ['+new=1', '+reborn=2', '-gone', '-reborn', '~changed=3']);
  });

  it('survives a server that is away, and is told at once when it is back', async () => {
    server.put('a', '1');
    await server.stop();
    const { informer, seen } = follow();
    const refused = client.list(resources.configMaps);
    await assert.rejects(refused, 'so was the informer, which asked before');
    assert.equal(informer.hasSynced, false);
    await server.restart();
    await informer.synced;
    await watching();
    await server.stop();
    server.put('b', '1');
    await server.restart();
    await eventually('b came', () => seen.length === 2);
    assert.deepEqual(seen, ['+a=1', '+b=1']);
  });

  it('lists again when the server knows less than we do', async () => {
    server.put('a', '1');
    const { informer, seen } = follow();
    await informer.synced;
    server.intercept = (request) =>
      request.url?.includes('watch=true') === true
        ? { kind: 'Status', status: 'Failure', code: 504, reason: 'Timeout', message: 'Too large resource version' }
        : undefined;
    server.cutWatches();
    await eventually('it listed again', () => server.requests.filter((one) => one.includes('limit=')).length > 1);
    server.intercept = undefined;
    await watching();
    assert.deepEqual(seen, ['+a=1']);
  });

  it('takes a silent watch for dead', async () => {
    const { informer } = follow({ silenceSeconds: 0.1 });
    await informer.synced;
    await eventually(
      'it was opened again',
      () => server.requests.filter((one) => one.includes('watch=true')).length > 2,
    );
  });

  it('serves late handlers, outlives failing ones, and applies the transform', async () => {
    server.put('a', '1');
    const shrink = (object: ConfigMap & { metadata: unknown }): never =>
      Object.assign(object, { data: { value: 'small' } }) as never;
    const { informer, seen } = follow({ transform: shrink });
    informer.onChange(() => {
      throw new Error('handler failed on purpose');
    });
    const late: string[] = [];
    await informer.synced;
    informer.onChange((current) => late.push(current?.metadata.name ?? ''));
    await watching();
    server.put('b', '1');
    await eventually('b came', () => late.length === 2);
    assert.deepEqual(seen, ['+a=small', '+b=small']);
    assert.deepEqual(late, ['a', 'b']);
  });

  it('ends when the signal aborts', async () => {
    const { informer } = follow();
    await informer.synced;
    await watching();
    stop.abort();
    await eventually('the watch is closed', () => server.watches === 0);
    const before = server.requests.length;
    await client.list(resources.configMaps);
    assert.equal(server.requests.length, before + 1, 'ours alone');
  });
});
