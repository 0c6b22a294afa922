/** The sorted keys against a plain sorted array, with more keys than a block holds. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { SortedKeys } from './sorted-keys.ts';

test('keys come in order and once, whatever was added and removed, also from the middle', () => {
  const number = fc.integer({ min: 0, max: 3000 });
  fc.assert(
    fc.property(
      fc.array(number, { minLength: 600, maxLength: 3000, size: 'max' }),
      number,
      number,
      (numbers, from, to) => {
        const keys = new SortedKeys();
        const model = new Set<string>();
        for (const [index, n] of numbers.entries()) {
          const key = `k${String(n)}`;
          if (model.has(key) && index % 2 === 0) {
            keys.delete(key);
            model.delete(key);
          } else if (!model.has(key)) {
            keys.add(key);
            model.add(key);
          }
        }
        keys.delete('not there');
        const [first, end] = [`k${String(from)}`, `k${String(to)}`];
        assert.deepEqual([...keys.between()], [...model].sort());
        assert.deepEqual([...keys.between(first, end)], [...model].filter((key) => key >= first && key < end).sort());
        for (const key of model) keys.delete(key);
        assert.deepEqual([...keys.between()], []);
      },
    ),
    { numRuns: 30 },
  );
});
