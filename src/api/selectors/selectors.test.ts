import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ApiError } from '../errors.ts';
import {
  formatLabels,
  formatLabelSelector,
  labelSelectorMatches,
  labelsMatch,
  parseFieldSelector,
  parseLabelSelector,
} from './index.ts';

describe('label selectors as text', () => {
  const labels = { app: 'web', tier: 'front', weight: '10', empty: '' };
  const table: readonly (readonly [string, boolean])[] = [
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app=web,tier=front', true],
    ['app = web , tier != back', true],
    ['app!=web', false],
    ['other!=x', true],
    ['app in (web,api)', true],
    ['app in (api)', false],
    ['app notin (api, db)', true],
    ['other notin (x)', true],
    ['app', true],
    ['other', false],
    ['!other', true],
    ['!app', false],
    ['weight>5', true],
    ['weight<5', false],
    ['other>5', false],
    ['empty=', true],
    ['empty', true],
    ['empty in (,x)', true],
    ['constructor', false],
    ['!constructor', true],
  ];
  for (const [text, want] of table) {
    test(JSON.stringify(text), () => {
      assert.equal(parseLabelSelector(text).matches(labels), want);
    });
  }

  test('empty', () => {
    assert.equal(parseLabelSelector('').empty, true);
    assert.equal(parseLabelSelector('a').empty, false);
    assert.equal(parseLabelSelector('!a').matches(undefined), true);
  });

  test('bad ones are 400', () => {
    const bad = ['a=b,', ',a', 'a in', 'a in b', 'a in (b', 'a b', '=a', 'a=(', 'a>b', '!', 'a/b/c=d', 'a=b c', 'a=-x'];
    for (const text of bad) {
      assert.throws(
        () => parseLabelSelector(text),
        (error) => error instanceof ApiError && error.code === 400,
        text,
      );
    }
  });
});

test('LabelSelector objects', () => {
  assert.equal(labelSelectorMatches(undefined, {}), false);
  assert.equal(labelSelectorMatches({}, {}), true);
  const selector = {
    matchLabels: { b: '2', a: '1' },
    matchExpressions: [
      { key: 'c', operator: 'In', values: ['y', 'x'] },
      { key: 'd', operator: 'DoesNotExist' },
      { key: 'e', operator: 'NotIn', values: ['1'] },
      { key: 'f', operator: 'Exists' },
    ],
  };
  assert.equal(labelSelectorMatches(selector, { a: '1', b: '2', c: 'x', f: '' }), true);
  assert.equal(labelSelectorMatches(selector, { a: '1', b: '2', c: 'x', f: '', d: '' }), false);
  assert.equal(labelSelectorMatches({ matchExpressions: [{ key: 'a', operator: 'Like' }] }, { a: '1' }), false);
  assert.equal(formatLabelSelector(selector), 'a=1,b=2,c in (x,y),!d,e notin (1),f');
  assert.equal(formatLabelSelector({}), '<none>');
  assert.equal(formatLabels({ b: '1', a: '2' }), 'a=2,b=1');
  assert.equal(labelsMatch({ a: '1' }, { a: '1', b: '2' }), true);
  assert.equal(labelsMatch({ a: '1' }, undefined), false);
});

test('property: the text of a LabelSelector selects what the object selects', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const value = fc.constantFrom('x', 'y', '');
  const expression = fc.oneof(
    fc.record({
      key,
      operator: fc.constantFrom('In', 'NotIn'),
      values: fc.array(value, { minLength: 1, maxLength: 2 }),
    }),
    fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  );
  const selector = fc.record({
    matchLabels: fc.dictionary(key, value),
    matchExpressions: fc.array(expression, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(selector, fc.dictionary(key, value), (object, labels) => {
      const text = formatLabelSelector(object);
      const matcher = parseLabelSelector(text === '<none>' ? '' : text);
      assert.equal(matcher.matches(labels), labelSelectorMatches(object, labels), text);
    }),
  );
});

test('field selectors', () => {
  assert.deepEqual(parseFieldSelector('metadata.name=a,spec.nodeName!=b,x==c,y='), [
    { field: 'metadata.name', operator: '=', value: 'a' },
    { field: 'spec.nodeName', operator: '!=', value: 'b' },
    { field: 'x', operator: '=', value: 'c' },
    { field: 'y', operator: '=', value: '' },
  ]);
  assert.deepEqual(parseFieldSelector(''), []);
  assert.deepEqual(parseFieldSelector('a=b\\,c\\=d\\\\'), [{ field: 'a', operator: '=', value: 'b,c=d\\' }]);
  for (const text of ['a', 'a=b=c', 'a=\\x']) assert.throws(() => parseFieldSelector(text), ApiError, text);
});
