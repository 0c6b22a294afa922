/** The rule evaluator, against a dumb one and against a table. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { PolicyRule } from '../../api/gen/types.ts';
import { resourceAttributes } from './attributes.ts';
import type { Attributes } from './attributes.ts';
import { compactRules, missingRights, ruleAllows, ruleText } from './rules.ts';

const verbs = ['get', 'list', 'create'];
const groups = ['', 'apps'];
const resources = ['pods', 'services'];
const subresources = ['', 'status', 'log'];
const names = ['', 'a', 'b'];
const urls = ['/healthz', '/healthz/ping', '/version', '/'];

const some = <T>(values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.subarray([...values], { minLength: 1, maxLength: values.length });

const resourceRule = fc.record({
  verbs: some([...verbs, '*']),
  apiGroups: some([...groups, '*']),
  resources: some(['pods', 'services', 'pods/status', 'services/log', '*/status', '*']),
  resourceNames: fc.subarray(['a', 'b']),
});
const pathRule = fc.record({
  verbs: some(['get', '*']),
  nonResourceURLs: some(['/healthz', '/healthz/*', '/version', '*', '/heal*']),
});
const rules: fc.Arbitrary<PolicyRule[]> = fc.array(fc.oneof(resourceRule, pathRule), { maxLength: 4 });

const everything: readonly Attributes[] = [
  ...verbs.flatMap((verb) =>
    groups.flatMap((group) =>
      resources.flatMap((resource) =>
        subresources.flatMap((subresource) =>
          names.map((name) => resourceAttributes(verb, { group, resource, subresource, name })),
        ),
      ),
    ),
  ),
  ...urls.flatMap((path) => ['get', 'post'].map((verb): Attributes => ({ kind: 'path', verb, path }))),
];

/** Spells every combination that a rule means into one pattern each. */
function dumbAllows(rule: PolicyRule, asked: Attributes): boolean {
  const glob = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  const test = (pattern: string, text: string): boolean => new RegExp(`^${pattern}$`).test(text);
  for (const verb of rule.verbs) {
    if (!test(glob(verb), asked.verb)) continue;
    if (asked.kind === 'path') {
      if ((rule.nonResourceURLs ?? []).some((url) => test(glob(url), asked.path))) return true;
      continue;
    }
    const whole = asked.subresource === '' ? asked.resource : `${asked.resource}/${asked.subresource}`;
    const names = (rule.resourceNames ?? []).length === 0 ? ['*'] : (rule.resourceNames ?? []);
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        if (!test(glob(group), asked.group) || !test(glob(resource), whole)) continue;
        if (names.some((name) => test(glob(name), asked.name))) return true;
      }
    }
  }
  return false;
}

test('a rule allows what the dumb evaluator says it allows', () => {
  fc.assert(
    fc.property(rules, (list) => {
      for (const rule of list) {
        for (const asked of everything) assert.equal(ruleAllows(rule, asked), dumbAllows(rule, asked));
      }
    }),
    { numRuns: 150 },
  );
});

test('what is not missing is allowed: nobody is given more than he holds', () => {
  fc.assert(
    fc.property(rules, rules, (held, wanted) => {
      if (missingRights(held, wanted).length > 0) return;
      for (const asked of everything) {
        if (!wanted.some((rule) => ruleAllows(rule, asked))) continue;
        assert.ok(
          held.some((rule) => ruleAllows(rule, asked)),
          JSON.stringify({ held, wanted, asked }),
        );
      }
    }),
    { numRuns: 300 },
  );
  fc.assert(fc.property(rules, (list) => assert.deepEqual(missingRights(list, list), [])));
});

test('missing rights are said in the words of upstream', () => {
  const held: PolicyRule[] = [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }];
  const wanted: PolicyRule[] = [
    { verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] },
    { verbs: ['get'], nonResourceURLs: ['/metrics'] },
  ];
  assert.deepEqual(compactRules(missingRights(held, wanted)).map(ruleText), [
    '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
    '{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}',
  ]);
});
