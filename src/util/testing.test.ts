import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, until } from './testing.ts';

test('a probe is asked until it holds, through noes and errors, and gives what it said', async () => {
  const answers = [false, new Error('not yet'), 'here'] as const;
  let asked = 0;
  const probe = (): string | false => {
    const answer = answers[asked++] ?? 'too late';
    if (answer instanceof Error) throw answer;
    return answer;
  };
  assert.equal(await eventually('it is here', probe, { intervalMs: 1 }), 'here');
  assert.equal(asked, 3);
});

test('patience ends with what was waited for, what explains it, and the last reason', async () => {
  const refuse = (): true => {
    throw new Error('nobody there');
  };
  await assert.rejects(eventually('an answer', refuse, { timeoutMs: 0, intervalMs: 1, explain: () => 'The log.' }), {
    message: 'gave up waiting: an answer. The log.',
    cause: new Error('nobody there'),
  });
});

test('what is read until it is good comes back, and an error of the reader at once', async () => {
  let count = 0;
  assert.equal(
    await until(
      'three',
      () => ++count,
      (value) => value === 3,
    ),
    3,
  );
  const broken = (): number => {
    throw new Error('on purpose');
  };
  await assert.rejects(
    until('never', broken, () => true),
    /on purpose/,
  );
});
