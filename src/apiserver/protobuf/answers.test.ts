/** What a client gets that asks for protobuf: objects, lists, Status, watches; and what cannot be had so. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import test, { after, before } from 'node:test';
import type { TestContext } from 'node:test';
import { crontab, crontabs } from '../custom/fixtures.ts';
import { startTestServer } from '../testing.ts';
import type { TestServer } from '../testing.ts';
import { decodeProtobuf } from './decode.ts';
import { wireFields } from './wire.ts';

const protobuf = 'application/vnd.kubernetes.protobuf';
const base = '/api/v1/namespaces/default/configmaps';
const table = 'as=Table;v=v1;g=meta.k8s.io';
const metadata = 'as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

let server: TestServer;
const closing: (() => unknown)[] = [];
before(async () => {
  server = await startTestServer({ after: (close: () => unknown) => closing.push(close) } as unknown as TestContext);
  for (const name of ['a', 'b']) await server.client.call('POST', base, { metadata: { name }, data: { k: name } });
});
after(async () => {
  for (const close of closing.toReversed()) await close();
});

async function get(path: string, accept: string): Promise<{ type: string | undefined; code: number; body: Buffer }> {
  const response = await server.client.open(path, { accept });
  const body = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>));
  return { type: response.headers['content-type'], code: response.statusCode ?? 0, body };
}

test('objects, lists, metadata and Status are the same in both encodings', async () => {
  for (const path of [`${base}/a`, base, `${base}/none`, '/api', '/apis', '/api/v1', '/apis/apps']) {
    const [binary, json] = [await get(path, `${protobuf}, application/json`), await get(path, 'application/json')];
    assert.equal(binary.type, protobuf, path);
    assert.equal(binary.code, json.code);
    const value = JSON.parse(json.body.toString()) as { items?: object[]; apiVersion?: string };
    // Zeros that JSON writes and Go's types drop.
    assert.deepEqual(decodeProtobuf(binary.body), { apiVersion: 'v1', ...value }, path);
  }
  const partial = decodeProtobuf((await get(base, `${protobuf};${metadata}`)).body);
  assert.equal(partial['kind'], 'PartialObjectMetadataList');
  assert.deepEqual(
    (partial['items'] as { metadata: { name: string }; data?: object }[]).map((item) => [
      item.metadata.name,
      item.data,
    ]),
    [
      ['a', undefined],
      ['b', undefined],
    ],
  );
});

test('the first that can be given wins, by q; what nothing fits is a 406', async () => {
  const cases: readonly (readonly [accept: string, answer: string])[] = [
    [protobuf, protobuf],
    [`application/json;q=0.8, ${protobuf}`, protobuf],
    [`${protobuf};q=0.1, application/*;q=0.2`, 'application/json'],
    [`application/*, ${protobuf}`, protobuf],
    ['text/html, */*;q=0.1', 'application/json'],
    [`${protobuf};${table}, application/json`, 'application/json'],
    [`${protobuf};stream=watch`, protobuf],
    [`${protobuf};stream=other, application/yaml`, 'application/yaml'],
    ['application/json;as=Table;v=v1beta1;g=meta.k8s.io', 'application/json'],
  ];
  for (const [accept, answer] of cases) assert.equal((await get(base, accept)).type, answer, accept);
  const offered = `application/json, application/yaml, ${protobuf}`;
  const refusals = [
    ['text/html', `406: Not Acceptable\\n\\nAvailable representations: ${offered}, `],
    [`${protobuf};${table}`, `only the following media types are accepted: ${offered}"`],
    ['application/json;as=Other;v=v1;g=meta.k8s.io', `only the following media types are accepted: ${offered}"`],
  ] as const;
  for (const [accept, why] of refusals) {
    const refused = await get(base, accept);
    assert.equal(refused.code, 406, accept);
    assert.ok(refused.body.toString().includes(why), refused.body.toString());
  }
  const beta = await get(base, 'application/json;as=Table;v=v1beta1;g=meta.k8s.io');
  assert.match(beta.body.toString(), /^\{"kind":"Table","apiVersion":"meta\.k8s\.io\/v1beta1"/);
});

test('a watch in frames, with bookmarks; not in YAML', async () => {
  const stream = await server.client.open(
    `${base}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`,
    {
      accept: `${protobuf};stream=watch, ${protobuf}`,
    },
  );
  assert.equal(stream.headers['content-type'], `${protobuf};stream=watch`);
  const next = frames(stream);
  assert.deepEqual(
    [await next(), await next()].map(
      ([
        type,
        {
          metadata: { name },
        },
      ]) => [type, name],
    ),
    [
      ['ADDED', 'a'],
      ['ADDED', 'b'],
    ],
  );
  const [type, { metadata: mark }] = await next();
  assert.deepEqual([type, mark.annotations], ['BOOKMARK', { 'k8s.io/initial-events-end': 'true' }]);
  await server.client.call('DELETE', `${base}/b`);
  assert.equal((await next())[0], 'DELETED');
  stream.destroy();
  const yaml = await get(`${base}?watch=1`, 'application/yaml');
  assert.equal(yaml.code, 406);
  assert.match(
    yaml.body.toString(),
    /accepted: application\/json;stream=watch, application\/vnd\.kubernetes\.protobuf;stream=watch/,
  );
});

test('custom kinds have JSON only, but their metadata and their definitions have messages', async () => {
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  assert.equal((await server.client.call('POST', definitions, crontabs())).code, 201);
  const path = '/apis/stable.example.com/v1/namespaces/default/crontabs';
  assert.equal((await server.client.call('POST', path, crontab('x'))).code, 201);
  assert.equal((await get(path, protobuf)).code, 406);
  assert.equal((await get(path, `${protobuf}, application/json`)).type, 'application/json');
  assert.equal((await get(path, `${protobuf};${metadata}`)).type, protobuf);
  const definition = await get(`${definitions}/crontabs.stable.example.com`, protobuf);
  const json = await server.client.call('GET', `${definitions}/crontabs.stable.example.com`);
  assert.deepEqual(decodeProtobuf(definition.body), json.body);
});

type Seen = readonly [
  type: string,
  object: { readonly metadata: { readonly name: string; readonly annotations?: object } },
];

function frames(stream: IncomingMessage): () => Promise<Seen> {
  let bytes = Buffer.alloc(0);
  const chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const fill = async (length: number): Promise<void> => {
    while (bytes.length < length) {
      const chunk = await chunks.next();
      if (chunk.done === true) throw new Error('the watch ended');
      bytes = Buffer.concat([bytes, chunk.value]);
    }
  };
  return async () => {
    await fill(4);
    const length = bytes.readUInt32BE(0);
    await fill(4 + length);
    const [type, extension] = [...wireFields(bytes.subarray(4, 4 + length))].map(({ value }) => value as Buffer);
    const [raw] = [...wireFields(extension ?? Buffer.alloc(0))];
    bytes = bytes.subarray(4 + length);
    return [type?.toString() ?? '', decodeProtobuf(raw?.value as Buffer) as unknown as Seen[1]];
  };
}
