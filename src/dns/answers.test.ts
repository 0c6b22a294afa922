import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mustParseCidr } from '../util/ip.ts';
import { Answers } from './answers.ts';
import { catalogue, richCluster } from './testing/catalogue.ts';
import { aroundCases } from './testing/catalogue-around.ts';
import { serviceCases } from './testing/catalogue-services.ts';
import { messageLines } from './testing/text.ts';
import { decodeMessage, encodeReply, flag, nameFromLabels, rrClass, rrType, tcpLimit } from './wire/index.ts';
import type { Query } from './wire/index.ts';
import { Lookup, Zone } from './zone/index.ts';

const cluster = richCluster();
const zone = new Zone('cluster.local');
for (const item of cluster.namespaces.list()) zone.onNamespace(item, undefined);
for (const item of cluster.services.list()) zone.onService(item, undefined);
for (const item of cluster.endpointSlices.list()) zone.onSlice(item, undefined);
const lookup = new Lookup(zone, {
  clusterDomain: 'cluster.local',
  serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'].map(mustParseCidr),
  podCidrs: ['10.244.0.0/16', 'fd00:10:244::/56'].map(mustParseCidr),
  addresses: ['10.10.10.1'],
});
const answers = new Answers(zone, lookup);

function full(text: string): string {
  if (text === '@') return 'cluster.local.';
  return text.endsWith('.') ? text : `${text}.cluster.local.`;
}

function queryOf(ask: string): Query {
  const space = ask.lastIndexOf(' ');
  const type = ask.slice(space + 1);
  // A dot after a backslash belongs to its label.
  const labels = full(ask.slice(0, space))
    .slice(0, -1)
    .split(/(?<!\\)\./)
    .map((label) => label.replace('\\.', '.'));
  const known = rrType[type as keyof typeof rrType] as number | undefined;
  return {
    id: 7,
    flags: flag.RD,
    name: nameFromLabels(labels),
    type: known ?? Number(type.replace('TYPE', '')),
    class: rrClass.IN,
    edns: undefined,
    exact: true,
  };
}

/** The answer as a client reads it. */
function wholeAnswer(ask: string): string[] {
  const query = queryOf(ask);
  const answer = answers.answer(query);
  assert.equal(answer.kind, 'reply');
  return messageLines(decodeMessage(Buffer.from(encodeReply(query, answer.reply, tcpLimit).packet)));
}

for (const { why, ask, expect } of [...catalogue, ...serviceCases, ...aroundCases]) {
  test(`answer: ${ask} (${why})`, () => {
    const [code = '', ...sections] = expect.map((line) => line.replaceAll('~', '.cluster.local.'));
    const found = wholeAnswer(ask);
    // An alias's denial carries the SOA as well; the table leaves it out.
    const wanted = [`${code} aa rd ra`, ...sections];
    assert.deepEqual(found.slice(0, wanted.length), wanted);
    const rest = found.slice(wanted.length);
    assert.ok(
      rest.length === 0 || (rest.length === 1 && rest[0]?.startsWith('authority: cluster.local. 5 SOA')),
      rest.join(),
    );
  });
}

test('answer: the catalogue asks each question once', () => {
  assert.equal(new Set(catalogue.map(({ ask }) => ask)).size, catalogue.length);
});

test('answer: an alias out of the cluster is chased elsewhere', () => {
  const answer = answers.answer(queryOf('ext.default.svc A'));
  assert.equal(answer.kind, 'chase');
  assert.equal(answer.target, nameFromLabels(['www', 'example', 'com']));
});

test('answer: an alias to itself ends in SERVFAIL', () => {
  assert.match(wholeAnswer('selfish.default.svc A')[0] ?? '', /^SERVFAIL aa/);
});

test('answer: names of others are elsewhere, never denied', () => {
  for (const ask of [
    'example.com. A',
    '. NS',
    'local. A',
    'xcluster.local. A',
    '1.0.168.192.in-addr.arpa. PTR',
    '10.in-addr.arpa. SOA',
    'arpa. NS',
  ]) {
    assert.equal(answers.answer(queryOf(ask === '. NS' ? 'x. NS' : ask)).kind, 'elsewhere', ask);
  }
});
