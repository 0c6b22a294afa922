/**
 * Webhooks answer in their own time, transactions do not wait. So a write that somebody wants to see is tried, broken off where the
 * question comes up, and tried again with the answer:
 *
 *   transaction ─ … ─ mutate: not asked yet ──> thrown away ─ ask ─┐
 *        ┌─────────────────── again, with the webhooks' object ────┘
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
import { enforcePolicies, noPolicies } from '../policies/index.ts';
import type { AdmissionRequest } from '../request.ts';
import { runMutating, runValidating } from './dispatch.ts';
import { matching, noWebhooks } from './match.ts';
import type { Match } from './match.ts';
import type { Asking } from './review.ts';

/** What the write path asks, inside the transaction. */
export interface AdmissionSession {
  /** The object as webhooks want it, undefined: as it is. */
  mutate(request: AdmissionRequest): KubeObject | undefined;
  /** Returns when this object may be stored. */
  validate(request: AdmissionRequest): void;
}

/** Breaks a transaction off. */
class Pending extends Error {
  readonly phase: 'mutating' | 'validating';
  readonly request: AdmissionRequest;
  readonly matches: readonly Match[];
  constructor(phase: 'mutating' | 'validating', request: AdmissionRequest, matches: readonly Match[]) {
    super(`${phase} webhooks are to be asked`);
    this.phase = phase;
    this.request = request;
    this.matches = matches;
  }
}

interface Known {
  readonly oldVersion: string;
  readonly object: KubeObject | undefined;
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
  let known: Known | undefined;
  const isKnown = (request: AdmissionRequest): boolean => known?.oldVersion === versionOf(request);
  const session: AdmissionSession = {
    mutate(request) {
      if (isKnown(request)) return clone(known?.object);
      const matches = matching(store, registry, 'mutating', request);
      if (matches.length > 0) throw new Pending('mutating', snapshot(request), matches);
      return undefined;
    },
    validate(request) {
      if (isKnown(request) && known?.seen === textOf(request)) return;
      enforcePolicies(server, request, asking);
      const matches = matching(store, registry, 'validating', request);
      if (matches.length > 0) throw new Pending('validating', snapshot(request), matches);
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
      const { phase, request, matches } = error;
      ({ name } = request);
      const dispatch = { ...asking, server, store, kind, warnings: told };
      const oldVersion = versionOf(request);
      if (phase === 'mutating') known = { oldVersion, object: await runMutating(dispatch, request, matches) };
      else {
        await runValidating(dispatch, request, matches);
        known = { oldVersion, object: request.object, seen: textOf(request) };
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
