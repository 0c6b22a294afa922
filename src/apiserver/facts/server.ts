/**
 * The server that facts are asked of: ours, in this process; or, to hold the facts themselves to the truth, a real kube-apiserver with
 * `--service-cluster-ip-range=10.96.0.0/16 --enable-admission-plugins=DenyServiceExternalIPs` (for the matrix of types with
 * 10.96.0.0/16,fd00:10:96::/112) and an empty store that trusts the CA in PKI, where admin.crt and admin.key are:
 *
 *   FACTS_JUDGE=127.0.0.1:7443,PKI npm test -- src/apiserver/facts
 */
import type { TestContext } from 'node:test';
import type { ApiServerOptions } from '../options.ts';
import { startTestServer, testClient } from '../testing.ts';
import type { TestClient } from '../testing.ts';

export async function factsClient(t: TestContext, options: Partial<ApiServerOptions> = {}): Promise<TestClient> {
  const judge = process.env['FACTS_JUDGE'];
  if (judge === undefined) return (await startTestServer(t, options)).client;
  const [address = '', pkiDir = ''] = judge.split(',');
  const client = testClient(address, pkiDir);
  t.after(() => {
    client.close();
  });
  return client;
}
