/** The checks that clients ask for by name. Source: test/e2e/apimachinery/health_handlers.go (1.36). */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startTestServer } from '../testing.ts';

test('health: every check by its name, one alone, one left out; the same as a metric', async (t) => {
  const { client } = await startTestServer(t);
  for (const probe of ['healthz', 'livez', 'readyz']) {
    const { text } = await client.call('GET', `/${probe}?verbose=1`);
    for (const name of ['ping', 'log', 'etcd', 'autoregister-completion', 'poststarthook/storage-readiness']) {
      assert.ok(text.includes(`[+]${name} ok\n`), `${probe} ${name}`);
      assert.equal((await client.call('GET', `/${probe}/${name}`)).text, 'ok');
    }
    assert.equal(text.includes('[+]informer-sync ok'), probe === 'readyz');
    assert.match((await client.call('GET', `/${probe}?verbose&exclude=etcd`)).text, /\[\+\]etcd excluded: ok/);
  }
  assert.match(
    (await client.call('GET', '/metrics/slis')).text,
    /^kubernetes_healthcheck\{name="etcd",type="livez"\} 1$/m,
  );
});
