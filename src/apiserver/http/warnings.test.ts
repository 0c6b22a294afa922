import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { messagesOfHttp1 } from './messages.ts';
import { addWarnings } from './warnings.ts';

async function headersOf(...groups: readonly (readonly string[])[]): Promise<readonly string[]> {
  const server = createServer((request, answer) => {
    const { response } = messagesOfHttp1(request, answer);
    for (const group of groups) addWarnings(response, group);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { headers } = await fetch(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`);
    const text = Buffer.from(headers.get('warning') ?? '', 'latin1').toString('utf8');
    return text === '' ? [] : text.split(/, (?=299 )/);
  } finally {
    server.close();
  }
}

test('each text once, quoted, as UTF-8; what has control characters is not sent', async () => {
  assert.deepEqual(await headersOf(['a "b" \\'], ['a "b" \\', 'größer 日本', 'a\nb']), [
    String.raw`299 - "a \"b\" \\"`,
    '299 - "größer 日本"',
  ]);
  assert.deepEqual(await headersOf([], ['']), []);
});

test('texts are cut only when all together are long', async () => {
  const long = 'x'.repeat(4000);
  assert.deepEqual(await headersOf([long, 'y'.repeat(96)]), [`299 - "${long}"`, `299 - "${'y'.repeat(96)}"`]);
  assert.deepEqual(await headersOf([long], ['y'.repeat(97)]), [
    `299 - "${'x'.repeat(256)}"`,
    `299 - "${'y'.repeat(97)}"`,
  ]);
  const many = Array.from({ length: 30 }, (_, index) => `${String(index)}${'z'.repeat(300)}`);
  assert.equal((await headersOf(many)).length, 16);
});
