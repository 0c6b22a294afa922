/** Every recorded fact, sent to a real server. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { causeOf } from './fact.ts';
import type { Fact, Facts } from './fact.ts';
import { endpointSlices } from './endpointslices.ts';
import { pods } from './pods.ts';
import { services } from './services.ts';
import { factsClient } from './server.ts';
import type { Answer, TestClient } from '../testing.ts';

const tables: readonly Facts[] = [services, endpointSlices, pods];

test('there are at least 150, each with its source and a name of its own', () => {
  const rows = tables.flatMap((table) => table.rows.map((row) => ({ ...row, name: `${table.kind}: ${row.name}` })));
  assert.ok(rows.length >= 150, `only ${String(rows.length)} facts`);
  assert.equal(new Set(rows.map((row) => row.name)).size, rows.length);
  assert.ok(rows.every((row) => row.source.length > 5));
});

for (const facts of tables) {
  test(`facts about ${facts.kind}`, async (t) => {
    const client = await factsClient(t);
    await client.call('POST', '/api/v1/namespaces', { metadata: { name: 'facts' } });
    await client.call('POST', '/api/v1/namespaces/facts/serviceaccounts', { metadata: { name: 'default' } });
    for (const fact of facts.rows) {
      await t.test(fact.name, async () => {
        try {
          await check(client, facts, fact);
        } finally {
          await client.call('DELETE', `${facts.path}?gracePeriodSeconds=0`);
        }
      });
    }
  });
}

async function check(client: TestClient, facts: Facts, fact: Fact): Promise<void> {
  const path = fact.path ?? facts.path;
  let address = '';
  for (const body of fact.given ?? []) {
    const made = await client.call('POST', path, body);
    assert.equal(made.code, 201, made.text);
    address = String(valueAt(made.body, 'spec.clusterIP'));
  }
  const before = await client.call('GET', path);
  const [method, suffix] = fact.send ?? ['POST', ''];
  const answer = await client.call(method, `${path}${suffix}`, fact.body, fact.headers);
  if (fact.errors !== undefined) {
    invalid(
      answer,
      facts.kind,
      fact.errors.map((error) => error.replace('CLUSTER_IP', address)),
    );
  } else if (fact.is !== undefined) refused(answer, ...fact.is);
  else assert.ok(answer.code === 200 || answer.code === 201, answer.text);
  for (const [field, value] of Object.entries(fact.has ?? {})) {
    assert.deepEqual(valueAt(answer.body, field), value, `${field} of ${answer.text}`);
  }
  if (fact.warnings !== undefined) {
    assert.equal(answer.headers['warning'], fact.warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(', '));
  }
  if (answer.code < 400) return;
  const after = await client.call('GET', path);
  assert.deepEqual(after.body['items'], before.body['items'], 'a refused request changed something');
}

function invalid(answer: Answer, kind: string, errors: readonly string[]): void {
  assert.equal(answer.code, 422, answer.text);
  const details = answer.body['details'] as { name?: string; causes: unknown };
  assert.deepEqual(details.causes, errors.map(causeOf));
  const all = errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`;
  const group = kind === 'EndpointSlice' ? '.discovery.k8s.io' : '';
  assert.equal(answer.body['reason'], 'Invalid');
  assert.equal(
    answer.body['message'],
    `${kind}${group} ${JSON.stringify(details.name ?? '')} is invalid: ${all ?? ''}`,
  );
}

function refused(answer: Answer, code: number, reason: string, message: string | RegExp): void {
  assert.equal(answer.code, code, answer.text);
  if (code < 400) return;
  assert.equal(answer.body['kind'], 'Status');
  assert.equal(answer.body['code'], code);
  assert.equal(answer.body['reason'] ?? '', reason, answer.text);
  if (typeof message === 'string') assert.equal(answer.body['message'], message);
  else assert.match(String(answer.body['message']), message);
}

/** `spec.ports.0.port` */
function valueAt(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}
