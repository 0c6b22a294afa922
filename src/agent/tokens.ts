/**
 * ServiceAccount tokens bound to a pod, by TokenRequest; kept, and renewed when 80 % of their life is over.
 * Upstream: pkg/kubelet/token/token_manager.go.
 */
import type { Client } from '../client/index.ts';

export interface TokenWish {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod: { readonly name: string; readonly uid: string };
  readonly audience: string | undefined;
  readonly expirationSeconds: number;
}

export interface TokenSource {
  get(wish: TokenWish): Promise<string>;
  forget(podUid: string): void;
}

interface Held {
  readonly token: string;
  readonly renewAt: number;
}

/** Upstream: a day-long token is renewed daily, jitter left out. */
const maxAgeMs = 24 * 3600 * 1000;

export function createTokenSource(client: Client): TokenSource {
  const held = new Map<string, Held>();
  return {
    async get(wish) {
      const key = [wish.pod.uid, wish.serviceAccount, wish.audience ?? '', wish.expirationSeconds].join('/');
      const have = held.get(key);
      if (have !== undefined && Date.now() < have.renewAt) return have.token;
      const asked = Date.now();
      const answer = (await client.raw(
        'POST',
        `/api/v1/namespaces/${wish.namespace}/serviceaccounts/${wish.serviceAccount}/token`,
        tokenRequest(wish),
      )) as { status?: { token?: string; expirationTimestamp?: string } };
      const token = answer.status?.token;
      if (token === undefined) throw new Error(`no token for service account ${wish.namespace}/${wish.serviceAccount}`);
      const expires = Date.parse(answer.status?.expirationTimestamp ?? '') || asked + wish.expirationSeconds * 1000;
      held.set(key, { token, renewAt: asked + Math.min(maxAgeMs, 0.8 * (expires - asked)) });
      return token;
    },
    forget(podUid) {
      for (const key of held.keys()) if (key.startsWith(`${podUid}/`)) held.delete(key);
    },
  };
}

function tokenRequest(wish: TokenWish): unknown {
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name: wish.serviceAccount, namespace: wish.namespace },
    spec: {
      audiences: wish.audience === undefined ? [] : [wish.audience],
      expirationSeconds: wish.expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: wish.pod.name, uid: wish.pod.uid },
    },
  };
}
