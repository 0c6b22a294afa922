/** Refused requests get upstream's status, reason, field and message, and change nothing; our own commands name the fix. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launcher } from '../support/paths.ts';
import { asYaml, sharedCluster } from '../support/cluster.ts';
import { runCommand } from '../support/run.ts';

const cluster = sharedCluster();

interface Case {
  readonly name: string;
  readonly input: string;
  readonly stderr: RegExp;
}

const CASES: readonly Case[] = [
  {
    name: 'an unknown kind',
    input: '{ apiVersion: v1, kind: Servce, metadata: { name: x } }',
    stderr: /no matches for kind "Servce" in version "v1"/,
  },
  { name: 'malformed YAML', input: 'apiVersion: v1\nkind: [', stderr: /error parsing|yaml:/ },
  {
    name: 'an unknown field',
    input: '{ apiVersion: v1, kind: Service, metadata: { name: x }, spec: { prots: [] } }',
    stderr: /strict decoding error: unknown field "spec\.prots"/,
  },
  {
    name: 'a wrong type',
    input: '{ apiVersion: v1, kind: Service, metadata: { name: x }, spec: { ports: [{ port: "eighty" }] } }',
    stderr: /json: cannot unmarshal string into Go struct field ServicePort\.spec\.ports\.port of type int32/,
  },
  {
    name: 'no ports',
    input: '{ apiVersion: v1, kind: Service, metadata: { name: x }, spec: { selector: { a: b } } }',
    stderr: /The Service "x" is invalid: spec\.ports: Required value/,
  },
  {
    name: 'a bad name',
    input: '{ apiVersion: v1, kind: Service, metadata: { name: Bad_Name }, spec: { ports: [{ port: 80 }] } }',
    stderr: /metadata\.name: Invalid value: "Bad_Name": a (DNS-1035|lowercase RFC 1123) label must consist of/i,
  },
  {
    name: 'a port out of range',
    input: '{ apiVersion: v1, kind: Service, metadata: { name: x }, spec: { ports: [{ port: 70000 }] } }',
    stderr: /spec\.ports\[0\]\.port: Invalid value: 70000: must be between 1 and 65535, inclusive/,
  },
  {
    name: 'a deployment whose selector does not match',
    input:
      '{ apiVersion: apps/v1, kind: Deployment, metadata: { name: x }, spec: { selector: { matchLabels: { a: b } }, template: { metadata: { labels: { a: c } }, spec: { containers: [{ name: c, image: i }] } } } }',
    stderr: /spec\.template\.metadata\.labels: Invalid value: .*: `selector` does not match template `labels`/,
  },
  {
    name: 'an external IP',
    input:
      '{ apiVersion: v1, kind: Service, metadata: { name: x }, spec: { externalIPs: [8.8.8.8], ports: [{ port: 80 }] } }',
    stderr: /externalIPs|external IPs/i,
  },
];

for (const { name, input, stderr } of CASES) {
  test(`bad input: ${name} is refused and changes nothing`, async (t) => {
    const ns = await cluster.namespace(t, 'bad');
    const outcome = await cluster.tryKubectl(['create', '-n', ns, '-f', '-'], { input: asYaml(input) });
    assert.equal(outcome.code, 1, outcome.stdout);
    assert.match(outcome.stderr, stderr);
    assert.equal(await cluster.kubectl(['get', 'services,deployments', '-n', ns, '-o', 'name']), '');
  });
}

test('bad input: an unknown vantage, part and flag are named with what there is', async () => {
  const vantage = await cluster.from('moon', ['true']);
  assert.notEqual(vantage.code, 0);
  assert.match(vantage.stderr, /moon/);
  assert.match(vantage.stderr, /internet/);
  const pod = await cluster.from('pod/default/nobody', ['true']);
  assert.match(pod.stderr, /nobody/);
  const flag = await runCommand([launcher, 'up', '--nodse', '3']);
  assert.notEqual(flag.code, 0);
  assert.match(flag.stderr, /unknown option '--nodse'/);
  const cluster2 = await runCommand([launcher, 'from', '--name', 'nowhere', 'lan', '--', 'true']);
  assert.match(cluster2.stderr, /nowhere/);
});

test('bad input: the exit code of a command from a vantage is passed on', async () => {
  assert.equal((await cluster.from('lan', ['sh', '-c', 'exit 42'])).code, 42);
});
