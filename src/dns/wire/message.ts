/**
 * A DNS message in memory: what the decoder gives and the encoder takes.
 *
 *   Query      one question, its flags and EDNS: all that a server needs of a request
 *   Reply      what is answered: code, flags, three sections
 *   RData      by shape, not by type: types that carry names are taken apart, all others stay bytes
 */
import type { WireName } from './name.ts';

export interface Edns {
  readonly size: number;
  readonly version: number;
  readonly dnssecOk: boolean;
  /** Options came with it: such requests differ from each other (cookies) though they ask the same. */
  readonly hasOptions: boolean;
}

export interface Question {
  /** As asked, case preserved. */
  readonly name: WireName;
  readonly type: number;
  readonly class: number;
}

export interface Query extends Question {
  readonly id: number;
  readonly flags: number;
  readonly edns: Edns | undefined;
  /** Nothing follows what was understood. */
  readonly exact: boolean;
}

export type RData =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'name'; readonly target: WireName }
  | { readonly kind: 'mx'; readonly preference: number; readonly target: WireName }
  | {
      readonly kind: 'srv';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: WireName;
    }
  | {
      readonly kind: 'soa';
      readonly mname: WireName;
      readonly rname: WireName;
      /** serial, refresh, retry, expire, minimum. */
      readonly numbers: readonly [number, number, number, number, number];
    };

export interface ResourceRecord {
  readonly name: WireName;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly data: RData;
}

export interface Reply {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answer: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  /** Taken over from an upstream that validated (RFC 6840 5.8). */
  readonly authenticData?: boolean;
}

/** A whole message from an upstream server. */
export interface Message {
  readonly id: number;
  readonly flags: number;
  readonly rcode: number;
  readonly question: Question | undefined;
  readonly answer: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
}
