import { test } from 'node:test';
import assert from 'node:assert/strict';
import { asksForPodSecurity, policyOf, textOf } from './index.ts';

const prefix = 'pod-security.kubernetes.io/';

function read(labels: Readonly<Record<string, string>>): { readonly modes: string; readonly errors: string[] } {
  const named = Object.fromEntries(Object.entries(labels).map(([key, value]) => [prefix + key, value]));
  const { policy, errors } = policyOf(named);
  const modes = [policy.enforce, policy.audit, policy.warn].map(textOf).join(' ');
  return { modes, errors: errors.map(({ field, message }) => `${field}: ${message}`) };
}

test('what labels say, and what holds without them; warn follows enforce', () => {
  assert.equal(asksForPodSecurity({ app: 'web' }), false);
  assert.equal(asksForPodSecurity({ app: 'web', [`${prefix}audit`]: 'baseline' }), true);
  for (const [labels, modes] of [
    [{}, 'privileged:latest privileged:latest privileged:latest'],
    [{ enforce: 'baseline' }, 'baseline:latest privileged:latest baseline:latest'],
    [{ enforce: 'restricted', 'enforce-version': 'v1.25' }, 'restricted:v1.25 privileged:latest restricted:v1.25'],
    [{ enforce: 'restricted', 'warn-version': 'v1.5' }, 'restricted:latest privileged:latest restricted:v1.5'],
    [{ enforce: 'restricted', warn: 'baseline' }, 'restricted:latest privileged:latest baseline:latest'],
    [{ enforce: 'privileged', 'audit-version': 'v1.0' }, 'privileged:latest privileged:v1.0 privileged:latest'],
  ] as const) {
    assert.deepEqual(read(labels), { modes, errors: [] });
  }
});

test('what cannot be read: enforce is as strict as can be, audit and warn are not', () => {
  const level = (value: string): string => `Invalid value: "${value}": must be one of privileged, baseline, restricted`;
  const version = (value: string): string => `Invalid value: "${value}": must be "latest" or "v1.x"`;
  assert.deepEqual(read({ enforce: 'x', audit: 'y', warn: 'z' }), {
    modes: 'restricted:latest privileged:latest privileged:latest',
    errors: [
      `metadata.labels[${prefix}enforce]: ${level('x')}`,
      `metadata.labels[${prefix}audit]: ${level('y')}`,
      `metadata.labels[${prefix}warn]: ${level('z')}`,
    ],
  });
  for (const value of ['v2.0', '1.20', 'v1.01', 'v1.', 'latest ', 'v1.9223372036854775808']) {
    const { errors } = read({ 'enforce-version': value });
    assert.deepEqual(errors, [`metadata.labels[${prefix}enforce-version]: ${version(value)}`]);
  }
  assert.deepEqual(read({ 'enforce-version': 'v1.9223372036854775807' }).errors, []);
});
