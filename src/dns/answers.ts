/**
 * Question → what the cluster's own data says: the sections of the answer, or that somebody else must be asked.
 *
 *   question ─ Lookup.find ─┬─ records ─> reply           NOERROR, AA
 *                           ├─ empty ───> reply           NODATA: SOA in the authority section (RFC 2308)
 *                           ├─ missing ─> reply           NXDOMAIN: the same
 *                           ├─ CNAME out of the cluster ─> chase: what is known so far, and the name to forward
 *                           └─ not ours ─> elsewhere
 *
 * A CNAME inside the cluster is followed here, as CoreDNS does; the code is that of the last name (RFC 6604).
 */
import { labelsOf, nameFromLabels, rcode, rrClass, rrType } from './wire/index.ts';
import type { Question, RData, Reply, ResourceRecord, WireName } from './wire/index.ts';
import type { Found, Lookup, NameRecords, Versioned, Zone } from './zone/index.ts';

export type Answer =
  /** `dependsOn`: the reply is true until that has another version. */
  | { readonly kind: 'reply'; readonly reply: Reply; readonly dependsOn: Versioned }
  | { readonly kind: 'chase'; readonly chain: readonly ResourceRecord[]; readonly target: WireName }
  | { readonly kind: 'elsewhere' };

/** CoreDNS's default for the kubernetes plugin; SOA MINIMUM too, so negative answers live no longer. */
export const clusterTtl = 5;
/** CoreDNS follows as many (plugin/backend_lookup.go). */
const longestChain = 8;
const hinfo: RData = { kind: 'bytes', bytes: Buffer.from('\x07RFC8482\x00', 'latin1') };
const noRecords: NameRecords = { a: [], aaaa: [], srv: [], cname: undefined };

export class Answers {
  readonly #zone: Zone;
  readonly #lookup: Lookup;

  constructor(zone: Zone, lookup: Lookup) {
    this.#zone = zone;
    this.#lookup = lookup;
  }

  /** Is the name ours, whatever is known of it? Then it never leaves the cluster. */
  owns(name: WireName): boolean {
    return this.#lookup.find(name) !== undefined;
  }

  answer(question: Question): Answer {
    const chain: ResourceRecord[] = [];
    let { name } = question;
    for (;;) {
      const found = this.#lookup.find(name);
      if (found === undefined) {
        return chain.length === 0 ? { kind: 'elsewhere' } : { kind: 'chase', chain, target: name };
      }
      const target = found.kind === 'records' ? found.records.cname : undefined;
      if (target === undefined || question.type === rrType.CNAME || question.type === rrType.ANY) {
        const reply = this.#reply(found, name, question.type, chain);
        return { kind: 'reply', reply, dependsOn: chain.length === 0 ? found.dependsOn : this.#zone };
      }
      chain.push(record(name, rrType.CNAME, { kind: 'name', target }));
      if (chain.length > longestChain) {
        return { kind: 'reply', reply: { ...bare(rcode.SERVFAIL), answer: chain }, dependsOn: this.#zone };
      }
      name = target;
    }
  }

  #reply(found: Found, name: WireName, type: number, chain: readonly ResourceRecord[]): Reply {
    const { answer, additional } = type === rrType.ANY ? anyOf(found, name) : this.#sections(found, name, type);
    return {
      rcode: found.kind === 'missing' ? rcode.NXDOMAIN : rcode.NOERROR,
      authoritative: true,
      answer: chain.length === 0 ? answer : [...chain, ...answer],
      authority: answer.length > 0 ? [] : [this.#soa(found.zone)],
      additional,
    };
  }

  #sections(found: Found, name: WireName, type: number): Sections {
    switch (found.kind) {
      case 'records':
        return this.#recordSections(found, name, type);
      case 'pointers':
        return type === rrType.PTR
          ? only(found.targets.map((target) => record(name, rrType.PTR, { kind: 'name', target })))
          : only([]);
      case 'text':
        return type === rrType.TXT
          ? only([record(name, rrType.TXT, characterString(found.text), found.ttl)])
          : only([]);
      case 'apex': {
        if (type === rrType.SOA) return only([this.#soa(found.zone)]);
        if (type !== rrType.NS) return only([]);
        const target = this.#lookup.nameServerTarget();
        return {
          answer: [record(name, rrType.NS, { kind: 'name', target })],
          additional: addresses(target, this.#lookup.nameServerRecords()),
        };
      }
      case 'empty':
      case 'missing':
        return only([]);
    }
  }

  #recordSections(found: Extract<Found, { kind: 'records' }>, name: WireName, type: number): Sections {
    const { a, aaaa, srv, cname } = found.records;
    switch (type) {
      case rrType.A:
        return only(addresses(name, { ...noRecords, a }));
      case rrType.AAAA:
        return only(addresses(name, { ...noRecords, aaaa }));
      case rrType.CNAME:
        return only(cname === undefined ? [] : [record(name, rrType.CNAME, { kind: 'name', target: cname })]);
      case rrType.SRV: {
        const targets = new Set(srv.map(({ target }) => target));
        return {
          answer: srv.map((data) => record(name, rrType.SRV, data)),
          additional: [...targets].flatMap((target) => addresses(target, this.#targetRecords(found, target))),
        };
      }
      default:
        return only([]);
    }
  }

  #targetRecords({ owner }: Extract<Found, { kind: 'records' }>, target: WireName): NameRecords {
    return (owner && this.#lookup.targetRecords(owner, target)) ?? noRecords;
  }

  /** Numbers as CoreDNS has them (plugin/backend_lookup.go SOA). */
  #soa(zone: WireName): ResourceRecord {
    const serial = Math.floor(this.#zone.changedAt / 1000);
    return record(zone, rrType.SOA, {
      kind: 'soa',
      mname: this.#lookup.nameServer,
      rname: nameFromLabels(['hostmaster', ...labelsOf(this.#lookup.domain)]),
      numbers: [serial, 7200, 1800, 86_400, clusterTtl],
    });
  }
}

interface Sections {
  readonly answer: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
}

/** RFC 8482 4.2: one HINFO instead of all that is known. */
export function anyRecord(name: WireName): ResourceRecord {
  return record(name, rrType.HINFO, hinfo);
}

/** An answer without any record. */
export function bare(code: number): Reply {
  return { rcode: code, authoritative: true, answer: [], authority: [], additional: [] };
}

function anyOf(found: Found, name: WireName): Sections {
  switch (found.kind) {
    case 'missing':
    case 'empty':
      return only([]);
    case 'records': {
      const { a, aaaa, srv, cname } = found.records;
      // The HINFO is for names without an alias (RFC 8482 4.2), and an empty non-terminal has nothing to stand for.
      if (cname !== undefined) return only([record(name, rrType.CNAME, { kind: 'name', target: cname })]);
      return only(a.length + aaaa.length + srv.length === 0 ? [] : [anyRecord(name)]);
    }
    default:
      return only([anyRecord(name)]);
  }
}

function addresses(name: WireName, { a, aaaa }: NameRecords): readonly ResourceRecord[] {
  return [
    ...a.map((bytes) => record(name, rrType.A, { kind: 'bytes', bytes })),
    ...aaaa.map((bytes) => record(name, rrType.AAAA, { kind: 'bytes', bytes })),
  ];
}

function characterString(text: string): RData {
  return { kind: 'bytes', bytes: Buffer.from(String.fromCharCode(text.length) + text, 'latin1') };
}

function only(answer: readonly ResourceRecord[]): Sections {
  return { answer, additional: [] };
}

function record(name: WireName, type: number, data: RData, ttl: number = clusterTtl): ResourceRecord {
  return { name, type, class: rrClass.IN, ttl, data };
}
