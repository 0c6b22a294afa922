/** Every recorded answer of patches.ts and applies.ts, against the server; what is refused or tried out changes nothing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { applyFacts } from './applies.ts';
import { patchFacts } from './patches.ts';
import type { PatchFact } from './patches.ts';
import { factsClient } from './server.ts';
import type { Answer, TestClient } from '../testing.ts';

const types: Readonly<Record<string, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

const services = '/api/v1/namespaces/default/services';
const deployments = '/apis/apps/v1/namespaces/default/deployments';

const objects = {
  svc: { metadata: { labels: { a: 'b' } }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } },
  web: {
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'c', image: 'nginx' }] },
      },
    },
  },
} as const;

function check(fact: PatchFact, name: string, answer: Answer): void {
  const { message, causes, holds, warnings } = fact;
  assert.equal(answer.code, fact.code, answer.text);
  if (holds !== undefined) assert.partialDeepStrictEqual(answer.body, holds);
  if (warnings !== undefined) {
    const found = [...(answer.headers['warning'] ?? '').matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)];
    assert.deepEqual(
      found.map(([, text = '']) => text.replaceAll('\\"', '"')),
      warnings,
    );
  }
  if (fact.code < 300) return;
  const status = answer.body as {
    reason?: string;
    message: string;
    details?: { causes?: { reason: string; field: string; message: string }[] };
  };
  assert.equal(status.reason ?? '', fact.reason);
  if (typeof message === 'string') assert.equal(status.message, message.replaceAll('NAME', name));
  if (message instanceof RegExp) assert.match(status.message, new RegExp(message.source.replaceAll('NAME', name), 's'));
  if (causes !== undefined) {
    assert.deepEqual(
      (status.details?.causes ?? []).map(({ reason, field, message: why }) => `${reason} ${field}: ${why}`),
      causes,
    );
  }
}

async function run(client: TestClient, fact: PatchFact, name: string): Promise<void> {
  const base = fact.on === 'web' ? deployments : services;
  if (fact.on !== 'none') {
    const object = objects[fact.on];
    const metadata = { name, ...('metadata' in object ? object.metadata : {}) };
    const made = await client.call('POST', `${base}?fieldManager=creator`, { ...object, metadata });
    assert.equal(made.code, 201, made.text);
  }
  const path = `${base}/${name}`;
  const before = await client.call('GET', path);
  const query = fact.query ?? (fact.type === 'apply' ? 'fieldManager=me' : '');
  const text = (typeof fact.body === 'string' ? fact.body : JSON.stringify(fact.body)).replaceAll('NAME', name);
  const target = fact.subresource === undefined ? path : `${path}/${fact.subresource}`;
  const headers = { 'content-type': types[fact.type] ?? fact.type };
  check(fact, name, await client.call('PATCH', `${target}?${query}`, text, headers));
  const isTried = query.includes('dryRun=All');
  if (fact.code >= 300 || isTried) assert.equal((await client.call('GET', path)).text, before.text);
}

test('recorded answers to patches', async (t) => {
  const client = await factsClient(t);
  for (const [index, fact] of [...patchFacts, ...applyFacts].entries()) {
    await t.test(`${fact.name} (${fact.source})`, () => run(client, fact, `x-${index}`));
  }
});
