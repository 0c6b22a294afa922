import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { openDatagrams } from './datagrams.ts';

test('a burst waits in the kernel, also beyond what the kernel allows without asking', async () => {
  const allowed = Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'));
  // A small datagram counts for 768 octets at least; what is asked for is doubled by the kernel.
  const burst = Math.ceil((allowed * 2 * 1.2) / 768);
  const all = Promise.withResolvers<void>();
  let received = 0;
  const handle = (): number => {
    received += 1;
    if (received === burst) all.resolve();
    return 0;
  };
  const datagrams = await openDatagrams('127.0.0.1', 0, handle, (error) => all.reject(error));
  const client = dgram.createSocket('udp4');
  try {
    datagrams.setRecvBufferSize(allowed * 4);
    client.connect(datagrams.port, '127.0.0.1');
    await new Promise<void>((resolve) => client.once('connect', resolve));
    // In one turn of the event loop, so that nobody reads meanwhile.
    for (let i = 0; i < burst; i += 1) client.send('?');
    await all.promise;
    assert.equal(received, burst);
  } finally {
    client.close();
    datagrams.close();
  }
});
