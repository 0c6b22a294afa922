/**
 * What of an upstream's answer is about the question: the chain of aliases from the asked name, what is at its end, and
 * the authority over it. Everything else (a forger's gift, or ballast) is dropped, the additional section altogether.
 */
import { foldCase, rrType, zoneOffset } from '../wire/index.ts';
import type { Message, Question, Reply, ResourceRecord, WireName } from '../wire/index.ts';

export function cleanSections(question: Pick<Question, 'name'>, message: Message): Pick<Reply, 'answer' | 'authority'> {
  const sent = message.question?.name ?? question.name;
  const chain = new Set<WireName>([foldCase(question.name)]);
  const answer: ResourceRecord[] = [];
  for (const record of message.answer) {
    const owner = foldCase(record.name);
    const above = record.type === rrType.DNAME || record.type === rrType.RRSIG;
    if (!chain.has(owner) && !(above && isAbove(owner, chain))) continue;
    answer.push(unmixed(record, sent));
    if (record.type === rrType.CNAME && record.data.kind === 'name') chain.add(foldCase(record.data.target));
  }
  const authority = message.authority.filter((record) => isAbove(foldCase(record.name), chain) || isDenial(record));
  return { answer, authority: authority.map((record) => unmixed(record, sent)) };
}

/** Names that the upstream compressed against our question have its random letter case; clients need not see that. */
function unmixed(record: ResourceRecord, sent: WireName): ResourceRecord {
  const { data } = record;
  const plain = (name: WireName): WireName => unmixedName(name, sent);
  const name = plain(record.name);
  switch (data.kind) {
    case 'bytes':
      return { ...record, name };
    case 'name':
    case 'mx':
    case 'srv':
      return { ...record, name, data: { ...data, target: plain(data.target) } };
    case 'soa':
      return { ...record, name, data: { ...data, mname: plain(data.mname), rname: plain(data.rname) } };
  }
}

function unmixedName(name: WireName, sent: WireName): WireName {
  for (let at = 0; at < name.length - 1; at += 1 + name.charCodeAt(at)) {
    if (zoneOffset(sent, name.slice(at)) >= 0) return name.slice(0, at) + foldCase(name.slice(at));
  }
  return name;
}

function isAbove(name: WireName, chain: ReadonlySet<WireName>): boolean {
  return [...chain].some((below) => zoneOffset(below, name) >= 0);
}

/** NSEC, NSEC3 and their signatures are not above the name they deny. */
function isDenial({ type }: ResourceRecord): boolean {
  return type === 47 || type === 50 || type === rrType.RRSIG;
}
