import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { Pod } from '../../gen/types.ts';
import { takeAppArmorAnnotations } from './app-armor.ts';

const key = (name: string): string => `container.apparmor.security.beta.kubernetes.io/${name}`;
const deprecated = (name: string): string =>
  `metadata.annotations[${key(name)}]: deprecated since v1.30; use the "appArmorProfile" field instead`;

function taken(text: string, container: object = {}, spec: object = {}): readonly [object | undefined, string[]] {
  const pod: Pod = {
    metadata: { name: 'p', annotations: { [key('c')]: text } },
    spec: { containers: [{ name: 'c', ...container }], ...spec },
  };
  const warnings: string[] = [];
  takeAppArmorAnnotations(pod, warnings);
  return [pod.spec?.containers[0]?.securityContext?.appArmorProfile, warnings];
}

test('the annotation becomes the field, and is warned of', () => {
  const localhost = { type: 'Localhost', localhostProfile: 'mine' };
  for (const [text, profile] of [
    ['unconfined', { type: 'Unconfined' }],
    ['runtime/default', { type: 'RuntimeDefault' }],
    ['localhost/mine', localhost],
    ['localhost/', undefined],
    ['localhost/ padded', undefined],
    ['', undefined],
  ] as const) {
    assert.deepEqual(taken(text), [profile, [deprecated('c')]]);
  }
});

test('what is said by field, by the pod, or for Windows, is left alone', () => {
  const type = { type: 'RuntimeDefault' };
  const context = { securityContext: { appArmorProfile: type } };
  assert.deepEqual(taken('unconfined', context), [type, []]);
  assert.deepEqual(taken('runtime/default', {}, context), [undefined, []]);
  assert.deepEqual(taken('unconfined', {}, context), [{ type: 'Unconfined' }, [deprecated('c')]]);
  assert.deepEqual(taken('unconfined', {}, { os: { name: 'windows' } }), [undefined, []]);
});
