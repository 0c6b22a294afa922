/** Messages as lines, so that a table can say a whole answer. */
import { nameToText, rcodeName, rrType, typeName } from '../wire/index.ts';
import type { Message, RData, ResourceRecord } from '../wire/index.ts';
import { flag } from '../wire/index.ts';
import { formatIp } from '../../util/ip.ts';

/** `NOERROR aa rd ra`, then `answer: …`, `authority: …`, `additional: …` lines; a SOA's serial is shown as SERIAL. */
export function messageLines(message: Message): string[] {
  const set = (['AA', 'TC', 'RD', 'RA', 'AD', 'CD'] as const).filter((name) => (message.flags & flag[name]) !== 0);
  const section = (title: string, records: readonly ResourceRecord[]): string[] =>
    records.filter(({ type }) => type !== rrType.OPT).map((record) => `${title}: ${recordText(record)}`);
  return [
    [rcodeName(message.rcode), ...set.map((name) => name.toLowerCase())].join(' '),
    ...section('answer', message.answer),
    ...section('authority', message.authority),
    ...section('additional', message.additional),
  ];
}

function recordText({ name, ttl, type, data }: ResourceRecord): string {
  return `${nameToText(name)} ${ttl} ${typeName(type)} ${dataText(type, data)}`;
}

function dataText(type: number, data: RData): string {
  switch (data.kind) {
    case 'name':
      return nameToText(data.target);
    case 'mx':
      return `${data.preference} ${nameToText(data.target)}`;
    case 'srv':
      return `${data.priority} ${data.weight} ${data.port} ${nameToText(data.target)}`;
    case 'soa': {
      const [, ...numbers] = data.numbers;
      return `${nameToText(data.mname)} ${nameToText(data.rname)} SERIAL ${numbers.join(' ')}`;
    }
    case 'bytes':
      if (type === rrType.A) return data.bytes.join('.');
      if (type === rrType.AAAA) {
        return formatIp({ family: 'IPv6', value: BigInt(`0x${Buffer.from(data.bytes).toString('hex')}`) });
      }
      return JSON.stringify(Buffer.from(data.bytes).toString('latin1'));
  }
}
