/**
 * Webhooks answer in their own time, transactions do not wait. So a write that somebody wants to see is tried, broken off where the
 * question comes up, and tried again with the answer:
 *
 *   transaction ─ … ─ policies mutate ─ webhooks not asked yet ──> thrown away ─ ask ─┐
 *        ┌─────────────────── again, with the webhooks' object, and once more if it changed ─┘
 *   transaction ─ … ─ validate: this very object not shown yet ──> thrown away ─ ask ─ again, with that object ─ put
 *
 * What is stored is what the validating webhooks saw, addresses and ports included, over the old object that they saw: when that
 * has changed meanwhile, all are asked again (the property that CVE-2021-25735 broke).
 */
import type { KindDefinition } from '../../../api/kind.ts';
import type { KubeObject } from '../../../api/object.ts';
import type { Server } from '../../context.ts';
import { conflict, modifiedText } from '../../errors.ts';
import { clone } from '../../../api/clone.ts';
import { NotLoaded } from '../../../util/lazy.ts';
import { enforcePolicies, mutateByPolicies, noPolicies } from '../policies/index.ts';
import { Round } from '../reinvocation.ts';
import type { AdmissionRequest } from '../request.ts';
import { runMutating, runValidating } from './dispatch.ts';
import { matching, noWebhooks } from './match.ts';
import type { Match } from './match.ts';
import type { Asking } from './review.ts';

/** What policies and webhooks made of an object. */
export interface Mutated {
  /** undefined: as it is. */
  readonly object: KubeObject | undefined;
  /** All of admission comes once more, over what they made, and then they do. */
  readonly again: boolean;
}

/** What the write path asks, inside the transaction. */
export interface AdmissionSession {
  /** `second`: once more. */
  mutate(request: AdmissionRequest, second?: boolean): Mutated;
  /** Returns when this object may be stored. */
  validate(request: AdmissionRequest): void;
}

/** Breaks a transaction off. */
class Pending extends Error {
  readonly request: AdmissionRequest;
  readonly matches: readonly Match[];
  /** Of mutating webhooks; without: validating ones. */
  readonly round: Round | undefined;
  constructor(request: AdmissionRequest, matches: readonly Match[], round?: Round) {
    super('webhooks are to be asked');
    this.request = request;
    this.matches = matches;
    this.round = round;
  }
}

interface Known {
  readonly oldVersion: string;
  readonly object: KubeObject | undefined;
  readonly round: Round;
  /** As text: what the validating webhooks let through. */
  readonly seen?: string;
}

/** Each change of the old object in between costs one; after so many the client may try again. */
const mostAttempts = 12;

export async function withWebhooks<R>(
  server: Server,
  kind: KindDefinition,
  asking: Asking & { readonly warnings: string[] },
  attempt: (session: AdmissionSession | undefined) => Promise<R>,
): Promise<R> {
  const { store, registry } = server;
  if (noWebhooks(store) && noPolicies(store)) return attempt(undefined);
  /** What came of each round. */
  const known: Known[] = [];
  let last: Round | undefined;
  const isKnown = (one: Known | undefined, request: AdmissionRequest): one is Known =>
    one?.oldVersion === versionOf(request);
  const session: AdmissionSession = {
    mutate(request, second = false) {
      const found = known[second ? 1 : 0];
      if (isKnown(found, request)) {
        last = found.round;
        return { object: clone(found.object), again: !second && last.changed };
      }
      const round = new Round(second ? last : undefined);
      const object = mutateByPolicies(server, kind, request, asking, round);
      const seen = object === undefined ? request : { ...request, object };
      const matches = matching(store, registry, 'mutating', seen);
      if (matches.some(({ key }) => round.webhooks.asks(key))) throw new Pending(snapshot(seen), matches, round);
      last = round;
      return { object, again: !second && round.changed };
    },
    validate(request) {
      const [found] = known;
      if (isKnown(found, request) && found.seen === textOf(request)) return;
      enforcePolicies(server, request, asking);
      const matches = matching(store, registry, 'validating', request);
      if (matches.length > 0) throw new Pending(snapshot(request), matches);
    },
  };
  const before = asking.warnings.length;
  const told: string[] = [];
  let name = '';
  for (let count = 0; count < mostAttempts; count++) {
    try {
      const result = await attempt(session);
      asking.warnings.push(...told.filter((text) => !asking.warnings.includes(text)));
      return result;
    } catch (error) {
      // The next attempt says them again.
      if (error instanceof NotLoaded || error instanceof Pending) asking.warnings.length = before;
      if (error instanceof NotLoaded) {
        await error.load();
        continue;
      }
      if (!(error instanceof Pending)) throw error;
      const { request, matches, round } = error;
      ({ name } = request);
      const dispatch = { ...asking, server, store, kind, warnings: told };
      const oldVersion = versionOf(request);
      if (round !== undefined) {
        const object = await runMutating(dispatch, request, matches, round);
        known[round.webhooks.second ? 1 : 0] = { oldVersion, object, round };
      } else {
        await runValidating(dispatch, request, matches);
        known[0] = { oldVersion, object: request.object, round: new Round(), seen: textOf(request) };
      }
    }
  }
  throw conflict(kind.resource, name, modifiedText);
}

function versionOf({ old }: AdmissionRequest): string {
  return old?.metadata.resourceVersion ?? '';
}

function textOf({ object }: AdmissionRequest): string {
  return JSON.stringify(object ?? null);
}

function snapshot(request: AdmissionRequest): AdmissionRequest {
  return { ...request, object: clone(request.object) };
}
