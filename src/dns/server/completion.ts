/**
 * The first of some names that exists, answered under the name that was asked: CNAME, and what is there.
 *
 *   a name that exists without this type ─> CNAME alone (RFC 2308 2.2), so that A and AAAA agree about it
 *   a name that only has names below it  ─> no name to stop at: a resolver would go on too
 *   an upstream that fails or takes long ─> undefined: that the asked name does not exist is true at once
 */
import type { Answers } from '../answers.ts';
import { clusterTtl } from '../answers.ts';
import type { Forwarder } from '../forward/index.ts';
import { rcode, rrClass, rrType } from '../wire/index.ts';
import type { Query, Reply, ResourceRecord, WireName } from '../wire/index.ts';
import { askOf } from './forwarded.ts';

type Known = Pick<Reply, 'rcode' | 'answer' | 'authority'>;

/** Completing is a favour; the client has five seconds for all of its list. */
const patienceMs = 1_000;

export async function completion(
  query: Query,
  candidates: readonly WireName[],
  { answers, forwarder }: { readonly answers: Answers; readonly forwarder: Forwarder },
): Promise<Reply | undefined> {
  for (const name of candidates) {
    const found = await at({ ...query, name }, answers, forwarder);
    if (found === undefined) return undefined;
    if (found !== 'nothing') return aliased(query.name, name, found);
  }
  return undefined;
}

async function at(query: Query, answers: Answers, forwarder: Forwarder): Promise<Known | 'nothing' | undefined> {
  const answer = answers.answer(query);
  switch (answer.kind) {
    case 'reply':
      if (answer.reply.answer.length > 0) return answer.reply;
      return answer.reply.rcode === rcode.NOERROR && hasOtherFamily(query, answers) ? answer.reply : 'nothing';
    case 'chase': {
      const rest = await patiently(forwarder.sections(askOf(query, answer.target)));
      return rest && { ...rest, answer: [...answer.chain, ...rest.answer] };
    }
    case 'elsewhere': {
      const found = await patiently(forwarder.sections(askOf(query, query.name)));
      if (found === undefined) return undefined;
      if (found.rcode === rcode.NXDOMAIN) return 'nothing';
      return found.rcode === rcode.NOERROR ? found : undefined;
    }
  }
}

function hasOtherFamily(query: Query, answers: Answers): boolean {
  const other = answers.answer({ ...query, type: query.type === rrType.A ? rrType.AAAA : rrType.A });
  return other.kind === 'reply' && other.reply.answer.length > 0;
}

function aliased(asked: WireName, target: WireName, { rcode: code, answer, authority }: Known): Reply {
  const ttl = Math.min(clusterTtl, ...answer.map((record) => record.ttl));
  const alias: ResourceRecord = {
    name: asked,
    type: rrType.CNAME,
    class: rrClass.IN,
    ttl,
    data: { kind: 'name', target },
  };
  const ends = answer.some(({ type }) => type !== rrType.CNAME);
  return {
    rcode: code,
    authoritative: true,
    answer: [alias, ...answer],
    authority: ends ? [] : authority,
    additional: [],
  };
}

async function patiently<T>(work: Promise<T | undefined>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
