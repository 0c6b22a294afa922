import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  WireError,
  decodeMessage,
  decodeQuery,
  encodeQuery,
  encodeReply,
  flag,
  foldCase,
  labelsOf,
  nameFromLabels,
  nameFromText,
  nameToText,
  rcode,
  readName,
  rrClass,
  rrType,
  tcpLimit,
  udpLimit,
  zoneOffset,
} from './index.ts';
import type { Message, Query, RData, Reply, ResourceRecord } from './index.ts';

const label = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => String.fromCharCode(...bytes));
const name = fc.array(label, { maxLength: 8 }).map(nameFromLabels);
const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint31 = fc.integer({ min: 0, max: 0x7fffffff });
const bytes = fc.uint8Array({ maxLength: 60 });

const data: fc.Arbitrary<{ readonly type: number; readonly data: RData }> = fc.oneof(
  fc
    .uint8Array({ minLength: 4, maxLength: 4 })
    .map((b) => ({ type: rrType.A, data: { kind: 'bytes' as const, bytes: b } })),
  bytes.map((b) => ({ type: rrType.TXT, data: { kind: 'bytes' as const, bytes: b } })),
  bytes.map((b) => ({ type: 65_280, data: { kind: 'bytes' as const, bytes: b } })),
  name.map((target) => ({ type: rrType.CNAME, data: { kind: 'name' as const, target } })),
  fc
    .record({ priority: uint16, weight: uint16, port: uint16, target: name })
    .map((srv) => ({ type: rrType.SRV, data: { kind: 'srv' as const, ...srv } })),
  fc
    .record({ preference: uint16, target: name })
    .map((mx) => ({ type: rrType.MX, data: { kind: 'mx' as const, ...mx } })),
  fc
    .record({ mname: name, rname: name, numbers: fc.tuple(uint31, uint31, uint31, uint31, uint31) })
    .map((soa) => ({ type: rrType.SOA, data: { kind: 'soa' as const, ...soa } })),
);
const record: fc.Arbitrary<ResourceRecord> = fc
  .tuple(name, uint31, data)
  .map(([owner, ttl, rest]) => ({ name: owner, class: rrClass.IN, ttl, ...rest }));
const query: fc.Arbitrary<Query> = fc.record({
  id: uint16,
  flags: fc.constantFrom(0, flag.RD, flag.RD | flag.CD),
  name,
  type: uint16,
  class: fc.constantFrom(1, 3),
  edns: fc.option(
    fc.record({
      size: uint16,
      version: fc.constant(0),
      dnssecOk: fc.boolean(),
      hasOptions: fc.constant(false),
    }),
    { nil: undefined },
  ),
  exact: fc.constant(true),
});
const section = fc.array(record, { maxLength: 12 });
const reply: fc.Arbitrary<Reply> = fc.record({
  rcode: fc.integer({ min: 0, max: 5 }),
  authoritative: fc.boolean(),
  answer: section,
  authority: section,
  additional: section,
});

function plain(records: readonly ResourceRecord[]): unknown[] {
  return records.map((item) => ({
    ...item,
    data: item.data.kind === 'bytes' ? { kind: 'bytes', bytes: [...item.data.bytes] } : item.data,
  }));
}

function withoutOpt(message: Message): readonly ResourceRecord[] {
  return message.additional.filter(({ type }) => type !== rrType.OPT);
}

test('codec: a query survives the wire', () => {
  fc.assert(
    fc.property(query, (asked) => {
      const read = decodeQuery(encodeQuery(asked));
      assert.equal(read.name, asked.name);
      assert.deepEqual([read.id, read.flags, read.type, read.class], [asked.id, asked.flags, asked.type, asked.class]);
      assert.equal(read.edns?.dnssecOk, asked.edns?.dnssecOk);
      assert.ok(read.exact);
    }),
  );
});

test('codec: a reply survives the wire whole, whatever names compress', () => {
  fc.assert(
    fc.property(query, reply, (asked, said) => {
      const read = decodeMessage(Buffer.from(encodeReply(asked, said, tcpLimit).packet));
      assert.equal(read.question?.name, asked.name);
      assert.equal(read.rcode, said.rcode);
      assert.deepEqual(plain(read.answer), plain(said.answer));
      assert.deepEqual(plain(read.authority), plain(said.authority));
      assert.deepEqual(plain(withoutOpt(read)), plain(said.additional));
    }),
  );
});

test('codec: a limit is kept, what fits is a prefix, TC tells of missing answers only', () => {
  fc.assert(
    fc.property(query, reply, fc.integer({ min: 300, max: 1232 }), (asked, said, limit) => {
      const { packet, truncated } = encodeReply(asked, said, limit);
      fc.pre(asked.name.length < 200);
      assert.ok(packet.length <= limit);
      const read = decodeMessage(Buffer.from(packet));
      assert.equal((read.flags & flag.TC) !== 0, truncated);
      assert.deepEqual(plain(read.answer), plain(said.answer.slice(0, read.answer.length)));
      assert.equal(truncated, read.answer.length < said.answer.length || read.authority.length < said.authority.length);
    }),
  );
});

/** Only WireError may come out, whatever goes in. */
function onlyWireError(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
  }
}

test('codec: random bytes give an answer or WireError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (input) => {
      onlyWireError(() => decodeQuery(Buffer.from(input)));
      onlyWireError(() => decodeMessage(Buffer.from(input)));
    }),
    { numRuns: 2_000 },
  );
});

test('codec: damaged messages give an answer or WireError, and what was read can be written', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(query, reply, damage, fc.nat(), (asked, said, changes, cut) => {
      const packet = Buffer.from(encodeReply(asked, said, tcpLimit).packet);
      for (const [at, value] of changes) packet[at % packet.length] = value;
      const input = cut % 3 === 0 ? packet.subarray(0, cut % packet.length) : packet;
      onlyWireError(() => {
        const { answer, authority, additional } = decodeMessage(input);
        const copy = { ...said, answer, authority, additional };
        encodeReply(asked, copy, tcpLimit);
        encodeReply(asked, copy, 512);
      });
      onlyWireError(() => decodeQuery(input));
    }),
    { numRuns: 1_000 },
  );
});

const header = '\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00';
const malformed: readonly { readonly name: string; readonly packet: string; readonly error: RegExp }[] = [
  { name: 'empty', packet: '', error: /shorter than its header/ },
  {
    name: 'no question',
    packet: header.replace('\x00\x01\x00\x00\x00\x00', '\x00\x00\x00\x00\x00\x00'),
    error: /one question/,
  },
  { name: 'a pointer to itself', packet: `${header}\xc0\x0c\x00\x01\x00\x01`, error: /backwards/ },
  { name: 'a pointer forwards', packet: `${header}\xc0\x20\x00\x01\x00\x01`, error: /backwards/ },
  { name: 'a loop of a label and a pointer', packet: `${header}\x01a\xc0\x0c\x00\x01\x00\x01`, error: /backwards/ },
  { name: 'half a pointer', packet: `${header}\xc0`, error: /past the end/ },
  { name: 'a label past the end', packet: `${header}\x3fabc`, error: /past the end/ },
  { name: 'an unknown label type', packet: `${header}\x40abc\x00\x00\x01\x00\x01`, error: /label type/ },
  { name: 'a name without end', packet: `${header}\x01a\x01b`, error: /past the end/ },
  {
    name: 'a name of 256 octets',
    packet: `${header}${`\x3f${'a'.repeat(63)}`.repeat(4)}\x00\x00\x01\x00\x01`,
    error: /255/,
  },
  { name: 'half a question', packet: `${header}\x01a\x00\x00\x01`, error: /question runs past/ },
  {
    name: '65535 records announced',
    packet: `${header.slice(0, 6)}\xff\xff\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01`,
    error: /more records/,
  },
];
for (const { name: title, packet, error } of malformed) {
  test(`codec: ${title} is refused`, () => {
    assert.throws(
      () => decodeQuery(Buffer.from(packet, 'latin1')),
      (thrown) => {
        assert.ok(thrown instanceof WireError);
        assert.match(thrown.message, error);
        return true;
      },
    );
  });
}

test('codec: a chain of pointers as long as a message ends', () => {
  const packet = Buffer.alloc(0xffff);
  for (let at = 14; at + 2 < 0x3fff; at += 2) packet.writeUInt16BE(0xc000 | (at - 2), at);
  assert.equal(readName(packet, 0x3ff0).name, '\0');
});

test('codec: the worst question there is leaves room for an answer in 512 octets', () => {
  const long = nameFromLabels(Array.from({ length: 3 }, () => 'a'.repeat(63)).concat('b'.repeat(61)));
  const asked: Query = { id: 1, flags: 0, name: long, type: 1, class: 1, edns: undefined, exact: true };
  const soa: ResourceRecord = {
    name: long,
    type: rrType.SOA,
    class: 1,
    ttl: 5,
    data: { kind: 'soa', mname: long, rname: long, numbers: [1, 2, 3, 4, 5] },
  };
  const said = { rcode: rcode.NXDOMAIN, authoritative: true, answer: [], authority: [soa], additional: [] };
  const { truncated } = encodeReply(asked, said, udpLimit(asked));
  assert.equal(truncated, false);
});

test('names: text and labels go both ways, odd octets are escaped', () => {
  assert.equal(nameToText(nameFromText('web.Default.svc')), 'web.Default.svc.');
  assert.equal(nameToText(nameFromText('.')), '.');
  assert.equal(nameToText(nameFromLabels(['a.b', 'c\x07d', '(;)'])), 'a\\.b.c\\007d.\\(\\;\\).');
  assert.deepEqual(labelsOf(nameFromText('a.b.c')), ['a', 'b', 'c']);
  assert.equal(foldCase(nameFromLabels(['AÀ', 'B'])), nameFromLabels(['aÀ', 'b']));
});

test('names: a zone ends at a label border', () => {
  const zone = nameFromText('svc.local');
  assert.equal(zoneOffset(nameFromText('web.svc.local'), zone), 4);
  assert.equal(zoneOffset(zone, zone), 0);
  assert.equal(zoneOffset(nameFromText('local'), zone), -1);
  // The octets of the zone stand at the end, inside a longer label.
  assert.equal(zoneOffset(nameFromLabels(['x\x03svc\x05local']), zone), -1);
});
