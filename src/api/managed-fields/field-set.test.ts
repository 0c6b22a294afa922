/** The algebra of path sets against the dumbest model there is: a set of texts. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import fc from 'fast-check';
import { canonicalElement, compareElements, elementText } from './element.ts';
import {
  difference,
  hasPath,
  intersection,
  isEmpty,
  ordered,
  pathText,
  pathsOf,
  readSet,
  recursiveDifference,
  setOfPaths,
  union,
} from './field-set.ts';
import type { FieldSet } from './field-set.ts';

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'k:{"name":"y"}', 'v:1', 'v:"1"');
const path = fc.array(element, { minLength: 1, maxLength: 4 });
const paths = fc.array(path, { maxLength: 8 });

const separator = ' / ';
const key = (steps: readonly string[]): string => steps.join(separator);
const modelOf = (set: FieldSet): Set<string> => new Set([...pathsOf(set)].map(key));
const model = (list: readonly (readonly string[])[]): Set<string> => new Set(list.map(key));

describe('sets of paths', () => {
  test('property: union, intersection, difference are those of sets of texts', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const [a, b] = [setOfPaths(left), setOfPaths(right)];
        const [ma, mb] = [model(left), model(right)];
        assert.deepEqual(modelOf(a), ma);
        assert.deepEqual(modelOf(union(a, b)), ma.union(mb));
        assert.deepEqual(modelOf(intersection(a, b)), ma.intersection(mb));
        assert.deepEqual(modelOf(difference(a, b)), ma.difference(mb));
        assert.equal(isEmpty(difference(a, a)), true);
      }),
    );
  });

  test('property: a recursive difference takes what is below, too', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const gone = [...model(right)];
        const kept = [...model(left)].filter(
          (text) => !gone.some((other) => text === other || text.startsWith(other + separator)),
        );
        assert.deepEqual(modelOf(recursiveDifference(setOfPaths(left), setOfPaths(right))), new Set(kept));
      }),
    );
  });

  test('property: reading what was written gives the same set, and the order is one', () => {
    fc.assert(
      fc.property(paths, (list) => {
        const set = setOfPaths(list);
        const json = JSON.stringify(ordered(set));
        assert.deepEqual(modelOf(readSet(JSON.parse(json))), model(list));
        assert.equal(JSON.stringify(ordered(readSet(JSON.parse(json)))), json);
        assert.equal(JSON.stringify(ordered(setOfPaths(list.toReversed()))), json);
        for (const steps of list) assert.equal(hasPath(set, steps), true);
      }),
    );
  });

  test('property: the order of elements is one', () => {
    fc.assert(
      fc.property(element, element, element, (a, b, c) => {
        assert.equal(Math.sign(compareElements(a, b)) + Math.sign(compareElements(b, a)), 0);
        if (compareElements(a, b) <= 0 && compareElements(b, c) <= 0) assert.ok(compareElements(a, c) <= 0);
      }),
    );
  });

  test('elements: canonical spelling, texts, numbers by size', () => {
    assert.equal(canonicalElement('k:{"protocol":"TCP", "port":80}'), 'k:{"port":80,"protocol":"TCP"}');
    assert.equal(canonicalElement('z:new'), undefined);
    assert.throws(() => canonicalElement('nonsense'), SyntaxError);
    assert.throws(() => canonicalElement('k:{'), SyntaxError);
    assert.equal(
      pathText(['f:spec', 'k:{"port":80,"protocol":"TCP"}', 'v:"x"', 'i:0']),
      '.spec[port=80,protocol="TCP"][="x"][0]',
    );
    assert.equal(elementText('v:1'), '[=1]');
    assert.deepEqual(['v:"b"', 'i:0', 'k:{"port":443}', 'f:z', 'v:"a"', 'k:{"port":80}', 'f:a'].sort(compareElements), [
      'f:a',
      'f:z',
      'k:{"port":80}',
      'k:{"port":443}',
      'v:"a"',
      'v:"b"',
      'i:0',
    ]);
  });

  test('property: whatever a client sends is read, or refused with SyntaxError', () => {
    const junk = fc.oneof(fc.string(), fc.constantFrom('f:a', 'k:{"a":1}', 'k:[1]', 'v:{', 'i:x', '.', 'k:null'));
    const tree = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 3 }, fc.constant({}), fc.jsonValue(), tie('map')),
      map: fc.dictionary(junk, tie('node'), { maxKeys: 3, noNullPrototype: true }),
    }));
    fc.assert(
      fc.property(tree.node, (fields) => {
        try {
          ordered(readSet(fields));
        } catch (error) {
          assert.ok(error instanceof SyntaxError, String(error));
        }
      }),
    );
  });
});
